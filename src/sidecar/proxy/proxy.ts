// (Permit, request) -> server -> response: one exchange, streaming both ways. Decides nothing about who may call.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Permit } from '../authorization/authorize.ts';
import { isBodyTooSlow } from '../limits/body-timeout.ts';
import type { Call, JudgedBody } from '../messages/call.ts';
import type { Denial } from '../denial/denial.ts';
import { discardRest, endBeforeBody } from '../http/discard-body.ts';
import { EventBoundary } from './sse-boundary.ts';
import { trimBlanks } from '../http/field-value.ts';
import { responseTreatment, type RequestFields } from '../http/request-headers.ts';
import type { ResponseHead } from '../http/response-parser.ts';
import type { ObserveHead } from '../sessions/session-binding.ts';
import type { Exchange, ExchangeEvents, Upstream, UpstreamError } from './upstream-pool.ts';

/** Bodies of known length up to this travel with their head in one write, each way; longer ones are streamed (bytes). */
const ONE_WRITE_BYTES = 64 * 1024;

/** A server that has not begun to answer after this long is given up (milliseconds): tool calls may be slow. */
const RESPONSE_HEAD_MS = 60 * 60_000;
/** A listening stream that has to end waits this long for the end of an event (milliseconds). */
const LAST_EVENT_MS = 2_000;

export interface ForwardRequest {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly fields: RequestFields;
  /** What was read of it; only a body that was judged, or none, or one that is not to be judged, gets here. */
  readonly call: Call;
  /** The query to forward, empty or with its `?`. */
  readonly search: string;
  /** CORS fields of the response; empty where no browser is involved. */
  readonly responseFields: readonly string[];
}

export interface ForwardTarget {
  readonly upstream: Upstream;
  /** Path of the MCP endpoint on the server. */
  readonly path: string;
  /** `Host` line for the server, with its line end. */
  readonly hostLine: string;
  /** Lines that say where the request came from: `Via`, `X-Forwarded-Proto`, `X-Forwarded-Host`. */
  readonly forwardedLines: string;
  /** The line that says who calls, signed; empty where the server is not told so. */
  readonly identityLine: string;
  /** How long a call may go on after its token is worth nothing any more (milliseconds). */
  readonly callGraceMs: number;
  /** A comment keeps an event stream alive that was silent for this long (milliseconds); 0: never. */
  readonly keepAliveMs: number;
  /** Looks at the head of the answer, and may refuse it. */
  readonly observeHead: ObserveHead | undefined;
  /** Answers a request that could not be forwarded, when nothing of a response was sent yet. */
  readonly deny: (denial: Denial) => void;
  /** Told once, when the response is over, well or badly. */
  readonly onClose: (forwarding: Forwarding) => void;
}

/**
 * Forwards a request that was permitted.
 * @param body the judged body; `undefined` where there is none, or it goes by unread
 */
export function proxy(
  permit: Permit,
  request: ForwardRequest,
  target: ForwardTarget,
  body: JudgedBody | undefined,
): Forwarding {
  const forwarding = new Forwarding(permit, request, target);
  forwarding.start(body);
  return forwarding;
}

/** One request under way. Methods, not closures: one object per request is all that the hot path allocates. */
export class Forwarding implements ExchangeEvents {
  /** Where it stands in the list of requests in flight; that list's to change. */
  place = -1;
  readonly #permit: Permit;
  readonly #request: ForwardRequest;
  readonly #target: ForwardTarget;
  #exchange: Exchange | undefined;
  #requestLength = 0;
  #received = 0;
  #requestChunks: Buffer[] | undefined;
  #requestDone = false;
  #head: ResponseHead | undefined;
  #headFields: string[] = [];
  #responseBody = '';
  #streaming = false;
  #flushed = false;
  #paused = false;
  #over = false;
  readonly #startedAt = Date.now();
  #lastActivity = this.#startedAt;
  /** Of an event stream that something may be put into. */
  #boundary: EventBoundary | undefined;
  /** When a stream that is to end with the event that is being sent ends without it (milliseconds); 0: it is not to end. */
  #endBy = 0;
  #lastWrite = 0;

  constructor(permit: Permit, request: ForwardRequest, target: ForwardTarget) {
    this.#permit = permit;
    this.#request = request;
    this.#target = target;
  }

