// Events for people (`kubectl describe`): few, short, best effort. No code depends on whether they arrive.
import { randomUUID } from 'node:crypto';
import { systemClock, type Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import { TokenBucket } from '../base/token-bucket.ts';
import type { Client } from './client.ts';
import { isNotFound } from './errors.ts';
import { microTime } from './micro-time.ts';
import type { KubeObject, Resource } from './object.ts';
import { systemScheduler, type Scheduler } from './scheduler.ts';

/** The same event within this time is the same series. */
const SERIES_MS = 10 * 60_000;
/** A series is written again no sooner than this. */
const SERIES_WRITE_MS = 60_000;
/** For one object: a burst, and one event more in each interval. client-go takes 25 and 5 minutes. */
const BURST = 10;
const REFILL_MS = 60_000;
/** For the objects of one namespace together: a burst, and one request more in each interval. */
const NAMESPACE_BURST = 100;
const NAMESPACE_REFILL_MS = 3_000;
/** Series and objects remembered; beyond that the oldest are forgotten. */
const MAX_REMEMBERED = 1000;
/** Events being sent at once, in all and for one namespace; beyond that new ones are dropped, to spare a slow API server. */
const MAX_PENDING = 32;
const MAX_PENDING_OF_NAMESPACE = 8;
/** Limits of the API (bytes). */
const MAX_NOTE = 1024;
const MAX_NAME_PREFIX = 200;

export interface EventContent {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, stable. */
  readonly reason: string;
  /** What the controller did or tried: CamelCase. */
  readonly action: string;
  /** For humans, with the next step. */
  readonly note: string;
}

interface EventObject extends KubeObject {
  readonly series?: { readonly count: number; readonly lastObservedTime: string };
}

export const EVENTS: Resource<EventObject> = {
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
};

interface EventRecorderOptions {
  readonly client: Pick<Client, 'create' | 'update'>;
  /** Qualified, such as `protectedmcp.dev/operator`. */
  readonly controller: string;
  /** The pod. */
  readonly instance: string;
  readonly stop: AbortSignal;
  readonly log: Logger;
  readonly scheduler?: Scheduler;
  readonly clock?: Clock;
  /** Unique part of an event's name. */
  readonly randomId?: () => string;
}

interface Series {
  count: number;
  readonly since: number;
  writtenAt: number;
  /** Undefined until the first write is answered. */
  written: EventObject | undefined;
}

export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #scheduler: Scheduler;
  readonly #clock: Clock;
  readonly #randomId: () => string;
  readonly #series = new Map<string, Series>();
  readonly #buckets = new Map<string, TokenBucket>();
  readonly #namespaces = new Map<string, TokenBucket>();
  /** What is being sent, with its namespace. */
  readonly #pending = new Map<Promise<void>, string>();

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#scheduler = options.scheduler ?? systemScheduler;
    this.#clock = options.clock ?? systemClock;
    this.#randomId = options.randomId ?? randomUUID;
  }

  /** Records an event. Returns at once, never fails; repeats are counted, and a flood is cut. */
  record(regarding: KubeObject, content: EventContent): void {
    const now = this.#scheduler.now();
    const object =
      regarding.metadata.uid ??
      `${regarding.kind}/${regarding.metadata.namespace}/${regarding.metadata.name}`;
    const key = JSON.stringify([object, content.type, content.reason, content.action, content.note]);
    const series = this.#series.get(key);
    const namespace = regarding.metadata.namespace ?? '';
    if (series !== undefined && now - series.since < SERIES_MS) return this.#repeat(series, namespace, now);
    if (this.#isBusy(namespace) || !this.#isAdmitted(object, namespace, now)) {
      this.#options.log.debug({ ...ref(regarding), reason: content.reason }, 'event dropped, too many');
      return;
    }
    const fresh: Series = { count: 1, since: now, writtenAt: now, written: undefined };
    remember(this.#series, key, fresh);
    this.#send(this.#create(regarding, content, fresh), namespace);
  }

  /** Waits for what is being sent. */
  async flush(): Promise<void> {
    await Promise.all(this.#pending.keys());
  }

  #repeat(series: Series, namespace: string, now: number): void {
    series.count++;
    const { written } = series;
    if (
      written === undefined ||
      now - series.writtenAt < SERIES_WRITE_MS ||
      this.#isBusy(namespace) ||
      this.#bucketOf(namespace, now).take(now) > 0
    )
      return;
    series.writtenAt = now;
    this.#send(this.#update(written, series), namespace);
  }

  async #create(regarding: KubeObject, content: EventContent, series: Series): Promise<void> {
    const { client, controller, instance, stop } = this.#options;
    const { apiVersion, kind, metadata } = regarding;
    const { name, namespace, uid, resourceVersion } = metadata;
    const event = {
      apiVersion: EVENTS.apiVersion,
      kind: EVENTS.kind,
      metadata: {
        name: `${(name ?? kind).slice(0, MAX_NAME_PREFIX)}.${this.#randomId()}`,
        namespace: namespace ?? 'default', // where the API server wants events of cluster-wide objects
      },
      eventTime: microTime(this.#clock),
      reportingController: controller,
      reportingInstance: cut(instance, 128),
      type: content.type,
      reason: content.reason,
      action: content.action,
      note: cut(content.note, MAX_NOTE),
      regarding: { apiVersion, kind, name, namespace, uid, resourceVersion },
    };
    try {
      series.written = await client.create(EVENTS, event, { signal: stop, fieldManager: controller });
    } catch (error) {
      this.#forget(series);
      throw error;
    }
  }

  async #update(written: EventObject, series: Series): Promise<void> {
    const { client, controller, stop } = this.#options;
    const event = { ...written, series: { count: series.count, lastObservedTime: microTime(this.#clock) } };
    try {
      series.written = await client.update(EVENTS, event, { signal: stop, fieldManager: controller });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      this.#forget(series); // it has expired: after an hour, by default
    }
  }

  /** The next event of this kind is written as a new one. */
  #forget(series: Series): void {
    for (const [key, value] of this.#series) if (value === series) this.#series.delete(key);
  }

  #isBusy(namespace: string): boolean {
    const own = [...this.#pending.values()].filter((other) => other === namespace).length;
    return this.#pending.size >= MAX_PENDING || own >= MAX_PENDING_OF_NAMESPACE;
  }

  #send(sending: Promise<void>, namespace: string): void {
    const handled = sending
      .catch((err: unknown) => this.#options.log.warn({ err }, 'event not written'))
      .finally(() => this.#pending.delete(handled));
    this.#pending.set(handled, namespace);
  }

  /** A token bucket for each object, and one for each namespace. */
  #isAdmitted(object: string, namespace: string, now: number): boolean {
    const bucket = this.#buckets.get(object) ?? new TokenBucket(BURST, 1 / REFILL_MS, now);
    remember(this.#buckets, object, bucket);
    return bucket.take(now) === 0 && this.#bucketOf(namespace, now).take(now) === 0;
  }

  #bucketOf(namespace: string, now: number): TokenBucket {
    const bucket =
      this.#namespaces.get(namespace) ?? new TokenBucket(NAMESPACE_BURST, 1 / NAMESPACE_REFILL_MS, now);
    remember(this.#namespaces, namespace, bucket);
    return bucket;
  }
}

function ref({ kind, metadata }: KubeObject) {
  return { kind, namespace: metadata.namespace, name: metadata.name };
}

/** Sets an entry as the newest, and forgets the oldest beyond the limit. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > MAX_REMEMBERED && oldest !== undefined) map.delete(oldest);
}

/** At most so many bytes of UTF-8, cut between characters. */
function cut(text: string, bytes: number): string {
  const encoded = Buffer.from(text);
  if (encoded.length <= bytes) return text;
  let end = bytes - Buffer.byteLength('…');
  while (((encoded[end] ?? 0) & 0xc0) === 0x80) end--; // a continuation byte
  return `${encoded.toString('utf8', 0, end)}…`;
}
