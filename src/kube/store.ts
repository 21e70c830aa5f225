// The objects that a reflector has seen, by key and by index. Reads nothing from the network.
import { controllerOf, objectKey, type KubeObject } from './object.ts';

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

/** Objects are shared with every reader: they are replaced, never changed. */
export class Store<T extends KubeObject, I extends string = 'controller'> {
  readonly #objects = new Map<string, T>();
  readonly #indexes: ReadonlyMap<string, { readonly of: Index<T>; readonly keys: Map<string, Set<string>> }>;

  /** Without `indexes` there is one: `controller`. */
  constructor(indexes?: { readonly [name in I]: Index<T> }) {
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

  /** @returns the change; undefined for a version that is known already */
  set(object: T): Change<T> | undefined {
    const key = objectKey(object);
    const previous = this.#objects.get(key);
    if (previous !== undefined && isSameVersion(previous, object)) return undefined;
    if (previous !== undefined) this.#unindex(key, previous);
    this.#objects.set(key, object);
    this.#index(key, object);
    return previous === undefined ? { type: 'added', object } : { type: 'changed', object, previous };
  }

  /** @param object its final state; undefined when it was not observed */
  delete(key: string, object?: T): Change<T> | undefined {
    const previous = this.#objects.get(key);
    if (previous === undefined) return undefined;
    this.#unindex(key, previous);
    this.#objects.delete(key);
    return { type: 'deleted', object: object ?? previous };
  }

  /** Makes the objects of one namespace (of all, when undefined) those of a list. What is missing there was deleted. */
  replace(objects: readonly T[], namespace?: string): Change<T>[] {
    const listed = new Set(objects.map(objectKey));
    const missing = [...this.#objects].filter(
      ([key, { metadata }]) =>
        !listed.has(key) && (namespace === undefined || metadata.namespace === namespace),
    );
    return [...missing.map(([key]) => this.delete(key)), ...objects.map((object) => this.set(object))].filter(
      (change) => change !== undefined,
    );
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

/** An object deleted and made anew has another uid. */
function isSameVersion({ metadata: a }: KubeObject, { metadata: b }: KubeObject): boolean {
  return a.resourceVersion !== undefined && a.resourceVersion === b.resourceVersion && a.uid === b.uid;
}
