// Leader election on a Lease, as client-go does it. It is not fencing: writes of a former leader may still be on their
// way, so they must be idempotent.
import { systemClock, type Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import { isAlreadyExists, isConflict, isNotFound } from './errors.ts';
import { LeaseRecord, type LeaseRecordOptions } from './lease-record.ts';
import { sleep, systemScheduler, type Random, type Scheduler } from './scheduler.ts';

/**
 * More than client-go takes (15, 10 and 2 s): an event loop can stall for seconds. Another takes over after the duration
 * and, at the latest, 2.2 retry periods: within 35 s, with room for slow answers.
 */
const DEFAULTS = { durationMs: 25_000, renewDeadlineMs: 17_000, retryMs: 3_000 };
/** Candidates ask at random times, up to this much later than the leader renews (client-go's `JitterFactor`). */
const ACQUIRE_JITTER = 1.2;

export interface LeaderElectorOptions extends Pick<
  LeaseRecordOptions,
  'client' | 'namespace' | 'name' | 'identity' | 'fieldManager'
> {
  readonly log: Logger;
  /** Called once when leadership is lost; not on release. The process ends then. */
  readonly onLost: (reason: string) => void;
  /** Called for each other holder that this process waits for. */
  readonly onWait?: (holder: string) => void;
  /** Others take over when they saw no renewal for this long. */
  readonly durationMs?: number;
  /** Without a renewal for this long this process stops leading: well before others may start. */
  readonly renewDeadlineMs?: number;
  readonly retryMs?: number;
  readonly scheduler?: Scheduler;
  readonly random?: Random;
  readonly clock?: Clock;
}

type State = 'candidate' | 'leader' | 'lost' | 'released';

export class LeaderElector {
  readonly #options: LeaderElectorOptions;
  readonly #times: typeof DEFAULTS;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #lease: LeaseRecord;
  readonly #end = new AbortController();
  #state: State = 'candidate';
  #waitsFor: string | undefined;
  /** When the last renewal that went well was sent. */
  #renewedAt = Number.NEGATIVE_INFINITY;
  #renewing: Promise<void> = Promise.resolve();

  constructor(options: LeaderElectorOptions) {
    const {
      durationMs = DEFAULTS.durationMs,
      renewDeadlineMs = DEFAULTS.renewDeadlineMs,
      retryMs = DEFAULTS.retryMs,
      scheduler = systemScheduler,
      random = Math.random,
      clock = systemClock,
    } = options;
    if (!(durationMs > renewDeadlineMs && renewDeadlineMs > retryMs * ACQUIRE_JITTER)) {
      throw new RangeError('lease: duration > renew deadline > 1.2 x retry period is required');
    }
    this.#options = options;
    this.#times = { durationMs, renewDeadlineMs, retryMs };
    this.#scheduler = scheduler;
    this.#random = random;
    // Two slow requests in a row must not use up the time to renew.
    const callMs = Math.floor(renewDeadlineMs / 4);
    this.#lease = new LeaseRecord({ ...options, durationMs, callMs, scheduler, clock });
  }

  /** By the clock, not by a timer: true only while no other can have taken over, even right after a stall. */
  get isLeader(): boolean {
    return this.#state === 'leader' && this.#sinceRenewal() < this.#times.renewDeadlineMs;
  }

  /** The leader, as last seen. */
  get holder(): string | undefined {
    return this.#lease.holder;
  }

  /**
   * Waits until this process leads; renews from then on, until `release` or a loss.
   * @returns false when the signal came first
   */
  async acquire(stop: AbortSignal): Promise<boolean> {
    while (!stop.aborted) {
      if (await this.#try(stop)) {
        this.#lead();
        return true;
      }
      await sleep(this.#scheduler, this.#times.retryMs * (1 + ACQUIRE_JITTER * this.#random()), stop);
    }
    return false;
  }

  /** Gives leadership up, so that another takes over at once. Call it when nothing runs any more. Never rejects. */
  async release(): Promise<void> {
    if (this.#state !== 'leader') return;
    this.#state = 'released';
    this.#end.abort();
    await this.#renewing; // its request may have been cut short: the version is not known now
    try {
      const { signal } = new AbortController(); // nothing stops this but its deadline
      await this.#lease.read(signal);
      if (!this.#lease.isHeld) return;
      await this.#lease.free(signal);
      this.#options.log.info('leadership released');
    } catch (err) {
      this.#options.log.warn({ err }, 'failed to release lease; it expires on its own');
    }
  }

  /** One round of a candidate. */
  async #try(stop: AbortSignal): Promise<boolean> {
    try {
      await this.#lease.read(stop);
      if (!this.#lease.isFree) {
        this.#wait(this.#lease.holder);
        return false;
      }
      this.#renewedAt = await this.#lease.claim(stop);
      this.#options.log.info({ identity: this.#options.identity }, 'leadership acquired');
      return true;
    } catch (err) {
      if (stop.aborted) return false;
      if (isConflict(err) || isAlreadyExists(err))
        this.#options.log.debug({ err }, 'lost the race for the lease');
      else this.#options.log.warn({ err }, 'lease not read or taken, retrying');
      return false;
    }
  }

  #wait(holder: string | undefined): void {
    if (holder !== undefined && holder !== this.#waitsFor) this.#options.onWait?.(holder);
    this.#waitsFor = holder;
  }

  #lead(): void {
    this.#state = 'leader';
    this.#renewing = this.#renewForEver();
    this.#watchDeadline();
  }

  /** Never rejects. */
  async #renewForEver(): Promise<void> {
    const { signal } = this.#end;
    for (;;) {
      await sleep(this.#scheduler, this.#times.retryMs, signal);
      if (this.#state !== 'leader') return;
      // After a stall of the event loop the renewal may come first, and must not hide that others could have led.
      if (this.#sinceRenewal() >= this.#times.renewDeadlineMs) return this.#lose('no renewal in time');
      await this.#renewOnce(signal);
    }
  }

  /** Makes the Lease anew when it was deleted. */
  async #renewOnce(signal: AbortSignal): Promise<void> {
    try {
      this.#renewedAt = await this.#lease.claim(signal);
    } catch (err) {
      if (this.#state !== 'leader') return;
      this.#options.log.warn({ err }, 'lease not renewed, retrying');
      // A write whose answer was lost gives a conflict too: only a read tells who holds the Lease.
      if (isConflict(err) || isAlreadyExists(err) || isNotFound(err)) await this.#refresh(signal);
    }
  }

  async #refresh(signal: AbortSignal): Promise<void> {
    try {
      await this.#lease.read(signal);
    } catch (err) {
      if (this.#state === 'leader') this.#options.log.warn({ err }, 'lease not read, retrying');
      return;
    }
    if (this.#state !== 'leader' || !this.#lease.exists || this.#lease.isHeld) return;
    const { holder } = this.#lease;
    this.#lose(holder === undefined ? 'the lease was taken away' : `now held by ${holder}`);
  }

  /** A request may hang for as long as its deadline: the loss must not wait for it. */
  #watchDeadline(): void {
    const left = this.#times.renewDeadlineMs - this.#sinceRenewal();
    const cancel = this.#scheduler.after(Math.max(0, left), () => {
      this.#end.signal.removeEventListener('abort', cancel);
      if (this.#state !== 'leader') return;
      if (this.#sinceRenewal() >= this.#times.renewDeadlineMs) this.#lose('no renewal in time');
      else this.#watchDeadline();
    });
    this.#end.signal.addEventListener('abort', cancel, { once: true });
  }

  #lose(reason: string): void {
    this.#state = 'lost';
    this.#end.abort();
    this.#options.log.error({ err: reason, identity: this.#options.identity }, 'leadership lost');
    this.#options.onLost(reason);
  }

  #sinceRenewal(): number {
    return this.#scheduler.now() - this.#renewedAt;
  }
}
