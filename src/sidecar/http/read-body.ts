// Collects the bytes of one request body within its limits. Looks into none of them.
import type { IncomingMessage } from 'node:http';
import { isBodyTooSlow } from '../limits/body-timeout.ts';
import type { ByteBudget } from '../limits/byte-budget.ts';
import type { Denial } from '../denial/denial.ts';

export type BodyResult =
  /** All of it is here. */
  | { readonly kind: 'body'; readonly bytes: Buffer }
  | { readonly kind: 'refused'; readonly denial: Denial }
  /** The client went before the end, or took too long for it. */
  | { readonly kind: 'gone' };

interface BodyLimits {
  /** As `Content-Length` says; `undefined` where the end shows it. */
  readonly length: number | undefined;
  readonly maxBytes: number;
  readonly budget: ByteBudget;
}

/** One body on its way. Gives one result, once. */
export class BodyReader {
  /** Where it stands in the list of bodies that are being read; that list's to change. */
  place = -1;
  readonly #req: IncomingMessage;
  readonly #onResult: (result: BodyResult) => void;
  readonly #limits: BodyLimits;
  #chunks: Buffer[] | undefined;
  #received = 0;
  #taken = 0;
  #over = false;
  readonly #startedAt = Date.now();
  #lastActivity = this.#startedAt;

  constructor(req: IncomingMessage, limits: BodyLimits, onResult: (result: BodyResult) => void) {
    this.#req = req;
    this.#limits = limits;
    this.#onResult = onResult;
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

  #stop(): void {
    this.#over = true;
    this.#chunks = undefined;
    this.#limits.budget.give(this.#taken);
    this.#taken = 0;
  }

  #onData(chunk: Buffer): void {
    if (this.#over) return;
    const { length, maxBytes, budget } = this.#limits;
    this.#received += chunk.length;
    this.#lastActivity = Date.now();
    if (this.#received > maxBytes) return this.#refuse({ kind: 'content_too_large', maxBytes });
    // A short body comes in one piece, and is not held at all.
    if (this.#received === length && this.#chunks === undefined) return this.#finish(chunk);
    if (!budget.take(chunk.length)) return this.#refuse({ kind: 'overloaded', reason: 'bodies' });
    this.#taken += chunk.length;
    (this.#chunks ??= []).push(chunk);
    if (this.#received === length) this.#onEnd();
  }

  #onEnd(): void {
    if (this.#over) return;
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

const EMPTY = Buffer.alloc(0);
