// Keeps a store equal to the API: list, then watch, then again, until it is stopped. Lists anew from time to time, so that a
// difference that no watch has told of does not last.
import type { Logger } from '../base/log.ts';
import { fullJitter, type BackoffLimits } from './backoff.ts';
import type { Client, Selection } from './client.ts';
import { isGone, isMalformed, isNotFound, isStopped, retryAfterOf } from './errors.ts';
import { objectKey, type KubeObject, type Resource } from './object.ts';
import { compareVersions, isOlder } from './resource-version.ts';
import { sleep, systemScheduler, type Random, type Scheduler } from './scheduler.ts';
import type { Change, Store } from './store.ts';
import type { WatchEvent } from './watch-stream.ts';

/** A watch without a byte for this long is opened anew (milliseconds). Bookmarks come every minute, if they come. */
const IDLE_MS = 90_000;
/** The server ends watches after a random time in this range, so that they do not all end together. */
const WATCH_SECONDS = { least: 240, most: 300 };
/** A store is compared with a new list when a watch ends and the last list is older than this (milliseconds). */
const RELIST_MS = 10 * 60_000;
/** So many lists in a row that are older than what is known are no slow replica: the API server's history began again. */
const OLD_LISTS = 3;
const BACKOFF: BackoffLimits = { baseMs: 200, maxMs: 30_000 };
/** Between attempts while the API server does not know the kind: nothing else is wrong with it (milliseconds). */
const NOT_SERVED_RETRY_MS = 2_000;

export interface ReflectorOptions<T extends KubeObject> {
  readonly client: Pick<Client, 'list' | 'watch'>;
  readonly resource: Resource<T>;
  /** May be shared by the reflectors of several namespaces. */
  readonly store: Pick<Store<T, never>, 'set' | 'delete' | 'incoming' | 'abandon' | 'replace' | 'reached'>;
  /** Called after the store has changed. It only puts keys into a queue: what it throws is only logged. */
  readonly onChange: (change: Change<T>) => void;
  readonly log: Logger;
  /** Namespace, selectors, and whether to ask for metadata only. */
  readonly selection?: Selection;
  readonly scheduler?: Scheduler;
  readonly random?: Random;
}

