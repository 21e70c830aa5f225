// A server on loopback that reads requests by the letter of RFC 9112 and records them. It shares no parser with the
// sidecar: what is not one request with one reading is kept as `malformed`, and nothing is made of it.
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface RecordedMessage {
  readonly method: string;
  readonly target: string;
  /** Name in lower case, value: in the order of the wire. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** Answers one request. */
export type Answering = (message: RecordedMessage, socket: Socket) => void;

export const RESULT = '{"jsonrpc":"2.0","id":1,"result":{}}';

/** A result that says which request it is for. */
export const answerByTag: Answering = (message, socket) => {
  const body = `{"jsonrpc":"2.0","id":1,"result":{"answer":"${tagOf(message) ?? ''}"}}`;
  socket.write(
    `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
};

/** The field by which a test knows its requests again. */
export const TAG = 'x-request-id';

export function tagOf({ fields }: RecordedMessage): string | undefined {
  return fields.find(([name]) => name === TAG)?.[1];
}

export class RecordingServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Requests that came with their last byte. */
  readonly messages: RecordedMessage[] = [];
  /** What came and is no request, with the reason. */
  readonly malformed: string[] = [];
  /** Heads that came, with or without the body that they announce. */
  readonly heads: string[] = [];
  answering: Answering = answerByTag;

  private constructor() {
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async start(): Promise<RecordingServer> {
    const recording = new RecordingServer();
    await new Promise<void>((resolve) => recording.#server.listen(0, '127.0.0.1', resolve));
    return recording;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/mcp`;
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#sockets.size;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setEncoding('latin1');
    socket.on('error', () => undefined); // a reset shows as closed
    socket.on('close', () => this.#sockets.delete(socket));
    let text = '';
    let headsSeen = 0; // of the message that has begun: its head is recorded once
    socket.on('data', (more: string) => {
      text += more;
      for (;;) {
        const reading = readMessage(text);
        if (typeof reading === 'string') {
          this.malformed.push(`${reading}: ${JSON.stringify(text.slice(0, 300))}`);
          return void socket.destroy();
        }
        if (reading.head !== undefined && headsSeen === 0) this.heads.push(reading.head);
        headsSeen = reading.head === undefined ? 0 : 1;
        if (reading.message === undefined) return;
        headsSeen = 0;
        text = text.slice(reading.length);
        this.messages.push(reading.message);
        this.answering(reading.message, socket);
      }
    });
  }
}

interface Reading {
  readonly head?: string;
  /** Absent as long as bytes are missing. */
  readonly message?: RecordedMessage;
  readonly length: number;
}

const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
/** RFC 9110 section 5.5: no controls but HTAB, and no blank at either end once the one after the colon is gone. */
const VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;

/** The first message of the text, or why there cannot be one. */
function readMessage(text: string): Reading | string {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return { length: 0 };
  const [requestLine = '', ...lines] = text.slice(0, end).split('\r\n');
  const line = /^([A-Z]+) (\/[\x21-\x7e]*) HTTP\/1\.1$/.exec(requestLine);
  if (line === null) return 'request line';
  const fields: [string, string][] = [];
  for (const each of lines) {
    const colon = each.indexOf(':');
    const [name, value] = [each.slice(0, Math.max(0, colon)), each.slice(colon + 1).replace(/^[ \t]/, '')];
    if (!TOKEN.test(name) || !VALUE.test(value)) return 'field line';
    fields.push([name.toLowerCase(), value]);
  }
  const valuesOf = (wanted: string) => fields.filter(([name]) => name === wanted).map(([, value]) => value);
  const [lengths, codings] = [valuesOf('content-length'), valuesOf('transfer-encoding')];
  if (valuesOf('host').length !== 1) return 'Host';
  if (lengths.length + codings.length > 1) return 'framing';
  const [, method = '', target = ''] = line;
  const head = requestLine;
  const whole = (body: string, length: number): Reading => ({
    head,
    message: { method, target, fields, body },
    length,
  });
  const start = end + 4;
  if (codings.length > 0) {
    if (codings[0] !== 'chunked') return 'coding';
    const chunks = readChunks(text, start);
    if (typeof chunks === 'string') return chunks;
    return chunks.body === undefined ? { head, length: 0 } : whole(chunks.body, chunks.end);
  }
  if (!/^(0|[1-9]\d{0,15})$/.test(lengths[0] ?? '0')) return 'length';
  const length = Number(lengths[0] ?? 0);
  if (text.length < start + length) return { head, length: 0 };
  return whole(text.slice(start, start + length), start + length);
}

/** Without extensions and trailers: neither has anything to do on this hop. */
function readChunks(text: string, start: number): { body?: string; end: number } | string {
  let body = '';
  for (let at = start; ;) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd < 0) return { end: 0 };
    const size = text.slice(at, lineEnd);
    if (!/^[0-9a-f]{1,8}$/i.test(size)) return 'chunk size';
    const length = Number.parseInt(size, 16);
    const next = lineEnd + 2 + length;
    if (text.length < next + 2) return { end: 0 };
    if (text.slice(next, next + 2) !== '\r\n') return length === 0 ? 'trailers' : 'chunk end';
    if (length === 0) return { body, end: next + 2 };
    body += text.slice(lineEnd + 2, next);
    at = next + 2;
  }
}
