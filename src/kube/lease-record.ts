// One Lease on the API server, as one candidate reads and writes it. When to do so, and what follows, is the elector's.
import type { Clock } from '../base/clock.ts';
import type { Client } from './client.ts';
import { isNotFound } from './errors.ts';
import { microTime } from './micro-time.ts';
import type { KubeObject, Resource } from './object.ts';
import type { Scheduler } from './scheduler.ts';

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

export interface LeaseRecordOptions {
  readonly client: Pick<Client, 'get' | 'create' | 'update'>;
  readonly namespace: string;
  readonly name: string;
  /** Unique to this process: pod name and a random part. Two processes with one identity would both lead. */
  readonly identity: string;
  readonly fieldManager: string;
  /** What is written for others to go by. */
  readonly durationMs: number;
  /** The deadline of one request. */
  readonly callMs: number;
  readonly scheduler: Scheduler;
  /** The time of day, only to write it into the Lease for people. */
  readonly clock: Clock;
}

export class LeaseRecord {
  readonly #options: LeaseRecordOptions;
  /** As last read or written; undefined when there is none. */
  #lease: Lease | undefined;
  /** When its holder and renewal time were first seen, by this process's clock: the holder's is not comparable. */
  #observedAt = 0;

  constructor(options: LeaseRecordOptions) {
    this.#options = options;
  }

  get exists(): boolean {
    return this.#lease !== undefined;
  }

  /** The holder when it was last read or written. */
  get holder(): string | undefined {
    return this.#lease?.spec?.holderIdentity || undefined;
  }

  get isHeld(): boolean {
    return this.holder === this.#options.identity;
  }

  /** It has no holder, this process holds it (from before a restart), or its holder has not renewed it in time. */
  get isFree(): boolean {
    if (this.holder === undefined || this.isHeld) return true;
    // The holder's own duration counts: it may run with another configuration.
    const seconds = this.#lease?.spec?.leaseDurationSeconds;
    const duration = seconds === undefined ? this.#options.durationMs : seconds * 1000;
    return this.#options.scheduler.now() - this.#observedAt > duration;
  }

  async read(signal: AbortSignal): Promise<void> {
    const { client, namespace, name, callMs } = this.#options;
    try {
      this.#observe(await client.get(LEASES, { namespace, name }, { signal, deadlineMs: callMs }));
    } catch (error) {
      if (!isNotFound(error)) throw error;
      this.#lease = undefined;
    }
  }

  /**
   * Creates, takes or renews it, in the version that was last seen: of several that write at once, one succeeds.
   * @returns when the request was sent: others count from when they see its effect, which is later
   */
  async claim(signal: AbortSignal): Promise<number> {
    const { identity, durationMs, clock, scheduler } = this.#options;
    const sent = scheduler.now();
    const now = microTime(clock);
    const { spec } = this.#lease ?? {};
    const transitions = this.#lease === undefined ? 0 : (spec?.leaseTransitions ?? 0) + 1;
    await this.#write(
      {
        ...spec,
        holderIdentity: identity,
        leaseDurationSeconds: Math.ceil(durationMs / 1000),
        renewTime: now,
        ...(!this.isHeld && { acquireTime: now, leaseTransitions: transitions }),
      },
      signal,
    );
    return sent;
  }

  /** Leaves it without a holder. */
  async free(signal: AbortSignal): Promise<void> {
    const renewTime = microTime(this.#options.clock);
    await this.#write(
      { ...this.#lease?.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime },
      signal,
    );
  }

  async #write(spec: NonNullable<Lease['spec']>, signal: AbortSignal): Promise<void> {
    const { client, namespace, name, fieldManager, callMs } = this.#options;
    const options = { signal, fieldManager, deadlineMs: callMs };
    const { apiVersion, kind } = LEASES;
    this.#observe(
      this.#lease === undefined
        ? await client.create(
            LEASES,
            { apiVersion, kind, metadata: { name, namespace }, spec } as Lease,
            options,
          )
        : await client.update(LEASES, { ...this.#lease, spec }, options),
    );
  }

  #observe(lease: Lease): void {
    const known = this.#lease?.spec;
    const isSame =
      known?.holderIdentity === lease.spec?.holderIdentity && known?.renewTime === lease.spec?.renewTime;
    if (this.#lease === undefined || !isSame) this.#observedAt = this.#options.scheduler.now();
    this.#lease = lease;
  }
}
