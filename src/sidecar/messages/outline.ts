// Validates the text of a long JSON-RPC body piece by piece, and keeps of it only what decisions depend on: its outline.
import { MAX_DEPTH } from '../../base/json-tokens.ts';
import { VERSION_MEMBER } from './known-members.ts';
import { MAX_BATCH, type MessageProblem } from './message-errors.ts';

/** Names and values that decisions depend on are no more than this in all (bytes), so that they are parsed at once. */
const MAX_OUTLINE_BYTES = 64 * 1024;
/** Members of the objects that decisions depend on, all together. An object of many short names costs most to parse. */
export const MAX_OUTLINE_MEMBERS = 4_096;
/** A longer string or number is left out, unless a decision may depend on it (bytes). */
const MAX_OTHER_SCALAR = 1_024;
/** No name that means anything here is longer, with every character of it escaped (bytes). */
const MAX_TELLING_NAME = 300;

/** Members whose value decides, however long it is. */
const DECIDING: ReadonlySet<string> = new Set([
  ...['jsonrpc', 'id', 'method', 'name', 'uri', 'taskId', 'type', VERSION_MEMBER],
]);

// What an object or array is, and so what of it is kept. Numbers, and not exported: V8 folds them in the loops below.
/** The place of the whole text. */
const TOP = 0;
/** An array of messages. */
const BATCH = 1;
const MESSAGE = 2;
const PARAMS = 3;
/** `params.notifications`: its arrays are kept. */
const NOTIFICATIONS = 4;
/** Its names, and values that are neither object nor array. */
const FLAT = 5;
/** Nothing but that it was there. */
const ELIDED = 6;

// What may come next.
const VALUE = 0;
const VALUE_OR_END = 1;
const NAME_OR_END = 2;
const NAME = 3;
const COLON = 4;
const COMMA_OR_END = 5;

// What the cursor is in the middle of.
const STRUCTURE = 0;
const STRING = 1;
const ESCAPE = 2;
const LITERAL = 3;
/** Numbers (RFC 8259 section 6), by what came last. From here on; those that may end come last. */
const MINUS = 4;
const DOT = 5;
const EXPONENT = 6;
const EXPONENT_SIGN = 7;
const ZERO = 8;
const INTEGER = 9;
const FRACTION = 10;
const EXPONENT_DIGITS = 11;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;

/** By first byte: what is to follow it. */
const LITERALS: ReadonlyMap<number, Buffer> = new Map(
  ['true', 'false', 'null'].map((text) => [text.charCodeAt(0), Buffer.from(text)]),
);

/**
 * A cursor over bytes that are known to be UTF-8. It accepts what `JSON.parse` accepts, in the same grammar (RFC 8259), and
 * stops between any two bytes. The outline has the same members in the same order where decisions look, with `{}`, `[]`,
 * `""` and `0` in place of what is left out: reading it gives what reading the whole would give.
 */
export class Outline {
  #at = 0;
  #inside = STRUCTURE;
  #expects = VALUE;
  #depth = 0;
  /** By depth: what is open. */
  readonly #roles = new Uint8Array(MAX_DEPTH + 1);
  readonly #isObject = new Uint8Array(MAX_DEPTH + 1);
  #role = TOP;
  #batched = 0;
  #members = 0;

  /** Of the string, number or literal that the cursor is in. */
  #isName = false;
  #isKept = false;
  #mayBeElided = false;
  /** Where it begins in the outline. */
  #start = 0;
  /** Digits of an escape, or bytes of a literal, that are still to come. */
  #left = 0;
  #literal: Buffer = EMPTY;
  /** The last name in an object that is kept. */
  #name = '';

  readonly #out = Buffer.allocUnsafe(MAX_OUTLINE_BYTES);
  #length = 0;
  #problem: MessageProblem | undefined;

  /**
   * Goes on up to `end`, in time proportional to the bytes in between.
   * @param bytes the same with each call
   * @returns why the body is refused, if it is
   */
  advance(bytes: Buffer, end: number): MessageProblem | undefined {
    while (this.#problem === undefined && this.#at < end) {
      switch (this.#inside) {
        case STRUCTURE:
          this.#structure(bytes, end);
          break;
        case STRING:
          this.#string(bytes, end);
          break;
        case ESCAPE:
          this.#escape(bytes, end);
          break;
        case LITERAL:
          this.#literalBytes(bytes, end);
          break;
        default:
          this.#number(bytes, end);
      }
    }
    return this.#problem;
  }

  /** The outline of a text that is complete; `undefined` if it is not. */
  finish(): string | undefined {
    if (this.#inside >= ZERO) this.#endScalar('0');
    const isComplete =
      this.#problem === undefined &&
      this.#inside === STRUCTURE &&
      this.#depth === 0 &&
      this.#expects === COMMA_OR_END;
    return isComplete ? this.#out.toString('utf8', 0, this.#length) : undefined;
  }

  // --- structure ---

  #structure(bytes: Buffer, end: number): void {
    let at = this.#at;
    while (at < end) {
      const byte = bytes[at] as number; // at < end
      if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) {
        at++;
        continue;
      }
      this.#at = at + 1;
      this.#token(byte);
      if (this.#inside !== STRUCTURE || this.#problem !== undefined) return;
      at = this.#at;
    }
    this.#at = at;
  }

