// The ids in a server's answer, read as it passes by: are its responses for the request that it was sent? Changes nothing.
import type { Call } from '../messages/call.ts';

/** An id with more characters of JSON than this is not compared. */
const MAX_ID = 1024;
/** A member's name, or an id, that is written with more characters than this cannot be one that counts. */
const MAX_WRITTEN = 6 * MAX_ID + 64;

/**
 * The ids of the requests in a call, in the form that `AnsweredIds` compares. `undefined` where they are not known: nothing
 * has read the body, or it is a GET, whose stream may repeat responses to earlier requests.
 */
export function awaitedIds({ content }: Call): readonly string[] | undefined {
  if (content.kind !== 'messages') return undefined;
  const ids: string[] = [];
  for (const { id } of content.operations) {
    if (id === undefined) continue; // a notification
    if (id.length > MAX_ID) return undefined;
    ids.push(id.startsWith('"') ? id : `${Number(id)}`);
  }
  return ids;
}

/** How most servers write the beginning of a response. */
const BEGINNING = '{"jsonrpc":"2.0","id":';

/** Whether a JSON text begins as the response to `awaited`, and as most servers write it. False says nothing. */
function beginsAsResponse(text: string, awaited: string): boolean {
  const start = text.startsWith(' ') ? 1 : 0; // in an event stream
  if (!text.startsWith(BEGINNING, start)) return false;
  const end = start + BEGINNING.length + awaited.length;
  return (
    text.startsWith(awaited, start + BEGINNING.length) &&
    (text.startsWith(',"result":', end) || text.startsWith(',"error":', end))
  );
}

type Form =
  /** Nothing but blanks so far. */
  | 'unknown'
  | 'json'
  /** Or nothing that a client takes for a response: in HTML and compressed bytes no line holds one. */
  | 'events';

/**
 * Reads one answer: JSON, or an event stream with a JSON text in each event. Its bytes say which; a client that goes by
 * `Content-Type` finds no message where the two differ. In linear time, and without keeping the text.
 */
export class AnsweredIds {
  readonly #messages: MessageIds;
  #events: EventData | undefined;
  #form: Form = 'unknown';

  /** @param awaited as `awaitedIds` gives them */
  constructor(awaited: readonly string[]) {
    this.#messages = new MessageIds(awaited);
  }

  /** False as soon as there is a response to a request that is not awaited. */
  get isOwn(): boolean {
    return this.#messages.isOwn;
  }

  /** Whether each awaited request has its response, and no other has. */
  get isComplete(): boolean {
    return this.#messages.isComplete;
  }

  /** Whether nothing of the rest is of interest. */
  get isRead(): boolean {
    return this.#form === 'json' && this.#messages.isRead;
  }

