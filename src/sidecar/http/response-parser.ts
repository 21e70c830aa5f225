// A strict, incremental HTTP/1.1 response parser for the connection to the MCP server. Knows nothing of sockets or of MCP.
import { trimOws } from './field-value.ts';

/** A response head longer than this is refused (bytes). */
const MAX_HEAD_BYTES = 64 * 1024;
/** A chunk-size line longer than this is refused (bytes); chunk extensions are dropped. */
const MAX_CHUNK_LINE_BYTES = 256;
/** Trailers longer than this are refused (bytes); they are dropped in any case. */
const MAX_TRAILER_BYTES = 8 * 1024;
/** More interim responses than this before the final one are refused: a server may send one every few seconds in a long call. */
const MAX_INTERIM = 1_000;

/** How the body is delimited (RFC 9112 section 6.3). */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'close' };

export interface ResponseHead {
  readonly status: number;
  /** Name, value, name, value … as received. */
  readonly fields: readonly string[];
  readonly framing: Framing;
  /** Whether the connection may carry another request after this response. */
  readonly keepAlive: boolean;
}

interface ResponseEvents {
  onHead(head: ResponseHead): void;
  onBody(chunk: Buffer): void;
  onEnd(): void;
}

/** The response is not HTTP/1.1, or parsers could read it in different ways. The connection must be closed. */
export class ResponseSyntaxError extends Error {
  readonly code = 'ERR_UPSTREAM_SYNTAX';

  constructor(what: string) {
    super(`malformed response from the MCP server: ${what}`);
    this.name = 'ResponseSyntaxError';
  }
}

type State = 'head' | 'length' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailers' | 'close' | 'done';

/** Parses one response at a time: call `reset` before each request. */
export class ResponseParser {
  readonly #events: ResponseEvents;
  readonly #isName: (name: string) => boolean;
  #state: State = 'done';
  #pending: Buffer | undefined;
  #remaining = 0;
  #trailerBytes = 0;
  #interim = 0;

  /** @param isName `isFieldName`, or a memo of it: servers send the same few names all the time */
  constructor(events: ResponseEvents, isName: (name: string) => boolean = isFieldName) {
    this.#events = events;
    this.#isName = isName;
  }

  reset(): void {
    this.#state = 'head';
    this.#pending = undefined;
    this.#trailerBytes = 0;
    this.#interim = 0;
  }

  get done(): boolean {
    return this.#state === 'done';
  }

  /**
   * Takes the next bytes of the connection.
   * @throws ResponseSyntaxError for anything malformed or ambiguous, bytes after the end included
   */
  feed(bytes: Buffer): void {
    let chunk = bytes;
    if (this.#pending !== undefined) {
      chunk = Buffer.concat([this.#pending, bytes]);
      this.#pending = undefined;
    }
    let at = 0;
    while (at < chunk.length) {
      const next = this.#step(chunk, at);
      if (next === undefined) {
        this.#pending = at === 0 ? chunk : chunk.subarray(at);
        return;
      }
      at = next;
    }
  }

  /** The connection has ended, which completes a response delimited by the close. Any other is incomplete: not `done`. */
  end(): void {
    if (this.#state === 'close') this.#finish();
  }

  /** Consumes from `at` and gives the next position, or `undefined` when more bytes are needed. */
  #step(chunk: Buffer, at: number): number | undefined {
    switch (this.#state) {
      case 'head':
        return this.#head(chunk, at);
      case 'length':
      case 'chunk-data':
        return this.#data(chunk, at);
      case 'close':
        this.#events.onBody(at === 0 ? chunk : chunk.subarray(at));
        return chunk.length;
      case 'chunk-size':
        return this.#chunkSize(chunk, at);
      case 'chunk-end':
        return this.#chunkEnd(chunk, at);
      case 'trailers':
        return this.#trailer(chunk, at);
      case 'done':
        throw new ResponseSyntaxError('bytes after the end of the response');
      default:
        return this.#state satisfies never;
    }
  }

  #head(chunk: Buffer, at: number): number | undefined {
    const end = chunk.indexOf('\r\n\r\n', at, 'latin1');
    if (end < 0 ? chunk.length - at > MAX_HEAD_BYTES : end - at > MAX_HEAD_BYTES) {
      throw new ResponseSyntaxError(`header section exceeds ${MAX_HEAD_BYTES} bytes`);
    }
    if (end < 0) return undefined;
    const head = parseHead(chunk.toString('latin1', at, end), this.#isName);
    // An interim response (RFC 9110 section 15.2) is for this hop; the final one follows.
    if (head.status < 200) {
      if (head.status === 101)
        throw new ResponseSyntaxError('101 Switching Protocols without an Upgrade request');
      if (++this.#interim > MAX_INTERIM)
        throw new ResponseSyntaxError(`more than ${MAX_INTERIM} interim responses`);
      return end + 4;
    }
    this.#events.onHead(head);
    this.#enterBody(head.framing);
    return end + 4;
  }

  #enterBody(framing: Framing): void {
    switch (framing.kind) {
      case 'none':
        return this.#finish();
      case 'length':
        this.#remaining = framing.length;
        this.#state = 'length';
        return framing.length === 0 ? this.#finish() : undefined;
      case 'chunked':
        this.#state = 'chunk-size';
        return;
      case 'close':
        this.#state = 'close';
        return;
      default:
        return framing satisfies never;
    }
  }

  #data(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#remaining);
    this.#remaining -= end - at;
    this.#events.onBody(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end));
    if (this.#remaining === 0) {
      if (this.#state === 'length') this.#finish();
      else this.#state = 'chunk-end';
    }
    return end;
  }

  #chunkSize(chunk: Buffer, at: number): number | undefined {
    const line = readLine(chunk, at, MAX_CHUNK_LINE_BYTES);
    if (line === undefined) return undefined;
    const size = /^([0-9A-Fa-f]{1,12})(?:[ \t]*;.*)?$/.exec(line.text)?.[1];
    if (size === undefined) throw new ResponseSyntaxError('invalid chunk size');
    this.#remaining = Number.parseInt(size, 16);
    this.#state = this.#remaining === 0 ? 'trailers' : 'chunk-data';
    return line.next;
  }

  #chunkEnd(chunk: Buffer, at: number): number | undefined {
    if (chunk.length - at < 2) {
      if (chunk[at] !== 0x0d) throw new ResponseSyntaxError('chunk longer than its size');
      return undefined;
    }
    if (chunk[at] !== 0x0d || chunk[at + 1] !== 0x0a) {
      throw new ResponseSyntaxError('chunk longer than its size');
    }
    this.#state = 'chunk-size';
    return at + 2;
  }

