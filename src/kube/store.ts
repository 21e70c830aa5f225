// The objects that a reflector has seen, by key and by index; they never become older. Reads nothing from the network.
import { heapBytes, stubBytes, stubOf, type Budget } from './budget.ts';
import { controllerOf, objectKey, type KubeObject } from './object.ts';
import { compareVersions, isOlder } from './resource-version.ts';

/** The values under which an object is found; none, if it is not to be found this way. */
type Index<T extends KubeObject> = (object: T) => readonly string[];

/** Finds objects by the uid of their controller. */
export const byController: Index<KubeObject> = (object) => {
  const uid = controllerOf(object)?.uid;
  return uid === undefined ? [] : [uid];
};

/** One difference between what was known and what is. */
export type Change<T extends KubeObject> =
  | { readonly type: 'added'; readonly object: T }
  | { readonly type: 'changed'; readonly object: T; readonly previous: T }
  /** `object` is the last known state. */
  | { readonly type: 'deleted'; readonly object: T };

/** A complete list, and which part of the store it is about. */
interface Snapshot<T extends KubeObject> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  /** All namespaces when undefined. */
  readonly namespace?: string | undefined;
  /**
   * Whether the API server's history began again at an earlier version, as after a restore of etcd: then what is known
   * counts for nothing, however new its version seems.
   */
  readonly restarted?: boolean;
}

interface StoreOptions<T extends KubeObject> {
  /** The part of an object that is kept. */
  readonly keep?: (object: T) => T;
  /** Shared with other stores. What does not fit is kept as a stub. */
  readonly budget?: Budget;
  /** Of which objects no stub is made, however little room there is: small ones, and few. By default of none. */
  readonly keepWhole?: (object: T) => boolean;
}

/**
 * Objects come from three sources that overtake each other: lists, watches, and the answers to own requests. The newest
 * version wins, whichever source it came from; an answer whose version cannot be compared waits for the watch to bring it.
 * Objects are shared with every reader: they are replaced, never changed.
 */
export class Store<T extends KubeObject, I extends string = 'controller'> {
  readonly #objects = new Map<string, T>();
  /** Up to which version a watch has told of everything, by its namespace; `undefined` is the watch of all. */
  readonly #reached = new Map<string | undefined, string>();
  readonly #indexes: ReadonlyMap<string, { readonly of: Index<T>; readonly keys: Map<string, Set<string>> }>;

  readonly #keep: (object: T) => T;
  readonly #budget: Budget | undefined;
  readonly #keepWhole: (object: T) => boolean;
  /** What a list that is being read takes. */
  readonly #incoming: { readonly namespace: string; readonly bytes: number }[] = [];
  /** Bytes that each object takes; only with a budget. */
  readonly #bytes = new Map<string, number>();