  /** @param text the next piece, one character a byte */
  feed(text: string): void {
    if (this.#form === 'unknown') return this.#begin(text);
    if (this.#form === 'json') this.#messages.feed(text);
    else if (this.#form === 'events') this.#events?.feed(text);
  }

  /** A byte order mark counts as blank (HTML Living Standard, section 9.2.5). */
  #begin(text: string): void {
    const at = text.search(/[^ \t\r\n\xef\xbb\xbf]/);
    if (at < 0) return;
    this.#form = formOf(text.charAt(at));
    if (this.#form === 'events') this.#events = new EventData(this.#messages);
    this.feed(at === 0 ? text : text.slice(at));
  }
}

/** @param first character that is no blank; a stream may begin with a field of any name, which clients overlook */
function formOf(first: string): Exclude<Form, 'unknown'> {
  return first === '{' || first === '[' ? 'json' : 'events';
}

const FIELD = 'data:';

/** Hands on what stands in the `data` fields of an event stream. */
class EventData {
  readonly #messages: MessageIds;
  #line: 'begins' | 'data' | 'other' = 'begins';
  /** The line so far, while it is too short to say what it is. */
  #beginning = '';
  #isAfterCr = false;

  constructor(messages: MessageIds) {
    this.#messages = messages;
  }

  feed(text: string): void {
    let lf = text.indexOf('\n');
    let cr = text.indexOf('\r');
    for (let at = 0; at < text.length;) {
      if (lf >= 0 && lf < at) lf = text.indexOf('\n', at);
      if (cr >= 0 && cr < at) cr = text.indexOf('\r', at);
      const end = cr < 0 || (lf >= 0 && lf < cr) ? lf : cr;
      if (end < 0) return this.#takePiece(text.slice(at));
      // CR LF is one line end, also where the two come apart.
      if (end === at && end === lf && this.#isAfterCr && this.#isEmpty) this.#isAfterCr = false;
      else {
        this.#takePiece(text.slice(at, end));
        this.#endLine();
        this.#isAfterCr = end === cr;
      }
      at = end + 1;
    }
  }

  get #isEmpty(): boolean {
    return this.#line === 'begins' && this.#beginning === '';
  }

  #takePiece(piece: string): void {
    if (this.#line === 'other' || piece === '') return;
    if (this.#line === 'data') return this.#messages.feed(piece);
    const line = this.#beginning + piece;
    if (line.startsWith(FIELD)) {
      this.#line = 'data';
      this.#messages.feed(line.slice(FIELD.length));
    } else if (FIELD.startsWith(line)) this.#beginning = line;
    else this.#line = 'other';
  }

  #endLine(): void {
    if (this.#isEmpty) this.#messages.reset(); // an empty line ends the event
    this.#line = 'begins';
    this.#beginning = '';
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Reads JSON texts: of each message, which members it has, and the value of `id`. */
class MessageIds {
  #hasForeign = false;
  /** Requests without a response so far. */
  #missing: readonly string[];
  readonly #awaited: readonly string[];
  #hasErrorOfNone = false;
  #depth = 0;
  /** The depth of messages: 1, or 2 in an array. */
  #level = 1;
  #isInString = false;
  #isEscaped = false;
  /** What stands before the next structural character at the messages' own level, as far as it came in earlier pieces. */
  #written = '';
  #member: string | undefined;
  #message = emptyMessage();
  /** Nothing more of this text is of interest. */
  isRead = false;

  constructor(awaited: readonly string[]) {
    this.#awaited = awaited;
    this.#missing = awaited;
  }

  /** No client looks for a response in the answer to a notification, and some servers put one there. */
  get isOwn(): boolean {
    return !this.#hasForeign || this.#awaited.length === 0;
  }

  get isComplete(): boolean {
    return !this.#hasForeign && (this.#missing.length === 0 || this.#hasErrorOfNone);
  }

  /** Another text begins. */
  reset(): void {
    this.#depth = 0;
    this.#isInString = false;
    this.#isEscaped = false;
    this.isRead = false;
  }

  feed(text: string): void {
    if (text === '' || this.isRead || this.#readBeginning(text)) return;
    const { length } = text;
    let depth = this.#depth;
    let level = this.#level;
    let start = 0;
    for (let at = this.#isInString ? this.#endOfString(text, 0) + 1 : 0; at < length; at++) {
      const code = text.charCodeAt(at);
      switch (code) {
        case QUOTE:
          at = this.#endOfString(text, at + 1);
          break;
        case OPEN_BRACE:
        case OPEN_BRACKET:
          if (depth === 0) level = code === OPEN_BRACE ? 1 : 2;
          if (++depth === level) this.#beginMessage();
          start = at + 1;
          break;
        case CLOSE_BRACE:
        case CLOSE_BRACKET:
          if (depth === level) {
            this.#endMember(this.#take(text, start, at));
            this.#endMessage();
          }
          if (depth > 0) depth--;
          start = at + 1;
          break;
        case COLON:
          if (depth !== level) break;
          this.#beginMember(nameOf(this.#take(text, start, at)));
          start = at + 1;
          break;
        case COMMA:
          if (depth !== level) break;
          this.#endMember(this.#take(text, start, at));
          start = at + 1;
          break;
        default:
      }
    }
    this.#depth = depth;
    this.#level = level;
    if (depth === level) this.#keep(text, start);
  }

  /** A quarter of the time, where the text begins as usual: then its first response is the only one in it. */
  #readBeginning(text: string): boolean {
    const [awaited, another] = this.#awaited;
    if (this.#depth > 0 || awaited === undefined || another !== undefined) return false;
    if (!beginsAsResponse(text, awaited)) return false;
    this.#missing = NONE;
    this.isRead = true;
    return true;
  }

  /** @returns the position of the quote that ends the string; the length of the text where it goes on behind it */
  #endOfString(text: string, from: number): number {
    let at = this.#isEscaped ? from + 1 : from;
    this.#isEscaped = false;
    for (;;) {
      const quote = text.indexOf('"', at);
      const end = quote < 0 ? text.length : quote;
      let first = end; // of the backslashes right in front
      while (first > at && text.charCodeAt(first - 1) === BACKSLASH) first--;
      const isEscaped = (end - first) % 2 === 1;
      if (quote < 0) {
        this.#isInString = true;
        this.#isEscaped = isEscaped;
        return end;
      }
      if (!isEscaped) {
        this.#isInString = false;
        return end;
      }
      at = end + 1;
    }
  }

  /** What was written at the messages' level since the last structural character there. */
  #take(text: string, start: number, end: number): string {
    const written = this.#written + text.slice(start, end);
    this.#written = '';
    return written;
  }

  /** Of values, only that of `id` is of interest. What is too long is no name and no id that counts. */
  #keep(text: string, start: number): void {
    if (this.#member !== undefined && this.#member !== 'id') return;
    this.#written = (this.#written + text.slice(start)).slice(0, MAX_WRITTEN);
  }

  #beginMessage(): void {
    this.#message = emptyMessage();
    this.#member = undefined;
    this.#written = '';
  }

  #beginMember(name: string): void {
    this.#member = name;
    if (name === 'result') this.#message.hasResult = true;
    else if (name === 'error') this.#message.hasError = true;
    else if (name === 'jsonrpc') this.#message.isJsonRpc = true;
    this.#compare();
  }

  #endMember(value: string): void {
    if (this.#member === 'id') {
      const message = this.#message;
      // As most servers write it; else by its value.
      message.id = this.#awaited.includes(value) ? value : idOf(value);
      if (message.id !== 'null' && !this.#awaited.includes(message.id)) message.isOwn = false;
      this.#compare();
    }
    this.#member = undefined;
  }

  /** As soon as it is clear: the rest of a long message may be on its way. */
  #compare(): void {
    const { hasResult, hasError, isOwn } = this.#message;
    if (!isOwn && (hasResult || hasError)) this.#hasForeign = true;
  }

  #endMessage(): void {
    const { isJsonRpc, hasResult, hasError, id, isOwn } = this.#message;
    if (!hasResult && !hasError) return; // a request or notification of the server's, or no JSON-RPC at all
    if (!isOwn) return;
    if (id !== 'null') this.#missing = this.#missing.filter((each) => each !== id);
    else if (hasError)
      this.#hasErrorOfNone = true; // where the server could not read an id (JSON-RPC 2.0 section 5)
    else if (isJsonRpc && this.#awaited.length > 0) this.#hasForeign = true;
  }
}

const NONE: readonly string[] = [];

interface ReadMessage {
  isJsonRpc: boolean;
  hasResult: boolean;
  hasError: boolean;
  /** As `awaitedIds` writes it; `null` also where there is none. */
  id: string;
  /** Whether each `id` in it, should there be several, is awaited. */
  isOwn: boolean;
}

function emptyMessage(): ReadMessage {
  return { isJsonRpc: false, hasResult: false, hasError: false, id: 'null', isOwn: true };
}

/** @param written with its quotes; escapes are seldom, and mean the same */
function nameOf(written: string): string {
  const name = written.trim();
  if (!name.includes('\\')) return name.slice(1, -1);
  const value = parsed(name);
  return typeof value === 'string' ? value : '';
}

/** The same text for each way to write an id. */
function idOf(written: string): string {
  const value = parsed(Buffer.from(written, 'latin1').toString());
  return typeof value === 'number' ? `${value}` : JSON.stringify(value ?? null);
}

/** `undefined` for what is not JSON: no client reads that. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
