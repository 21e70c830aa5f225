// Reads a long POST body in small steps, so that other requests have their turn in between.
import { isUtf8 } from 'node:buffer';
import type { HeldBody } from '../http/read-body.ts';
import type { SteppedWork } from '../limits/turns.ts';
import { failed, readText, type Reading } from './message.ts';
import { Outline } from './outline.ts';

/**
 * A body up to this is read at once; a longer one in steps (bytes). The costliest text of this size, short member names,
 * takes a millisecond or less, one of 4 MiB 600 times as long.
 */
export const MAX_SHORT_BODY = 16 * 1024;
/** Bytes of one step. */
const STEP_BYTES = 16 * 1024;

/** One body whose bytes have all arrived. */
export class LongBody {
  readonly #chunks: Buffer[];
  /** The chunks, one after another, as far as `#copied`. */
  readonly #bytes: Buffer;
  readonly #outline = new Outline();
  #copied = 0;
  #chunk = 0;
  #atOfChunk = 0;
  #validated = 0;

  /**
   * @param chunks are taken over: they are let go as they are read
   * @param length of all chunks (bytes)
   */
  constructor(chunks: Buffer[], length: number) {
    this.#chunks = chunks;
    this.#bytes = Buffer.allocUnsafe(length);
  }

  /** The whole body, once `step` has given a reading. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Reads on for at most `STEP_BYTES`. @returns the reading, after the last step or a refusal */
  step(): Reading | undefined {
    this.#copy();
    const end = this.#endOfText();
    if (!isUtf8(this.#bytes.subarray(this.#validated, end))) return failed('not_utf8');
    this.#validated = end;
    const problem = this.#outline.advance(this.#bytes, end);
    if (problem !== undefined) return failed(problem);
    if (this.#copied < this.#bytes.length) return undefined;
    const text = this.#outline.finish();
    return text === undefined ? failed('not_json') : readText(text, undefined);
  }

  #copy(): void {
    const end = Math.min(this.#copied + STEP_BYTES, this.#bytes.length);
    while (this.#copied < end) {
      const chunk = this.#chunks[this.#chunk] ?? EMPTY;
      const count = chunk.copy(
        this.#bytes,
        this.#copied,
        this.#atOfChunk,
        this.#atOfChunk + end - this.#copied,
      );
      this.#copied += count;
      this.#atOfChunk += count;
      if (this.#atOfChunk < chunk.length) continue;
      this.#chunks[this.#chunk++] = EMPTY;
      this.#atOfChunk = 0;
    }
  }

  /** Up to where the bytes hold whole characters: one that goes on in the next step is left for that. */
  #endOfText(): number {
    const end = this.#copied;
    if (end === this.#bytes.length) return end;
    for (let start = end - 1; start >= end - MAX_CHARACTER + 1 && start >= this.#validated; start--) {
      const byte = this.#bytes[start] ?? 0;
      if (byte < 0x80) return end;
      if (byte >= 0xc0) return start;
    }
    return end;
  }
}

type LongReading =
  | { readonly kind: 'read'; readonly reading: Reading; readonly bytes: Buffer }
  /** Others needed its place in memory more. */
  | { readonly kind: 'evicted' }
  | { readonly kind: 'gone' };

/** The reading of one body, as work that is done in turns. Gives one result, once. */
export class LongBodyWork implements SteppedWork {
  readonly #held: HeldBody;
  readonly #isGone: () => boolean;
  readonly #onResult: (result: LongReading) => void;
  #body: LongBody | undefined;

  /** @param isGone whether the client has gone, so that nothing has to be read */
  constructor(held: HeldBody, isGone: () => boolean, onResult: (result: LongReading) => void) {
    this.#held = held;
    this.#isGone = isGone;
    this.#onResult = onResult;
  }

  step(): boolean {
    if (this.#isGone()) return this.#end({ kind: 'gone' });
    this.#body ??= this.#begin();
    if (this.#held.isEvicted || this.#body === undefined) return this.#end({ kind: 'evicted' });
    const reading = this.#body.step();
    return reading === undefined || this.#end({ kind: 'read', reading, bytes: this.#body.bytes });
  }

  #begin(): LongBody | undefined {
    const chunks = this.#held.takeChunks();
    return chunks && new LongBody(chunks, this.#held.length);
  }

  #end(result: LongReading): false {
    this.#body = undefined;
    this.#held.keep();
    this.#onResult(result);
    return false;
  }
}

/** Bytes of the longest character in UTF-8; only as many less one can be missing. */
const MAX_CHARACTER = 4;
const EMPTY = Buffer.alloc(0);
