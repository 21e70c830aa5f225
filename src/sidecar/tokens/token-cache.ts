// Caches what is known of verified tokens, by digest and in bounded memory. Holds no token, and checks no expiry.
import { hash } from 'node:crypto';

/** Entries of one generation. Two are kept, so that at most twice this many tokens are remembered. */
const GENERATION_SIZE = 16_384;

/**
 * A cache in two generations: when the young one is full it becomes the old one, and the old one is dropped as a whole.
 * A hit in the old generation moves the entry to the young one. No list to maintain, no timer, bounded memory.
 */
export class TokenCache<Entry> {
  readonly #size: number;
  #young = new Map<string, Entry>();
  #old = new Map<string, Entry>();

  constructor(size = GENERATION_SIZE) {
    this.#size = size;
  }

  get(digest: string): Entry | undefined {
    const young = this.#young.get(digest);
    if (young !== undefined) return young;
    const old = this.#old.get(digest);
    if (old !== undefined) this.set(digest, old);
    return old;
  }

  set(digest: string, entry: Entry): void {
    if (this.#young.size >= this.#size) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(digest, entry);
  }

  delete(digest: string): void {
    this.#young.delete(digest);
    this.#old.delete(digest);
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }
}

/** SHA-256 of a token, as 32 one-byte characters: short, and useless to an attacker who reads the memory. */
export function digestOf(token: string): string {
  return hash('sha256', token, 'binary');
}
