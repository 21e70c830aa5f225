// Leader election on a Lease, as client-go does it. It is not fencing: writes of a former leader may still be on their
// way, so they must be idempotent.
import { systemClock, type Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Client } from './client.ts';
import { isAlreadyExists, isConflict, isNotFound } from './errors.ts';
import { microTime } from './micro-time.ts';
import type { KubeObject, Resource } from './object.ts';
import { sleep, systemScheduler, type Random, type Scheduler } from './scheduler.ts';

/**
 * More than client-go takes (15, 10 and 2 s): an event loop can stall for seconds. Another takes over after the duration
 * and, at the latest, 2.2 retry periods: within 35 s, with room for slow answers.
 */
const DEFAULTS = { durationMs: 25_000, renewDeadlineMs: 17_000, retryMs: 3_000 };
/** Candidates ask at random times, up to this much later than the leader renews (client-go's `JitterFactor`). */
const ACQUIRE_JITTER = 1.2;

export interface Lease extends KubeObject {
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

export const LEASES: Resource<Lease> = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
};

export interface LeaderElectorOptions {
  readonly client: Pick<Client, 'get' | 'create' | 'update'>;
  readonly namespace: string;
  readonly name: string;
  /** Unique to this process: pod name and a random part. Two processes with one identity would both lead. */
  readonly identity: string;
  readonly fieldManager: string;
  readonly log: Logger;
  /** Called once when leadership is lost; not on release. The process ends then. */
  readonly onLost: (reason: string) => void;
  /** Others take over when they saw no renewal for this long. */
  readonly durationMs?: number;
  /** Without a renewal for this long we stop leading: well before others may start. */
  readonly renewDeadlineMs?: number;
  readonly retryMs?: number;
  readonly scheduler?: Scheduler;
  readonly random?: Random;
  /** The time of day, only to write it into the Lease for people. */
  readonly clock?: Clock;
}

type State = 'candidate' | 'leader' | 'lost' | 'released';

export class LeaderElector {
  readonly #options: LeaderElectorOptions;
  readonly #times: typeof DEFAULTS;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #clock: Clock;
  readonly #end = new AbortController();
  #state: State = 'candidate';
  /** The Lease as last read or written by us. */
  #lease: Lease | undefined;
  /** When we first saw its holder and renewal time, by our clock: theirs is not comparable. */
  #observedAt = 0;
  /** When the last renewal that went well was sent. */
  #renewedAt = Number.NEGATIVE_INFINITY;
  #renewing: Promise<void> = Promise.resolve();

  constructor(options: LeaderElectorOptions) {
    const {
      durationMs = DEFAULTS.durationMs,
      renewDeadlineMs = DEFAULTS.renewDeadlineMs,
      retryMs = DEFAULTS.retryMs,
    } = options;
    if (!(durationMs > renewDeadlineMs && renewDeadlineMs > retryMs * ACQUIRE_JITTER)) {
      throw new RangeError('lease: duration > renew deadline > 1.2 x retry period is required');
    }
    this.#options = options;
    this.#times = { durationMs, renewDeadlineMs, retryMs };
    this.#scheduler = options.scheduler ?? systemScheduler;
    this.#random = options.random ?? Math.random;
    this.#clock = options.clock ?? systemClock;
  }

  /** By the clock, not by a timer: true only while nobody else can have taken over, even right after a stall. */
  get isLeader(): boolean {
    return this.#state === 'leader' && this.#sinceRenewal() < this.#times.renewDeadlineMs;
  }

  /** Who led when we last looked. */
  get holder(): string | undefined {
    return this.#lease?.spec?.holderIdentity || undefined;
  }