  /** The body is sent at once and not kept: an answer may take hours. */
  start(body: JudgedBody | undefined): void {
    const { req, res, fields } = this.#request;
    res.on('close', () => this.#onClientClose());
    if (body !== undefined) return this.#sendJudged(body);
    if (fields.chunked) return this.#streamRequest('Transfer-Encoding: chunked\r\n');
    this.#requestLength = fields.contentLength === undefined ? 0 : Number(fields.contentLength);
    if (this.#requestLength === 0) {
      this.#requestDone = true;
      const lengthLine = req.method === 'POST' ? 'Content-Length: 0\r\n' : '';
      return this.#send(this.#requestHead(lengthLine), undefined);
    }
    if (this.#requestLength > ONE_WRITE_BYTES) {
      return this.#streamRequest(`Content-Length: ${this.#requestLength}\r\n`);
    }
    this.#requestChunks = [];
    req.on('data', (chunk: Buffer) => this.#gather(chunk));
  }

  /** Whether this is a stream that a client opened to listen, not a call that somebody waits for. */
  get isListening(): boolean {
    return this.#request.call.isListening;
  }

  /**
   * Ends a listening stream the way a server does when it goes away: cleanly, so that clients connect again. In the modern
   * era the request gets its result first, at the end of the event that is being sent (RESOURCE_SERVER D38).
   */
  endListening(denial: Denial = { kind: 'draining' }): void {
    if (this.#over) return;
    if (this.#head === undefined) return this.#fail(denial);
    // Not a stream, but an answer that is almost here.
    if (!this.#streaming) return;
    const { completion } = this.#request.call;
    if (completion !== undefined && this.#boundary !== undefined) {
      if (this.#boundary.isBetweenEvents) return this.#complete();
      // Once more when the event is complete. If that takes too long it is dropped, as its client will do.
      if (this.#endBy === 0) this.#endBy = Date.now() + LAST_EVENT_MS;
      if (Date.now() < this.#endBy) return;
    }
    this.#abandon();
    this.#request.res.end();
  }

  #complete(): void {
    this.#abandon();
    this.#request.res.end(this.#request.call.completion);
  }

  /** Gives up what has waited too long. Called every second. @param now milliseconds since the epoch */
  expire(now: number): void {
    if (this.#over) return;
    if (this.#endBy > 0) return this.endListening();
    const { expiresAt } = this.#permit.principal;
    // A call may finish; a stream that only listens would go on for days after the token (RESOURCE_SERVER D38, D39).
    if (this.isListening && now >= expiresAt)
      return this.endListening({ kind: 'invalid_token', reason: 'expired' });
    if (now >= expiresAt + this.#target.callGraceMs) return this.#fail({ kind: 'upstream_timeout' });
    if (this.#boundary !== undefined) this.#keepAlive(now, this.#boundary);
    if (this.#head !== undefined) return;
    if (!this.#requestDone && this.#isBodyTooSlow(now)) {
      this.#abandon();
      this.#request.res.destroy();
    } else if (now - this.#lastActivity > RESPONSE_HEAD_MS) {
      this.#abandon();
      this.#target.deny({ kind: 'upstream_timeout' });
    }
  }

  /** A comment, which clients ignore: what stands between knows that the stream is alive (RESOURCE_SERVER D9). */
  #keepAlive(now: number, boundary: EventBoundary): void {
    const { keepAliveMs } = this.#target;
    if (keepAliveMs === 0 || now - this.#lastWrite < keepAliveMs || this.#paused) return;
    if (!boundary.isBetweenEvents) return;
    this.#lastWrite = now;
    this.#request.res.write(KEEP_ALIVE);
  }

  // --- request ---

  #requestHead(framing: string): string {
    const { req, search, fields, call } = this.#request;
    // A server of both eras that looks at the session first would serve somebody else's (RESOURCE_SERVER D36).
    const sessionLines = call.era === 'legacy' ? fields.sessionLines : '';
    const { path, hostLine, forwardedLines, identityLine } = this.#target;
    return (
      `${req.method} ${path}${search} HTTP/1.1\r\n${hostLine}${fields.forwarded}${sessionLines}` +
      `${this.#permit.principal.headerLines}X-Forwarded-For: ${req.socket.remoteAddress ?? 'unknown'}\r\n` +
      `${forwardedLines}${identityLine}${framing}\r\n`
    );
  }

  /** Exactly the bytes that were judged, however they came. */
  #sendJudged({ bytes, latin1 }: JudgedBody): void {
    this.#requestDone = true;
    const head = this.#requestHead(`Content-Length: ${bytes.length}\r\n`);
    if (bytes.length <= ONE_WRITE_BYTES) return this.#write(head + (latin1 ?? bytes.toString('latin1')));
    const exchange = this.#begin();
    exchange.write(head, 'latin1');
    exchange.write(bytes);
    exchange.finish();
  }

  /** Collects a short body, so that head and body go out in one write. */
  #gather(chunk: Buffer): void {
    this.#count(chunk);
    const chunks = this.#requestChunks;
    if (chunks === undefined || this.#over) return;
    chunks.push(chunk);
    if (this.#received < this.#requestLength) return;
    this.#requestChunks = undefined;
    this.#requestDone = true;
    const body = chunks.length === 1 ? chunk : Buffer.concat(chunks);
    this.#send(this.#requestHead(`Content-Length: ${this.#requestLength}\r\n`), body);
  }

  #send(head: string, body: Buffer | undefined): void {
    // Field values are latin1 on the wire; latin1 keeps the bytes of the body as they are.
    this.#write(body === undefined ? head : head + body.toString('latin1'));
  }

  #write(request: string): void {
    const exchange = this.#begin();
    exchange.write(request, 'latin1');
    exchange.finish();
  }

  #count(chunk: Buffer): void {
    this.#received += chunk.length;
    this.#lastActivity = Date.now();
  }

  #isBodyTooSlow(now: number): boolean {
    const pace = { startedAt: this.#startedAt, lastAt: this.#lastActivity, received: this.#received };
    return isBodyTooSlow(now, pace);
  }

  #streamRequest(framing: string): void {
    const { req, fields } = this.#request;
    const exchange = this.#begin();
    exchange.write(this.#requestHead(framing), 'latin1');
    req.on('data', (chunk: Buffer) => {
      this.#count(chunk);
      if (this.#over) return;
      if (!exchange.write(fields.chunked ? encodeChunk(chunk) : chunk)) req.pause();
    });
    req.on('end', () => {
      this.#requestDone = true;
      if (this.#over) return;
      if (fields.chunked) exchange.write('0\r\n\r\n', 'latin1');
      exchange.finish();
    });
  }

  #begin(): Exchange {
    this.#exchange = this.#target.upstream.start(this);
    return this.#exchange;
  }

  onDrain(): void {
    this.#request.req.resume();
  }

  // --- response ---

  onHead(head: ResponseHead): void {
    const problem = problemOf(head);
    if (problem !== undefined) return this.#fail({ kind: 'upstream_unreachable', reason: problem });
    const refused = this.#target.observeHead?.(head);
    if (refused !== undefined) return this.#fail(refused);
    this.#head = head;
    this.#headFields = responseFields(head, this.#request.responseFields);
    const { framing } = head;
    this.#streaming =
      framing.kind !== 'none' && !(framing.kind === 'length' && framing.length <= ONE_WRITE_BYTES);
    if (!this.#streaming) return;
    this.#request.res.writeHead(head.status, this.#headFields);
    const { keepAliveMs } = this.#target;
    if ((keepAliveMs > 0 || this.isListening) && isOpenEventStream(head)) {
      this.#boundary = new EventBoundary();
      this.#lastWrite = Date.now();
    }
  }

  onBody(chunk: Buffer): void {
    if (this.#over) return;
    if (!this.#streaming) {
      // latin1 keeps the bytes as they are, and Node writes a string together with its head.
      this.#responseBody += chunk.toString('latin1');
      return;
    }
    this.#flushed = true;
    const { res } = this.#request;
    if (this.#boundary !== undefined) {
      this.#boundary.feed(chunk);
      this.#lastWrite = Date.now();
      if (this.#endBy > 0 && this.#boundary.isBetweenEvents) {
        res.write(chunk);
        return this.#complete();
      }
    }
    if (res.write(chunk) || this.#paused || this.#exchange === undefined) return;
    this.#paused = true;
    this.#exchange.pause();
    res.once('drain', () => {
      this.#paused = false;
      this.#exchange?.resume();
    });
  }

  onReadEnd(): void {
    // A stream may stay silent for minutes after its head: the client must see the head at once.
    if (!this.#streaming || this.#flushed || this.#over) return;
    this.#flushed = true;
    this.#request.res.flushHeaders();
  }

  onEnd(): void {
    // The connection may serve another exchange from here on: it is not ours to resume.
    this.#exchange = undefined;
    if (this.#over) return;
    this.#over = true;
    const { req, res } = this.#request;
    if (this.#streaming) {
      res.end();
      // Nobody looks at this request again: its body, paused or slow, would hold the connection for as long as it likes.
      if (!this.#requestDone) discardRest(req, res);
    } else if (this.#head !== undefined) {
      res.writeHead(this.#head.status, this.#headFields);
      const body = this.#responseBody;
      if (this.#requestDone) res.end(body, 'latin1');
      else endBeforeBody(req, res, body === '' ? undefined : Buffer.from(body, 'latin1'));
    }
  }

  onError(error: UpstreamError): void {
    this.#fail({ kind: 'upstream_unreachable', reason: error.code });
  }

  /** Before the head: an answer of ours. After it: an abrupt end, never a clean one, so that the client knows. */
  #fail(denial: Denial): void {
    if (this.#over) return;
    this.#abandon();
    const { res } = this.#request;
    if (res.headersSent) res.destroy();
    else this.#target.deny(denial);
  }

  #abandon(): void {
    this.#over = true;
    this.#exchange?.abort();
  }

  #onClientClose(): void {
    // The client is gone before the end: the server must see it (in the modern era this is the cancellation).
    if (!this.#over) this.#abandon();
    this.#target.onClose(this);
  }
}

/** Answers of the server that must not reach the client as they are. */
function problemOf(head: ResponseHead): string | undefined {
  // Its challenge would point clients at another authorization server, or at none (RESOURCE_SERVER B22).
  if (head.status === 401 || head.status === 407) return `server_status_${head.status}`;
  // Redirects name the loopback address, and are not followed: spec.server.path is wrong (RESOURCE_SERVER D2).
  if (head.status >= 300 && head.status < 400 && head.status !== 304) return 'server_redirect';
  return undefined;
}

/** Something may be put into it: nobody counts its bytes, and they are text as they stand. */
function isOpenEventStream({ status, framing, fields }: ResponseHead): boolean {
  if (status !== 200 || framing.kind === 'length') return false;
  let eventStream = false;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string; // names and values come in pairs
    if (name.length === CONTENT_TYPE.length && name.toLowerCase() === CONTENT_TYPE)
      eventStream = /^text\/event-stream/i.test(fields[i + 1] as string);
    else if (name.length === CONTENT_ENCODING.length && name.toLowerCase() === CONTENT_ENCODING) return false;
  }
  return eventStream;
}

function responseFields(head: ResponseHead, added: readonly string[]): string[] {
  const out: string[] = [];
  let eventStream = false;
  let cacheControl = false;
  let buffering = false;
  let length = false;
  const { fields } = head;
  const named = connectionNames(fields);
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string; // names and values come in pairs
    const value = fields[i + 1] as string;
    if (named !== undefined && named.has(name.toLowerCase())) continue;
    switch (responseTreatment(name)) {
      case 'content-length':
        // Once, and in one spelling, however often the server says it (RFC 9110 section 8.6).
        if (head.framing.kind === 'length' && !length) out.push(name, String(head.framing.length));
        length = true;
        continue;
      case 'content-type':
        eventStream = value.toLowerCase().startsWith('text/event-stream');
        break;
      case 'cache-control':
        cacheControl = true;
        break;
      case 'accel-buffering':
        buffering = true;
        break;
      case 'pass':
        break;
      default:
        continue;
    }
    out.push(name, value);
  }
  out.push('X-Content-Type-Options', 'nosniff');
  // MCP 2026-07-28, Streamable HTTP: keep proxies further out from holding events back.
  if (eventStream && !buffering) out.push('X-Accel-Buffering', 'no');
  if (eventStream && !cacheControl) out.push('Cache-Control', 'no-cache, no-transform');
  for (const entry of added) out.push(entry);
  return out;
}

/** RFC 9110 section 7.6.1: what the server's `Connection` names is of that hop. */
function connectionNames(fields: readonly string[]): Set<string> | undefined {
  let names: Set<string> | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string; // names and values come in pairs
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue;
    const value = (fields[i + 1] as string).toLowerCase();
    if (value === 'keep-alive' || value === 'close') continue;
    names ??= new Set();
    for (const name of value.split(',')) names.add(trimBlanks(name));
  }
  return names;
}

function encodeChunk(chunk: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`, 'latin1'), chunk, CRLF]);
}

const CONTENT_TYPE = 'content-type';
const CONTENT_ENCODING = 'content-encoding';
const KEEP_ALIVE = ': keep-alive\n\n';
const CRLF = Buffer.from('\r\n', 'latin1');