export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #log: Logger;
  readonly #firstList = Promise.withResolvers<void>();
  /** Where the watch goes on; undefined when only a list will do. */
  #resourceVersion: string | undefined;
  /** How far lists and watches have told of everything. */
  #reached: string | undefined;
  #oldLists = 0;
  #listedAt = 0;
  #failures = 0;
  #synced = false;
  #isServed = true;

  constructor(options: ReflectorOptions<T>) {
    const { scheduler = systemScheduler, random = Math.random, log, resource, selection } = options;
    this.#options = options;
    this.#scheduler = scheduler;
    this.#random = random;
    this.#log = log.child({ resource: resource.plural, watchedNamespace: selection?.namespace });
  }

  /** Whether the store holds a complete list; it may be an old one. */
  get isSynced(): boolean {
    return this.#synced;
  }

  /** As CustomResourceDefinitions are named: `protectedmcpservers.protectedmcp.dev`. */
  get kindName(): string {
    const { apiVersion, plural } = this.#options.resource;
    return [plural, ...apiVersion.split('/').slice(0, -1)].join('.');
  }

  /** Whether the API server knows the kind, as far as the last answer tells: a CustomResourceDefinition can be deleted. */
  get isServed(): boolean {
    return this.#isServed;
  }

  /** Resolves when the first list is in the store. Never, where no list succeeds. */
  get synced(): Promise<void> {
    return this.#firstList.promise;
  }

  /** Runs until the signal. Resolves then, and never rejects: every failure is waited out. */
  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      try {
        if (this.#resourceVersion === undefined || this.#isListOld) await this.#list(stop);
        else await this.#watch(this.#resourceVersion, stop);
      } catch (error) {
        if (!stop.aborted) await this.#recover(error, stop);
      }
    }
  }

  get #isListOld(): boolean {
    return this.#scheduler.now() - this.#listedAt > RELIST_MS;
  }

  async #list(stop: AbortSignal): Promise<void> {
    const { client, resource, selection = {}, store } = this.#options;
    this.#listedAt = this.#scheduler.now(); // also when it fails: until the next one, the watch is better than nothing
    const keep = (object: T) => store.incoming(object);
    const { items, resourceVersion } = await client.list(resource, { ...selection, keep, signal: stop });
    this.#oldLists = isOlder(resourceVersion, this.#reached) ? this.#oldLists + 1 : 0;
    const restarted = this.#oldLists >= OLD_LISTS;
    if (this.#oldLists > 0 && !restarted) {
      this.#resourceVersion = undefined; // only another list says which of the two is the case
      throw new Error(`list of version ${resourceVersion} is older than ${this.#reached}, which is known`);
    }
    const changes = store.replace({ items, resourceVersion, namespace: selection.namespace, restarted });
    const untold = changes.filter((change) => isTold(change, this.#reached)).length;
    if (untold > 0)
      this.#log.warn({ objects: untold, restarted }, 'cache differed from the API server, repaired');
    this.#log.debug({ objects: items.length, changes: changes.length, resourceVersion }, 'listed');
    this.#oldLists = 0;
    this.#reached = this.#resourceVersion = resourceVersion;
    for (const change of changes) this.#notify(change);
    this.#synced = true;
    if (!this.#isServed) this.#log.info('kind served again');
    this.#isServed = true;
    this.#firstList.resolve();
  }

  /** Returns when the server ended the watch, or was silent for too long: both are normal. */
  async #watch(resourceVersion: string, stop: AbortSignal): Promise<void> {
    const { client, resource, selection = {} } = this.#options;
    const idle = new AbortController();
    const guard = new IdleGuard(this.#scheduler, () => idle.abort());
    const signal = AbortSignal.any([stop, idle.signal]);
    const { least, most } = WATCH_SECONDS;
    const timeoutSeconds = least + Math.floor(this.#random() * (most - least + 1));
    const opened = this.#scheduler.now();
    let isEmpty = true;
    try {
      const watch = await client.watch(resource, { ...selection, resourceVersion, timeoutSeconds, signal });
      for await (const event of watch) {
        guard.reset();
        this.#failures = 0;
        isEmpty = false;
        this.#take(event);
        if (stop.aborted) return;
      }
    } catch (error) {
      // Ended by the guard, not by the server: the next watch can go on from the same version.
      if (!(idle.signal.aborted && isStopped(error))) throw error;
      this.#log.debug({ resourceVersion }, 'watch silent for too long, reopening');
    } finally {
      guard.cancel();
    }
    // A server that ends watches as soon as they are open would otherwise be asked in a tight loop.
    if (isEmpty && this.#scheduler.now() - opened < BACKOFF.baseMs)
      throw new Error('watch ended immediately');
    this.#failures = 0;
  }

  #take(event: WatchEvent<T>): void {
    if (event.type === 'BOOKMARK') return this.#advance(event.resourceVersion);
    const { store } = this.#options;
    const { object } = event;
    const change = event.type === 'DELETED' ? store.delete(objectKey(object), object) : store.set(object);
    this.#advance(object.metadata.resourceVersion);
    if (change !== undefined) this.#notify(change);
  }

  #advance(resourceVersion: string | undefined): void {
    if (resourceVersion === undefined) return;
    const { store, selection } = this.#options;
    this.#reached = this.#resourceVersion = resourceVersion;
    store.reached(resourceVersion, selection?.namespace);
  }

  #notify(change: Change<T>): void {
    try {
      this.#options.onChange(change);
    } catch (err) {
      // A bug in the handler must not stop the watch of every other object.
      const { namespace, name } = change.object.metadata;
      this.#log.error({ err, namespace, name }, 'change handler failed');
    }
  }

  async #recover(error: unknown, stop: AbortSignal): Promise<void> {
    this.#options.store.abandon();
    this.#failures++;
    const gone = isGone(error);
    // An event that cannot be read would be sent again to a watch that goes on from the same version.
    if (gone || isMalformed(error)) this.#resourceVersion = undefined;
    if (gone && this.#failures === 1) {
      this.#log.info({ err: error }, 'resourceVersion expired, relisting');
      return;
    }
    if (isNotFound(error)) return this.#untilServed(error, stop);
    const backoff = fullJitter(BACKOFF, this.#failures, this.#random);
    const waitMs = Math.min(BACKOFF.maxMs, Math.max(backoff, retryAfterOf(error) ?? 0));
    this.#log.warn({ err: error, waitMs, failures: this.#failures }, 'list or watch failed, retrying');
    await sleep(this.#scheduler, waitMs, stop);
  }

  /** What the store has stays: that a kind is not served does not say that its objects are gone. Said once. */
  async #untilServed(error: unknown, stop: AbortSignal): Promise<void> {
    this.#resourceVersion = undefined;
    if (this.#isServed)
      this.#log.warn({ err: error, waitMs: NOT_SERVED_RETRY_MS }, 'kind not served, waiting for it');
    this.#isServed = false;
    await sleep(this.#scheduler, NOT_SERVED_RETRY_MS, stop);
  }
}

/** Whether the watch had come past a version that the store did not have. When an object was deleted, no list says. */
function isTold({ type, object }: Change<KubeObject>, reached: string | undefined): boolean {
  return type !== 'deleted' && (compareVersions(object.metadata.resourceVersion, reached) ?? 1) <= 0;
}

/** Calls once after a time in which it was not reset. */
class IdleGuard {
  readonly #scheduler: Scheduler;
  readonly #run: () => void;
  #cancel: () => void = () => undefined;

  constructor(scheduler: Scheduler, run: () => void) {
    this.#scheduler = scheduler;
    this.#run = run;
    this.reset();
  }

  reset(): void {
    this.#cancel();
    this.#cancel = this.#scheduler.after(IDLE_MS, this.#run);
  }

  cancel(): void {
    this.#cancel();
  }
}

/**
 * One reflector for each namespace, all with one store: for an operator that may not read the whole cluster. With no
 * namespaces given, one for all of them.
 */
export function reflectors<T extends KubeObject>(
  namespaces: readonly string[] | undefined,
  options: ReflectorOptions<T>,
): Reflector<T>[] {
  if (namespaces === undefined) return [new Reflector(options)];
  return namespaces.map(
    (namespace) => new Reflector({ ...options, selection: { ...options.selection, namespace } }),
  );
}
