// Keeps a store equal to the API: list, then watch, then again, until it is stopped.
import type { Logger } from '../base/log.ts';
import { fullJitter, type BackoffLimits } from './backoff.ts';
import type { Client, Selection } from './client.ts';
import { isGone, isMalformed, isStopped, retryAfterOf } from './errors.ts';
import { objectKey, type KubeObject, type Resource } from './object.ts';
import { sleep, systemScheduler, type Random, type Scheduler } from './scheduler.ts';
import type { Change, Store } from './store.ts';
import type { WatchEvent } from './watch-stream.ts';

/** A watch without a byte for this long is opened anew (milliseconds). Bookmarks come every minute, if they come. */
const IDLE_MS = 90_000;
/** The server ends watches after a random time in this range, so that they do not all end together. */
const WATCH_SECONDS = { least: 240, most: 300 };
const BACKOFF: BackoffLimits = { baseMs: 200, maxMs: 30_000 };

export interface ReflectorOptions<T extends KubeObject> {
  readonly client: Pick<Client, 'list' | 'watch'>;
  readonly resource: Resource<T>;
  /** May be shared by the reflectors of several namespaces. */
  readonly store: Pick<Store<T, never>, 'set' | 'delete' | 'replace'>;
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
  #failures = 0;
  #synced = false;

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

  /** Resolves when the first list is in the store. Never, where no list succeeds. */
  get synced(): Promise<void> {
    return this.#firstList.promise;
  }

  /** Runs until the signal. Resolves then, and never rejects: every failure is waited out. */
  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      try {
        if (this.#resourceVersion === undefined) await this.#list(stop);
        else await this.#watch(this.#resourceVersion, stop);
      } catch (error) {
        if (!stop.aborted) await this.#recover(error, stop);
      }
    }
  }

  async #list(stop: AbortSignal): Promise<void> {
    const { client, resource, selection = {}, store } = this.#options;
    const { items, resourceVersion } = await client.list(resource, { ...selection, signal: stop });
    this.#resourceVersion = resourceVersion;
    const changes = store.replace(items, selection.namespace);
    this.#log.debug({ objects: items.length, changes: changes.length, resourceVersion }, 'listed');
    for (const change of changes) this.#notify(change);
    this.#synced = true;
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
    const { store } = this.#options;
    if (event.type === 'BOOKMARK') {
      this.#resourceVersion = event.resourceVersion;
      return;
    }
    const { object } = event;
    const change = event.type === 'DELETED' ? store.delete(objectKey(object), object) : store.set(object);
    this.#resourceVersion = object.metadata.resourceVersion ?? this.#resourceVersion;
    if (change !== undefined) this.#notify(change);
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
    this.#failures++;
    const gone = isGone(error);
    // An event that cannot be read would be sent again to a watch that goes on from the same version.
    if (gone || isMalformed(error)) this.#resourceVersion = undefined;
    if (gone && this.#failures === 1) {
      this.#log.info({ err: error }, 'resourceVersion expired, relisting');
      return;
    }
    const backoff = fullJitter(BACKOFF, this.#failures, this.#random);
    const waitMs = Math.min(BACKOFF.maxMs, Math.max(backoff, retryAfterOf(error) ?? 0));
    this.#log.warn({ err: error, waitMs, failures: this.#failures }, 'list or watch failed, retrying');
    await sleep(this.#scheduler, waitMs, stop);
  }
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