  /** Without `indexes` there is one: `controller`. */
  constructor(
    indexes?: { readonly [name in I]: Index<T> },
    { keep, budget, keepWhole }: StoreOptions<T> = {},
  ) {
    this.#keep = keep ?? ((object) => object);
    this.#budget = budget;
    this.#keepWhole = keepWhole ?? (() => false);
    const named: { readonly [name: string]: Index<T> } = indexes ?? { controller: byController };
    this.#indexes = new Map(Object.entries(named).map(([name, of]) => [name, { of, keys: new Map() }]));
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  keys(): string[] {
    return [...this.#objects.keys()];
  }

  list(): T[] {
    return [...this.#objects.values()];
  }

  /** Objects under one value of an index: `by('controller', uid)`. */
  by(index: I, value: string): T[] {
    const keys = this.#indexes.get(index)?.keys.get(value) ?? [];
    return [...keys].flatMap((key) => this.#objects.get(key) ?? []);
  }

  /**
   * Takes an object from a watch.
   * @returns the change; undefined for a version that is known already, or older than what is known
   */
  set(object: T): Change<T> | undefined {
    const previous = this.#objects.get(objectKey(object));
    return isOlder(versionOf(object), versionOf(previous)) ? undefined : this.#put(object);
  }

  /**
   * Takes an object from the answer to a request. Answers overtake the watch, and are overtaken by it: one that the watch has
   * passed is not taken, since the object may have been changed or deleted after it.
   * @returns the change; undefined for what is not newer than what is known
   */
  learn(object: T): Change<T> | undefined {
    const version = versionOf(object);
    const previous = this.#objects.get(objectKey(object));
    const reached = this.#reached.get(object.metadata.namespace) ?? this.#reached.get(undefined);
    const isNewer = (known: string | undefined) => (compareVersions(version, known) ?? -1) > 0;
    if (reached !== undefined && !isNewer(reached)) return undefined;
    return previous !== undefined && !isNewer(versionOf(previous)) ? undefined : this.#put(object);
  }

  /**
   * Takes a deletion from a watch.
   * @param object its final state, with the version of the deletion
   * @returns undefined for one that is unknown, or was made anew since
   */
  delete(key: string, object?: T): Change<T> | undefined {
    return isOlder(versionOf(object), versionOf(this.#objects.get(key)))
      ? undefined
      : this.#remove(key, object);
  }

  /** A watch of the namespace, or of all, has told of every change up to this version. */
  reached(resourceVersion: string, namespace?: string): void {
    this.#reached.set(namespace, resourceVersion);
  }

  /**
   * What is kept of an object of a list, as soon as its page has come: a list of many large objects must not be held whole
   * either. `replace` takes it then, or `abandon` lets go of it.
   */
  incoming(received: T): T {
    const key = objectKey(received);
    const known = this.#objects.get(key);
    if (known !== undefined && isSameVersion(known, received) && stubBytes(known) === undefined) return known;
    const object = this.#keep(received);
    if (this.#budget === undefined) return object;
    const bytes = heapBytes(object);
    const more = Math.max(0, bytes - (this.#bytes.get(key) ?? 0));
    const namespace = object.metadata.namespace ?? '';
    if (!this.#takes(this.#budget, object, more)) return stubOf(object, bytes);
    this.#incoming.push({ namespace, bytes: more });
    return object;
  }

  /** The list that was being read has failed. */
  abandon(): void {
    for (const { namespace, bytes } of this.#incoming.splice(0)) this.#budget?.force(namespace, -bytes);
  }

  /** Makes the objects of a namespace, or all, those of a list. What is missing there was deleted, unless it is newer than the list. */
  replace({ items, resourceVersion, namespace, restarted = false }: Snapshot<T>): Change<T>[] {
    this.abandon(); // counted anew, one by one
    const listed = new Set(items.map(objectKey));
    const missing = [...this.#objects].filter(
      ([key, { metadata }]) =>
        !listed.has(key) &&
        (namespace === undefined || metadata.namespace === namespace) &&
        (restarted || !isOlder(resourceVersion, metadata.resourceVersion)),
    );
    const changes = [
      ...missing.map(([key]) => this.#remove(key)),
      ...items.map((object) => (restarted ? this.#put(object) : this.set(object))),
    ];
    this.reached(resourceVersion, namespace);
    return changes.filter((change) => change !== undefined);
  }

  #put(received: T): Change<T> | undefined {
    const key = objectKey(received);
    const previous = this.#objects.get(key);
    if (previous !== undefined && isSameVersion(previous, received) && stubBytes(previous) === undefined)
      return undefined;
    const object = this.#fitted(key, this.#keep(received));
    if (previous !== undefined && isSameVersion(previous, object) && stubBytes(object) !== undefined)
      return undefined; // a stub still
    if (previous !== undefined) this.#unindex(key, previous);
    this.#objects.set(key, object);
    this.#index(key, object);
    return previous === undefined ? { type: 'added', object } : { type: 'changed', object, previous };
  }

  #remove(key: string, object?: T): Change<T> | undefined {
    const previous = this.#objects.get(key);
    if (previous === undefined) return undefined;
    this.#unindex(key, previous);
    this.#objects.delete(key);
    this.#account(key, previous, 0);
    return { type: 'deleted', object: object ?? previous };
  }

  /** The object, or a stub of it where its namespace has no room for it. */
  #fitted(key: string, object: T): T {
    if (this.#budget === undefined) return object;
    this.#account(key, object, 0);
    const bytes = heapBytes(object);
    if (this.#takes(this.#budget, object, bytes)) {
      this.#bytes.set(key, bytes);
      return object;
    }
    const stub = stubOf(object, bytes);
    this.#account(key, stub, heapBytes(stub));
    return stub;
  }

  /** Whether the object is kept whole. */
  #takes(budget: Budget, object: T, bytes: number): boolean {
    const namespace = object.metadata.namespace ?? '';
    if (!this.#keepWhole(object)) return budget.take(namespace, bytes);
    budget.force(namespace, bytes);
    return true;
  }

  #account(key: string, { metadata }: T, bytes: number): void {
    if (this.#budget === undefined) return;
    this.#budget.force(metadata.namespace ?? '', bytes - (this.#bytes.get(key) ?? 0));
    this.#bytes.set(key, bytes);
    if (bytes === 0) this.#bytes.delete(key);
  }

  #index(key: string, object: T): void {
    for (const { of, keys } of this.#indexes.values()) {
      for (const value of of(object)) keys.set(value, (keys.get(value) ?? new Set()).add(key));
    }
  }

  #unindex(key: string, object: T): void {
    for (const { of, keys } of this.#indexes.values()) {
      for (const value of of(object)) {
        const found = keys.get(value);
        found?.delete(key);
        if (found?.size === 0) keys.delete(value);
      }
    }
  }
}

function versionOf(object: KubeObject | undefined): string | undefined {
  return object?.metadata.resourceVersion;
}

/** An object deleted and made anew has another uid. */
function isSameVersion({ metadata: a }: KubeObject, { metadata: b }: KubeObject): boolean {
  return a.resourceVersion !== undefined && a.resourceVersion === b.resourceVersion && a.uid === b.uid;
}