  /** One byte that is no white space, outside of strings, numbers and literals. */
  #token(byte: number): void {
    switch (this.#expects) {
      case COMMA_OR_END:
        return this.#afterValue(byte);
      case COLON:
        if (byte !== 0x3a) return this.#fail('not_json');
        this.#put(byte);
        this.#expects = VALUE;
        return;
      case NAME_OR_END:
        if (byte === 0x7d) return this.#close();
        return this.#beginName(byte);
      case NAME:
        return this.#beginName(byte);
      case VALUE_OR_END:
        if (byte === 0x5d) return this.#close();
        return this.#beginValue(byte);
      default:
        return this.#beginValue(byte);
    }
  }

  #afterValue(byte: number): void {
    if (this.#depth === 0) return this.#fail('not_json');
    const isObject = this.#isObject[this.#depth] === 1;
    if (byte === 0x2c) {
      this.#put(byte);
      this.#expects = isObject ? NAME : VALUE;
    } else if (byte === (isObject ? 0x7d : 0x5d)) this.#close();
    else this.#fail('not_json');
  }

  #beginName(byte: number): void {
    if (byte !== QUOTE) return this.#fail('not_json');
    this.#isName = true;
    this.#begin(STRING, byte);
    this.#mayBeElided = false;
    if (this.#isKept && ++this.#members > MAX_OUTLINE_MEMBERS) this.#fail('too_many_members');
  }

  #beginValue(byte: number): void {
    if (this.#role === BATCH && ++this.#batched > MAX_BATCH) return this.#fail('batch_too_long');
    this.#isName = false;
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) return this.#open(byte);
    if (byte === QUOTE) return this.#begin(STRING, byte);
    if (byte === 0x2d) return this.#begin(MINUS, byte);
    if (byte === 0x30) return this.#begin(ZERO, byte);
    if (isDigit(byte)) return this.#begin(INTEGER, byte);
    const literal = LITERALS.get(byte);
    if (literal === undefined) return this.#fail('not_json');
    this.#literal = literal;
    this.#left = literal.length - 1;
    this.#begin(LITERAL, byte);
  }

  #open(byte: number): void {
    if (this.#depth === MAX_DEPTH) return this.#fail('too_deep');
    this.#put(byte);
    const role = this.#roleWithin(byte === OPEN_BRACE);
    this.#depth++;
    this.#roles[this.#depth] = role;
    this.#isObject[this.#depth] = byte === OPEN_BRACE ? 1 : 0;
    this.#role = role;
    this.#expects = byte === OPEN_BRACE ? NAME_OR_END : VALUE_OR_END;
  }

  /** What a value is, by what it stands in and under which name. */
  #roleWithin(isObject: boolean): number {
    const name = this.#name;
    switch (this.#role) {
      case TOP:
        return isObject ? MESSAGE : BATCH;
      case BATCH:
        return isObject ? MESSAGE : ELIDED;
      case MESSAGE:
        return isObject && name === 'params' ? PARAMS : ELIDED;
      case PARAMS:
        if (!isObject) return ELIDED;
        if (name === 'notifications') return NOTIFICATIONS;
        return name === '_meta' || name === 'ref' ? FLAT : ELIDED;
      case NOTIFICATIONS:
        return isObject ? ELIDED : FLAT;
      default:
        return ELIDED;
    }
  }

  #close(): void {
    const isObject = this.#isObject[this.#depth] === 1;
    this.#depth--;
    this.#role = this.#roles[this.#depth] ?? TOP;
    this.#put(isObject ? 0x7d : 0x5d);
    this.#expects = COMMA_OR_END;
  }

  // --- strings, numbers, literals ---

  #begin(inside: number, byte: number): void {
    this.#inside = inside;
    this.#isKept = this.#role !== ELIDED;
    this.#start = this.#length;
    this.#mayBeElided = this.#isKept && !this.#isDeciding();
    this.#put(byte);
  }

  #isDeciding(): boolean {
    const isElement = this.#isObject[this.#depth] === 0;
    return isElement ? this.#role === FLAT : DECIDING.has(this.#name);
  }

  #string(bytes: Buffer, end: number): void {
    const start = this.#at;
    let at = start;
    for (; at < end; at++) {
      const byte = bytes[at] as number; // at < end
      if (byte === QUOTE || byte === BACKSLASH || byte < 0x20) break;
    }
    this.#at = at;
    if (this.#isKept) this.#keep(bytes, start, at);
    if (at === end) return;
    const byte = bytes[at];
    this.#at++;
    if (byte === QUOTE) return this.#endString();
    if (byte !== BACKSLASH) return this.#fail('not_json');
    this.#putByte(BACKSLASH);
    this.#inside = ESCAPE;
    this.#left = 0;
  }

  #endString(): void {
    this.#putByte(QUOTE);
    if (!this.#isName) return this.#endScalar('""');
    this.#inside = STRUCTURE;
    this.#expects = COLON;
    if (this.#isKept) this.#name = this.#readName();
  }

  /** The name that was just kept, or the empty one if it is too long to mean anything. */
  #readName(): string {
    if (this.#length - this.#start > MAX_TELLING_NAME) return '';
    const written = this.#out.toString('latin1', this.#start, this.#length);
    return written.includes('\\') ? (JSON.parse(written) as string) : written.slice(1, -1);
  }

  /** After a backslash: one character, or `u` and four digits. */
  #escape(bytes: Buffer, end: number): void {
    for (; this.#at < end; this.#at++) {
      const byte = bytes[this.#at] as number; // at < end
      if (this.#left === 0 ? !isEscape(byte) : !isHexDigit(byte)) return this.#fail('not_json');
      this.#putByte(byte);
      this.#left = this.#left === 0 ? (byte === 0x75 ? 4 : 0) : this.#left - 1;
      if (this.#left > 0) continue;
      this.#at++;
      this.#inside = STRING;
      return;
    }
  }

  #literalBytes(bytes: Buffer, end: number): void {
    for (; this.#at < end && this.#left > 0; this.#at++, this.#left--) {
      const byte = bytes[this.#at] as number; // at < end
      if (byte !== this.#literal[this.#literal.length - this.#left]) return this.#fail('not_json');
      this.#putByte(byte);
    }
    if (this.#left === 0) this.#endScalar('0');
  }

  #number(bytes: Buffer, end: number): void {
    const start = this.#at;
    let at = start;
    let state = this.#inside;
    for (; at < end; at++) {
      const next = numberState(state, bytes[at] as number); // at < end
      if (next < 0) break;
      state = next;
    }
    this.#at = at;
    this.#inside = state;
    if (this.#isKept) this.#keep(bytes, start, at);
    if (at === end) return;
    if (state < ZERO) return this.#fail('not_json');
    this.#endScalar('0');
  }

  /** @param placeholder for one that was left out */
  #endScalar(placeholder: string): void {
    this.#inside = STRUCTURE;
    this.#expects = COMMA_OR_END;
    if (this.#isKept || this.#role === ELIDED) return;
    this.#length = this.#start + this.#out.write(placeholder, this.#start, 'latin1');
  }

  // --- the outline ---

  /** A structural byte, or the first one of a scalar. */
  #put(byte: number): void {
    if (this.#role === ELIDED) return;
    this.#append(byte);
  }

  /** A byte of a scalar. */
  #putByte(byte: number): void {
    if (!this.#isKept || this.#elides(1)) return;
    this.#append(byte);
  }

  #append(byte: number): void {
    // Two bytes stay free for a placeholder.
    if (this.#length >= MAX_OUTLINE_BYTES - 2) return this.#fail('members_too_long');
    this.#out[this.#length++] = byte;
  }

  /** Bytes of a scalar. */
  #keep(bytes: Buffer, start: number, end: number): void {
    const count = end - start;
    if (this.#elides(count)) return;
    if (this.#length + count > MAX_OUTLINE_BYTES - 2) this.#fail('members_too_long');
    else this.#length += bytes.copy(this.#out, this.#length, start, end);
  }

  /** Whether the scalar is left out because it would be too long with `count` bytes more. */
  #elides(count: number): boolean {
    if (!this.#mayBeElided || this.#length - this.#start + count <= MAX_OTHER_SCALAR) return false;
    this.#isKept = false;
    this.#length = this.#start;
    return true;
  }

  #fail(problem: MessageProblem): void {
    this.#problem ??= problem;
  }
}

/** The state after another byte of a number; -1 if the byte is not part of it. */
function numberState(state: number, byte: number): number {
  if (isDigit(byte)) return afterDigit(state, byte);
  if (byte === 0x2e) return state === ZERO || state === INTEGER ? DOT : -1;
  if (byte === 0x65 || byte === 0x45)
    return state === ZERO || state === INTEGER || state === FRACTION ? EXPONENT : -1;
  return (byte === 0x2b || byte === 0x2d) && state === EXPONENT ? EXPONENT_SIGN : -1;
}

function afterDigit(state: number, byte: number): number {
  switch (state) {
    case MINUS:
      return byte === 0x30 ? ZERO : INTEGER;
    case ZERO:
      return -1;
    case INTEGER:
      return INTEGER;
    case DOT:
    case FRACTION:
      return FRACTION;
    default:
      return EXPONENT_DIGITS;
  }
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isHexDigit(byte: number): boolean {
  return isDigit(byte) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66);
}

/** `"`, `\`, `/`, `b`, `f`, `n`, `r`, `t`, `u` (RFC 8259 section 7). */
function isEscape(byte: number): boolean {
  switch (byte) {
    case 0x22:
    case 0x5c:
    case 0x2f:
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
    case 0x75:
      return true;
    default:
      return false;
  }
}

const EMPTY = Buffer.alloc(0);
