// How much of the process's memory the objects of each namespace may take, in all stores together. What does not fit is kept as
// a stub by the store: that it exists, and nothing of what is in it.
import { getHeapStatistics } from 'node:v8';
import type { KubeObject } from './object.ts';

const MIB = 1024 * 1024;

interface BudgetLimits {
  /** Bytes that one namespace may take at most. */
  readonly namespace: number;
  /** Bytes that all may take together. */
  readonly total: number;
  /** Bytes that each namespace may take even when the total is used up by others. */
  readonly reserved: number;
}

/**
 * Two fifths of what the process may hold; the rest is for what is under way. One namespace gets three quarters of that at most,
 * which is a thousand servers and more, and none less than 1 MiB.
 * @param heapLimit bytes, by default what Node.js gives to objects, half of a small container
 */
function limitsOf(heapLimit = getHeapStatistics().heap_size_limit): BudgetLimits {
  const total = (heapLimit * 2) / 5;
  return { namespace: (total * 3) / 4, total, reserved: MIB };
}

/** Set on a stub: how many bytes the object would take. No member of an object of the API: JSON never has it. */
const STUB_BYTES = Symbol('bytes of the object that this is a stub of');

export class Budget {
  readonly #limits: BudgetLimits;
  readonly #used = new Map<string, number>();
  #total = 0;

  constructor(limits: BudgetLimits = limitsOf()) {
    this.#limits = limits;
  }

  /** Takes the bytes if there is room for them. */
  take(namespace: string, bytes: number): boolean {
    const after = (this.#used.get(namespace) ?? 0) + bytes;
    const { namespace: most, total, reserved } = this.#limits;
    if (after > most || (after > reserved && this.#total + bytes > total)) return false;
    this.force(namespace, bytes);
    return true;
  }

  /** Takes the bytes whether or not there is room; negative ones are given back. */
  force(namespace: string, bytes: number): void {
    const after = (this.#used.get(namespace) ?? 0) + bytes;
    if (after > 0) this.#used.set(namespace, after);
    else this.#used.delete(namespace);
    this.#total += bytes;
  }
}

/** A stub keeps what finds the object: its place, versions and owner; and a status, where it is short. */
export function stubOf<T extends KubeObject>(object: T, bytes: number): T {
  const { apiVersion, kind, metadata } = object;
  const { name, namespace, uid, resourceVersion, generation, creationTimestamp, deletionTimestamp } =
    metadata;
  const { status } = object as T & { readonly status?: unknown };
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  const kept = {
    ...{ name, namespace, uid, resourceVersion, generation, creationTimestamp, deletionTimestamp },
    ...(owner && { ownerReferences: [owner] }),
  };
  return {
    apiVersion,
    kind,
    metadata: kept,
    ...(status !== undefined && heapBytes(status) <= STATUS_BYTES && { status }),
    [STUB_BYTES]: bytes,
  } as unknown as T; // as far as it goes: readers ask `stubBytes` first
}

const STATUS_BYTES = 32 * 1024;

/** How many bytes an object would take that is kept as a stub; undefined for one that is kept whole. */
export function stubBytes(object: KubeObject): number | undefined {
  return (object as KubeObject & { readonly [STUB_BYTES]?: number })[STUB_BYTES];
}

/** About how many bytes of memory a JSON value takes. Counts what is small as well: a million empty lists are many bytes. */
export function heapBytes(value: unknown): number {
  let bytes = 0;
  const rest: unknown[] = [value]; // not recursive: depth is the sender's to choose
  while (rest.length > 0) {
    const next = rest.pop();
    if (typeof next === 'string') bytes += textBytes(next);
    else if (typeof next !== 'object' || next === null) bytes += 16;
    else {
      const names = Array.isArray(next) ? [] : Object.keys(next);
      const members: unknown[] = Object.values(next);
      bytes += 56 + 8 * members.length + names.reduce((sum, name) => sum + 16 + textBytes(name), 0);
      for (const member of members) rest.push(member);
    }
  }
  return bytes;
}

/** V8 keeps a text with a character beyond Latin-1 in two bytes a character. */
function textBytes(text: string): number {
  return 24 + text.length * (/[^\u0000-\u00ff]/.test(text) ? 2 : 1);
}
