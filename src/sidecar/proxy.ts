// (Permit, request) -> server -> response: one exchange, streaming both ways. Decides nothing about who may call.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Permit } from './authorize.ts';
import type { Denial } from './denial.ts';
import { discardRest, endBeforeBody } from './discard-body.ts';
import { responseTreatment, type RequestFields } from './headers.ts';
import type { ResponseHead } from './http-response.ts';
import type { Exchange, ExchangeEvents, Upstream, UpstreamError } from './upstream.ts';

/** Bodies of known length up to this travel with their head in one write, each way; longer ones are streamed (bytes). */
const ONE_WRITE_BYTES = 64 * 1024;

/** A request body that brings nothing for this long is given up (milliseconds). */
const BODY_IDLE_MS = 60_000;
/** A server that has not begun to answer after this long is given up (milliseconds): tool calls may be slow. */
const RESPONSE_HEAD_MS = 60 * 60_000;

export interface ForwardRequest {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly fields: RequestFields;
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
  /** Answers a request that could not be forwarded, when nothing of a response was sent yet. */
  readonly deny: (denial: Denial) => void;
  /** Told once, when the response is over, well or badly. */
  readonly onClose: (forwarding: Forwarding) => void;
}

/** Forwards a request that was permitted. */
export function proxy(permit: Permit, request: ForwardRequest, target: ForwardTarget): Forwarding {
  const forwarding = new Forwarding(permit, request, target);
  forwarding.start();
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
  #lastActivity = Date.now();

  constructor(permit: Permit, request: ForwardRequest, target: ForwardTarget) {
    this.#permit = permit;
    this.#request = request;
    this.#target = target;
  }

  start(): void {
    const { req, res, fields } = this.#request;
    res.on('close', () => this.#onClientClose());
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
    return this.#request.req.method === 'GET';
  }

  /** Ends a listening stream the way a server does when it goes away: cleanly, so that clients connect again. */
  endListening(denial: Denial = { kind: 'upstream_unreachable', reason: 'draining' }): void {
    if (this.#over) return;
    this.#over = true;
    this.#exchange?.abort();
    if (this.#streaming) this.#request.res.end();
    else this.#target.deny(denial);
  }

  /** Gives up what has waited too long. Called every few seconds. @param now milliseconds since the epoch */
  expire(now: number): void {
    // A call may finish; a stream that only listens would go on for days after the token (RESOURCE_SERVER D38, D39).
    if (this.isListening && now >= this.#permit.principal.expiresAt)
      return this.endListening({ kind: 'invalid_token', reason: 'expired' });
    if (this.#over || this.#head !== undefined) return;
    if (!this.#requestDone && now - this.#lastActivity > BODY_IDLE_MS) {
      this.#abandon();
      this.#request.res.destroy();
    } else if (now - this.#lastActivity > RESPONSE_HEAD_MS) {
      this.#abandon();
      this.#target.deny({ kind: 'upstream_timeout' });
    }
  }

  // --- request ---

  #requestHead(framing: string): string {
    const { req, search, fields } = this.#request;
    const { path, hostLine, forwardedLines } = this.#target;
    return (
      `${req.method} ${path}${search} HTTP/1.1\r\n${hostLine}${fields.forwarded}` +
      `${this.#permit.principal.headerLines}X-Forwarded-For: ${req.socket.remoteAddress ?? 'unknown'}\r\n` +
      `${forwardedLines}${framing}\r\n`
    );
  }

  /** Collects a short body, so that head and body go out in one write. */
  #gather(chunk: Buffer): void {
    this.#received += chunk.length;
    this.#lastActivity = Date.now();
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
    const exchange = this.#begin();
    // Field values are latin1 on the wire; latin1 keeps the bytes of the body as they are.
    exchange.write(body === undefined ? head : head + body.toString('latin1'), 'latin1');
    exchange.finish();
  }

  #streamRequest(framing: string): void {
    const { req, fields } = this.#request;
    const exchange = this.#begin();
    exchange.write(this.#requestHead(framing), 'latin1');
    req.on('data', (chunk: Buffer) => {
      this.#lastActivity = Date.now();
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
    this.#head = head;
    this.#headFields = responseFields(head, this.#request.responseFields);
    const { framing } = head;
    this.#streaming =
      framing.kind !== 'none' && !(framing.kind === 'length' && framing.length <= ONE_WRITE_BYTES);
    if (this.#streaming) this.#request.res.writeHead(head.status, this.#headFields);
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
      if (!this.#requestDone) discardRest(req);
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

function responseFields(head: ResponseHead, added: readonly string[]): string[] {
  const out: string[] = [];
  let eventStream = false;
  let cacheControl = false;
  let buffering = false;
  const { fields } = head;
  const named = connectionNames(fields);
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string; // names and values come in pairs
    const value = fields[i + 1] as string;
    if (named !== undefined && named.has(name.toLowerCase())) continue;
    switch (responseTreatment(name)) {
      case 'content-length':
        if (head.framing.kind !== 'length') continue;
        break;
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
    for (const name of value.split(',')) names.add(name.trim());
  }
  return names;
}

function encodeChunk(chunk: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`, 'latin1'), chunk, CRLF]);
}

const CRLF = Buffer.from('\r\n', 'latin1');
