// Collects the bytes of one request body within its limits. Looks into none of them.
import type { IncomingMessage } from 'node:http';
import { isBodyTooSlow } from '../limits/body-timeout.ts';
import type { BudgetedBody, ByteBudget } from '../limits/byte-budget.ts';
import type { Denial } from '../denial/denial.ts';

export type BodyResult =
  /** All of it is here, in one piece. */
  | { readonly kind: 'body'; readonly bytes: Buffer }
  /** All of it is here. It counts against the budget until it is released, and may have to be given up until then. */
  | { readonly kind: 'long_body'; readonly body: HeldBody }
  | { readonly kind: 'refused'; readonly denial: Denial }
  /** The client went before the end, or took too long for it. */
  | { readonly kind: 'gone' };

/** A long body that was received as a whole. */
export interface HeldBody {
  /** Bytes. */
  readonly length: number;
  /** Its chunks, once; `undefined` when it had to be given up. */
  takeChunks(): Buffer[] | undefined;
  /** Whether others got its place: the request is to be refused. */
  readonly isEvicted: boolean;
  /** It cannot be given up any more: the request goes on. */
  keep(): void;
  /** Its bytes are no longer in memory. May be called again. */
  release(): void;
}

interface BodyLimits {
  /** `Principal.owner` of who sends it. */
  readonly owner: string;
  /** Up to this, a body is handed over in one piece (bytes). */
  readonly maxShort: number;
  /** As `Content-Length` says; `undefined` where the end shows it. */
  readonly length: number | undefined;
  readonly maxBytes: number;
  readonly budget: ByteBudget;
}

/** What a body that is held takes besides its bytes, with its request: there may be thousands of short ones (bytes). */
const BODY_BYTES = 8_192;
/** What a chunk takes besides its bytes: a body may come in millions of them (bytes). */
const CHUNK_BYTES = 192;

/** One body on its way. Gives one result, once. */
export class BodyReader implements BudgetedBody, HeldBody {
  /** Where it stands in the list of bodies that are being read; that list's to change. */
  place = -1;
  readonly #req: IncomingMessage;
  readonly #onResult: (result: BodyResult) => void;
  readonly #limits: BodyLimits;
  #chunks: Buffer[] | undefined;
  #received = 0;
  #over = false;
  /** Bytes of the budget that it has; the budget's to change. */
  taken = 0;
  isEvictable = true;
  isEvicted = false;
  readonly #startedAt = Date.now();
  #lastActivity = this.#startedAt;

  constructor(req: IncomingMessage, limits: BodyLimits, onResult: (result: BodyResult) => void) {
    this.#req = req;
    this.#limits = limits;
    this.#onResult = onResult;
  }

  get owner(): string {
    return this.#limits.owner;
  }

  get length(): number {
    return this.#received;
  }

  start(): void {
    const { length } = this.#limits;
    if (length === 0) return this.#finish(EMPTY);
    this.#req.on('data', (chunk: Buffer) => this.#onData(chunk));
    if (length === undefined) this.#req.once('end', () => this.#onEnd());
    this.#req.once('close', () => this.#onClose());
  }

  /**
   * Called every second.
   * @param now milliseconds since the epoch
   */
  expire(now: number): void {
    const pace = { startedAt: this.#startedAt, lastAt: this.#lastActivity, received: this.#received };
    if (isBodyTooSlow(now, pace)) this.#req.destroy();
  }

  takeChunks(): Buffer[] | undefined {
    const chunks = this.#chunks;
    this.#chunks = undefined;
    return chunks;
  }

  evict(): void {
    this.isEvicted = true;
    if (this.#over) this.release();
    else this.#refuse(OUT_OF_MEMORY);
  }

  keep(): void {
    this.isEvictable = false;
  }

  release(): void {
    this.#chunks = undefined;
    this.#limits.budget.give(this);
  }

  #stop(): void {
    this.#over = true;
    this.release();
  }

  #onData(chunk: Buffer): void {
    if (this.#over) return;
    const { length, maxBytes, maxShort, budget } = this.#limits;
    this.#received += chunk.length;
    this.#lastActivity = Date.now();
    if (this.#received > maxBytes) return this.#refuse({ kind: 'content_too_large', maxBytes });
    // A short body comes in one piece, and is not held at all.
    if (this.#received === length && this.#chunks === undefined && chunk.length <= maxShort)
      return this.#finish(chunk);
    const overhead = this.#chunks === undefined ? BODY_BYTES : CHUNK_BYTES;
    if (!budget.take(this, chunk.length + overhead)) return this.#refuse(OUT_OF_MEMORY);
    (this.#chunks ??= []).push(chunk);
    if (this.#received === length) this.#onEnd();
  }

  #onEnd(): void {
    if (this.#over) return;
    if (this.#received > this.#limits.maxShort) {
      this.#over = true;
      return this.#onResult({ kind: 'long_body', body: this });
    }
    const chunks = this.#chunks ?? [];
    this.#finish(chunks.length === 1 ? (chunks[0] ?? EMPTY) : Buffer.concat(chunks));
  }

  #finish(bytes: Buffer): void {
    this.#stop();
    this.#onResult({ kind: 'body', bytes });
  }

  #refuse(denial: Denial): void {
    this.#stop();
    this.#onResult({ kind: 'refused', denial });
  }

  #onClose(): void {
    if (this.#over) return;
    this.#stop();
    this.#onResult({ kind: 'gone' });
  }
}

/**
 * A body that has come before, of a request that is decided again.
 * @param held what it counts as, where it was a long one
 */
export function bodyAgain(
  bytes: Buffer,
  {
    maxBytes,
    maxShort,
    held,
  }: Pick<BodyLimits, 'maxBytes' | 'maxShort'> & { readonly held: HeldBody | undefined },
): BodyResult {
  if (bytes.length > maxBytes) return { kind: 'refused', denial: { kind: 'content_too_large', maxBytes } };
  if (bytes.length <= maxShort) return { kind: 'body', bytes };
  const body: HeldBody = {
    length: bytes.length,
    isEvicted: false,
    takeChunks: () => [bytes],
    keep: () => held?.keep(),
    release: () => held?.release(),
  };
  return { kind: 'long_body', body };
}

/** The budget is full, and it is this principal that has most of it. */
const OUT_OF_MEMORY: Denial = { kind: 'overloaded', reason: 'bodies' };
const EMPTY = Buffer.alloc(0);
