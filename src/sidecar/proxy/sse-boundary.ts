// Where one event of an event stream ends and the next begins: the only places at which something may be put between.

const LF = 0x0a;
const CR = 0x0d;

/**
 * Follows a stream of `text/event-stream` (HTML Living Standard, section 9.2.5). Keeps its last three bytes only: an
 * event ends with an empty line, and lines end with CR LF, LF or CR.
 */
export class EventBoundary {
  #last = LF;
  #second = LF;
  #third = LF;

  /** Takes the next bytes of the stream. */
  feed(chunk: Buffer): void {
    const { length } = chunk;
    if (length === 0) return;
    const before = this.#last;
    const beforeThat = this.#second;
    this.#last = chunk[length - 1] as number; // within the chunk
    this.#second = length > 1 ? (chunk[length - 2] as number) : before;
    this.#third = length > 2 ? (chunk[length - 3] as number) : length > 1 ? before : beforeThat;
  }

  /** Whether an event is complete, or none has begun. */
  get isBetweenEvents(): boolean {
    if (this.#last === CR) return isLineEnd(this.#second);
    if (this.#last !== LF) return false;
    return this.#second === LF || (this.#second === CR && isLineEnd(this.#third));
  }
}

function isLineEnd(byte: number): boolean {
  return byte === LF || byte === CR;
}