  /**
   * Waits until we lead; renews from then on, until `release` or a loss.
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
    await this.#renewing; // its request may have been cut short, so nobody knows the version now
    try {
      const { signal } = new AbortController(); // nothing stops this but its deadline
      await this.#read(signal);
      if (this.#lease === undefined || this.holder !== this.#options.identity) return;
      const renewTime = microTime(this.#clock);
      const spec = { ...this.#lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime };
      await this.#update(this.#lease, spec, signal);
      this.#options.log.info('leadership released');
    } catch (err) {
      this.#options.log.warn({ err }, 'failed to release lease; it expires on its own');
    }
  }

  /** One round of a candidate. */
  async #try(stop: AbortSignal): Promise<boolean> {
    try {
      await this.#read(stop);
      if (this.#lease === undefined) await this.#create(stop);
      else if (this.#isFree()) await this.#take(this.#lease, stop);
      else return false;
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

  /** Nobody holds it, we do (from before a restart), or whoever does let our clock run out. */
  #isFree(): boolean {
    const { holderIdentity, leaseDurationSeconds } = this.#lease?.spec ?? {};
    if (!holderIdentity || holderIdentity === this.#options.identity) return true;
    // The holder's own duration counts: it may run with another configuration.
    const duration =
      leaseDurationSeconds === undefined ? this.#times.durationMs : leaseDurationSeconds * 1000;
    return this.#scheduler.now() - this.#observedAt > duration;
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

  async #renewOnce(signal: AbortSignal): Promise<void> {
    const lease = this.#lease;
    try {
      // Somebody may have deleted it; of several that make it anew, one succeeds.
      if (lease === undefined) await this.#create(signal);
      else await this.#write(lease, { ...lease.spec, ...this.#claim() }, signal);
    } catch (err) {
      if (this.#state !== 'leader') return;
      this.#options.log.warn({ err }, 'lease not renewed, retrying');
      // A write of ours whose answer was lost gives a conflict too, so look who holds it.
      if (isConflict(err) || isAlreadyExists(err) || isNotFound(err)) await this.#refresh(signal);
    }
  }

  async #refresh(signal: AbortSignal): Promise<void> {
    try {
      await this.#read(signal);
    } catch (err) {
      if (this.#state === 'leader') this.#options.log.warn({ err }, 'lease not read, retrying');
      return;
    }
    if (this.#state !== 'leader' || this.#lease === undefined) return;
    const { holder } = this;
    if (holder !== this.#options.identity)
      this.#lose(holder ? `now held by ${holder}` : 'the lease was taken away');
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
    this.#options.log.error({ reason, identity: this.#options.identity }, 'leadership lost');
    this.#options.onLost(reason);
  }

  async #read(signal: AbortSignal): Promise<void> {
    const { client, namespace, name } = this.#options;
    const options = { signal, deadlineMs: this.#callMs() };
    try {
      this.#observe(await client.get(LEASES, { namespace, name }, options));
    } catch (error) {
      if (!isNotFound(error)) throw error;
      this.#lease = undefined;
    }
  }

  #observe(lease: Lease): void {
    const known = this.#lease?.spec;
    const isSame =
      known?.holderIdentity === lease.spec?.holderIdentity && known?.renewTime === lease.spec?.renewTime;
    if (this.#lease === undefined || !isSame) this.#observedAt = this.#scheduler.now();
    this.#lease = lease;
  }

  async #create(signal: AbortSignal): Promise<void> {
    const { client, namespace, name, fieldManager } = this.#options;
    const { apiVersion, kind } = LEASES;
    const spec = { ...this.#claim(), acquireTime: microTime(this.#clock), leaseTransitions: 0 };
    const lease: Lease = { apiVersion, kind, metadata: { name, namespace }, spec };
    const sent = this.#scheduler.now();
    this.#observe(await client.create(LEASES, lease, { signal, fieldManager, deadlineMs: this.#callMs() }));
    this.#renewedAt = sent;
  }

  async #take(lease: Lease, signal: AbortSignal): Promise<void> {
    const isOurs = lease.spec?.holderIdentity === this.#options.identity;
    const transitions = (lease.spec?.leaseTransitions ?? 0) + 1;
    const change = isOurs ? {} : { acquireTime: microTime(this.#clock), leaseTransitions: transitions };
    await this.#write(lease, { ...lease.spec, ...this.#claim(), ...change }, signal);
  }

  #claim(): NonNullable<Lease['spec']> {
    const leaseDurationSeconds = Math.ceil(this.#times.durationMs / 1000);
    return {
      holderIdentity: this.#options.identity,
      leaseDurationSeconds,
      renewTime: microTime(this.#clock),
    };
  }

  async #write(lease: Lease, spec: Lease['spec'], signal: AbortSignal): Promise<void> {
    // Counted from before the request: others count from when they see its effect, which is later.
    const sent = this.#scheduler.now();
    await this.#update(lease, spec, signal);
    this.#renewedAt = sent;
  }

  /** With the version that was read: of two that write at once, one gets a conflict. */
  async #update(lease: Lease, spec: Lease['spec'], signal: AbortSignal): Promise<void> {
    const { client, fieldManager } = this.#options;
    const changed = { ...lease, ...(spec ? { spec } : {}) };
    const options = { signal, fieldManager, deadlineMs: this.#callMs() };
    this.#observe(await client.update(LEASES, changed, options));
  }

  /** Two slow requests in a row must not use up the time to renew. */
  #callMs(): number {
    return Math.floor(this.#times.renewDeadlineMs / 4);
  }

  #sinceRenewal(): number {
    return this.#scheduler.now() - this.#renewedAt;
  }
}
