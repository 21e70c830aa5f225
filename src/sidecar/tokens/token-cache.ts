// Remembers verdicts on tokens by digest, in bounded memory. Never the tokens; and it judges nothing itself.
import { hash } from 'node:crypto';

/** Entries of one generation. Two are kept, so that at most twice this many tokens are remembered. */
const GENERATION_SIZE = 16_384;

/**
 * A cache in two generations: when the young one is full it becomes the old one, and the old one is dropped as a whole.
 * A hit in the old generation moves the entry to the young one. No list to maintain, no timer, bounded memory.
 */
export class TokenCache<Verdict> {
  readonly #size: number;
  #young = new Map<string, Verdict>();
  #old = new Map<string, Verdict>();

  constructor(size = GENERATION_SIZE) {
    this.#size = size;
  }

  get(digest: string): Verdict | undefined {
    const young = this.#young.get(digest);
    if (young !== undefined) return young;
    const old = this.#old.get(digest);
    if (old !== undefined) this.set(digest, old);
    return old;
  }

  set(digest: string, verdict: Verdict): void {
    if (this.#young.size >= this.#size) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(digest, verdict);
  }

  delete(digest: string): void {
    this.#young.delete(digest);
    this.#old.delete(digest);
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }
}

/** SHA-256 of a token, as 32 one-byte characters: a short key that gives nothing away if memory is dumped. */
export function digestOf(token: string): string {
  return hash('sha256', token, 'binary');
}