  /** Trailers are dropped: they must never be merged into the header fields (RFC 9110 section 6.5.1). */
  #trailer(chunk: Buffer, at: number): number | undefined {
    const line = readLine(chunk, at, MAX_TRAILER_BYTES);
    if (line === undefined) return undefined;
    this.#trailerBytes += line.next - at;
    if (this.#trailerBytes > MAX_TRAILER_BYTES)
      throw new ResponseSyntaxError(`trailer section exceeds ${MAX_TRAILER_BYTES} bytes`);
    if (line.text === '') this.#finish();
    return line.next;
  }

  #finish(): void {
    this.#state = 'done';
    this.#events.onEnd();
  }
}

function readLine(chunk: Buffer, at: number, limit: number): { text: string; next: number } | undefined {
  const end = chunk.indexOf('\r\n', at, 'latin1');
  if (end < 0 ? chunk.length - at > limit : end - at > limit)
    throw new ResponseSyntaxError(`line exceeds ${limit} bytes`);
  return end < 0 ? undefined : { text: chunk.toString('latin1', at, end), next: end + 2 };
}

/** RFC 9110 section 5.1: a field name is a token. */
export function isFieldName(name: string): boolean {
  return /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(name);
}

/** Control characters, bare CR and bare LF: with them a field value could start another line. */
const FORBIDDEN = /[\0-\x08\x0B\x0C\x0E-\x1F\x7F]|\r(?!\n)|(?<!\r)\n/;

/** Parses a head without its final empty line. */
function parseHead(text: string, isName: (name: string) => boolean): ResponseHead {
  if (FORBIDDEN.test(text)) throw new ResponseSyntaxError('control character in the header section');
  const [statusLine, ...lines] = text.split('\r\n') as [string, ...string[]];
  const start = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: |$)/.exec(statusLine);
  if (start === null) throw new ResponseSyntaxError('invalid status line');
  const fields: string[] = [];
  let length: string | undefined;
  let coding: string | undefined;
  let connection = '';
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0));
    // A token leaves no room for field folding or space before the colon (RFC 9112 sections 5.1 and 5.2).
    if (!isName(name)) throw new ResponseSyntaxError('invalid field line');
    const value = trimOws(line.slice(colon + 1));
    fields.push(name, value);
    // Comparing lengths first is cheaper than lower-casing every name.
    if (name.length === 14 && name.toLowerCase() === 'content-length') {
      if (length !== undefined && length !== value)
        throw new ResponseSyntaxError('conflicting Content-Length fields');
      length = value;
    } else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') {
      coding = coding === undefined ? value.toLowerCase() : `${coding}, ${value.toLowerCase()}`;
    } else if (name.length === 10 && name.toLowerCase() === 'connection') {
      connection += `,${value.toLowerCase()}`;
    }
  }
  const status = Number(start[2]);
  const framing = bodyFraming(status, length, coding);
  const keepAlive = start[1] === '1' && framing.kind !== 'close' && !/(^|,)\s*close\s*(,|$)/.test(connection);
  return { status, fields, framing, keepAlive };
}

/** RFC 9112 section 6.3. Conflicting lengths are refused. */
function bodyFraming(status: number, length: string | undefined, coding: string | undefined): Framing {
  if (status < 200 || status === 204 || status === 304) return { kind: 'none' };
  if (coding !== undefined) {
    if (coding !== 'chunked') throw new ResponseSyntaxError('unsupported transfer coding');
    if (length !== undefined) throw new ResponseSyntaxError('both Content-Length and Transfer-Encoding');
    return { kind: 'chunked' };
  }
  if (length === undefined) return { kind: 'close' };
  if (!/^\d{1,15}$/.test(length)) throw new ResponseSyntaxError('invalid Content-Length');
  return { kind: 'length', length: Number(length) };
}
