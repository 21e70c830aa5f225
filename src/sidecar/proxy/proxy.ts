// Permit -> server -> response: one exchange, streaming both ways. Decides nothing about who may call.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Principal } from '../authentication/authenticate.ts';
import type { Permit } from '../authorization/authorize.ts';
import type { Denial } from '../denial/denial.ts';
import { discardRest, endBeforeBody } from '../http/discard-body.ts';
import type { ReceivedRequest } from '../http/received-request.ts';
import type { ResponseHead } from '../http/response-parser.ts';
import type { Admission } from '../limits/admission.ts';
import { isBodyTooSlow } from '../limits/body-timeout.ts';
import type { SessionUse } from '../sessions/session-binding.ts';
import { AnsweredIds, awaitedIds } from './answered-ids.ts';
import type { ClientHead, ResponseHeaders } from './response-headers.ts';
import { nextState, type ResponseState } from './response-state.ts';
import { EventBoundary } from './sse-boundary.ts';
import type { AnswerEnd, Exchange, ExchangeEvents, UpstreamError } from './upstream-connection.ts';
import type { Upstream } from './upstream-pool.ts';

/** Bodies of known length up to this travel with their head in one write, each way; longer ones are streamed (bytes). */
const ONE_WRITE_BYTES = 64 * 1024;

/** A server that has not begun to answer after this long is given up (milliseconds): tool calls may be slow. */
const RESPONSE_HEAD_MS = 60 * 60_000;
/** A listening stream that has to end waits this long for the end of an event (milliseconds). */
const LAST_EVENT_MS = 2_000;

/** The server behind the sidecar, and how it is spoken to. One per configuration. */
export interface ProxySettings {
  readonly upstream: Pick<Upstream, 'start'>;
  readonly responseHeaders: ResponseHeaders;
  /** Path of the MCP endpoint on the server. */
  readonly path: string;
  /** `Host` line for the server, with its line end. */
  readonly hostLine: string;
  /** Lines that say where the request came from: `Via`, `X-Forwarded-Proto`, `X-Forwarded-Host`. */
  readonly forwardedLines: string;
  /** How long a call may go on after its token has expired (milliseconds). */
  readonly callGraceMs: number;
  /** How long a listening stream may go on, whatever its token allows (milliseconds). */
  readonly maxStreamMs: number;
  /** A comment keeps an event stream alive that was silent for this long (milliseconds); 0: never. */
  readonly keepAliveMs: number;
}

/** What the proxy needs besides the permit. Nothing of it is forwarded but what the sidecar itself says. */
export interface ProxyOptions {
  readonly settings: ProxySettings;
  readonly session: SessionUse;
  readonly admission: Admission;
  /** The header line with the signed assertion; empty where there is none. */
  readonly identityLine: string;
  /** CORS fields of the response; empty where no browser is involved. */
  readonly responseFields: readonly string[];
  /** Called when a body that was too long for one write is no longer in memory. */
  readonly onLongBodySent?: (() => void) | undefined;
  /**
   * Whether what the principal of a request rests on still holds. Where it does not, a review is on its way, which renews or
   * refuses the request.
   */
  readonly mayGoOn: (proxied: ProxiedRequest) => boolean;
  /**
   * Called at most once, when there is no answer of the server's that could be relayed; the response is its to end.
   * @param cause what was thrown, where that is why
   */
  readonly deny: (denial: Denial, cause?: unknown) => void;
}

/** Forwards what was permitted: the request that the permit holds, with the body that it holds, and nothing else. */
export function proxy(permit: Permit, options: ProxyOptions): ProxiedRequest {
  const proxied = new ProxiedRequest(permit, options);
  proxied.start(permit);
  return proxied;
}

/**
 * One request under way. Keeps of its permit only what the answer needs: that may take hours, and the permit holds the
 * body.
 */
export class ProxiedRequest implements ExchangeEvents {
  /** Where it stands in the list of requests in flight; that list's to change. */
  place = -1;
  readonly request: ReceivedRequest;
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #options: ProxyOptions;
  #principal: Principal;
  /** Undefined where it is not known which responses belong to the request. */
  readonly #answeredIds: AnsweredIds | undefined;
  readonly #finalEvent: string | undefined;
  /** Whether this is a stream that a client opened to listen, not a call whose result it waits for. */
  readonly isListening: boolean;
  #exchange: Exchange | undefined;
  #isSending = false;
  /** Goes on with a body that waits for the review of its request. */
  #goOn: (() => void) | undefined;
  #received = 0;
  #response: ResponseState = 'waiting';
  /**
   * The answer says how long it is: no stream, whatever was asked for. It comes to an end by itself, or is cut; after a clean
   * end before that, its client would take the next answer on the connection for the rest of it.
   */
  #hasLength = false;
  /** Until it is handed to the response. */
  #head: { readonly status: number; readonly fields: string[] } | undefined;
  #body = '';
  readonly #startedAt = Date.now();
  #lastActivity = this.#startedAt;
  /** When a stream that listens has had its time (milliseconds). Up to a tenth earlier, at random: not all at once. */
  readonly #streamEndsAt: number;
  /** Of an event stream that something may be put into. */
  #boundary: EventBoundary | undefined;
  /** When a stream that is ending ends without the end of its event (milliseconds). */
  #endBy = 0;
  #lastWrite = 0;

  constructor({ principal, call }: Permit, options: ProxyOptions) {
    this.request = call.request;
    this.#req = call.request.req;
    this.#res = call.request.res;
    this.#options = options;
    this.#principal = principal;
    const awaited = awaitedIds(call);
    this.#answeredIds = awaited && new AnsweredIds(awaited);
    this.#finalEvent = call.finalEvent;
    this.isListening = call.isListening;
    this.#streamEndsAt = this.isListening
      ? this.#startedAt + options.settings.maxStreamMs * (1 - Math.random() / 10)
      : Infinity;
  }

  /** The principal as it was last found. */
  get principal(): Principal {
    return this.#principal;
  }

  /** Whether nothing more of the server's reaches the client. */
  get isOver(): boolean {
    return this.#response === 'over';
  }

  /** Whether a body goes by, unread, that has not come to its end. */
  get isSending(): boolean {
    return this.#isSending;
  }

  /** The request may go on: found out again, perhaps by another configuration. */
  renew(principal: Principal): void {
    this.#principal = principal;
    const goOn = this.#goOn;
    this.#goOn = undefined;
    goOn?.();
  }

  /**
   * The request may not go on. A stream ends cleanly, so that its client asks again and gets the denial; a call is answered
   * with it, or broken off where its answer has begun.
   */
  refuse(denial: Denial): void {
    if (this.isListening && !this.#hasLength) this.endListening(denial);
    else this.#fail(denial);
  }

  start(permit: Permit): void {
    this.#res.on('close', () => this.#onClientClose());
    try {
      this.#send(permit);
    } catch (error) {
      this.onUnexpected(error);
    }
  }

  /**
   * Ends a listening stream the way a server does when it goes away: cleanly, so that clients connect again. In the modern
   * era the request gets its result first, at the end of the event that is being sent (RESOURCE_SERVER D38).
   */
  endListening(denial: Denial = { kind: 'draining' }): void {
    if (this.#hasLength) return;
    switch (this.#response) {
      case 'waiting':
        return this.#fail(denial);
      case 'buffering':
      case 'over':
        return;
      case 'opening':
        this.#open();
        return this.#endStream();
      case 'streaming':
      case 'ending':
        return this.#endStream();
      default:
        return this.#response satisfies never;
    }
  }

  #endStream(): void {
    if (this.#finalEvent !== undefined && this.#boundary !== undefined) {
      if (this.#boundary.isBetweenEvents) return this.#complete();
      // Once more when the event is complete. If that takes too long it is dropped, as its client will do.
      if (this.#response !== 'ending') {
        this.#enter('ending');
        this.#endBy = Date.now() + LAST_EVENT_MS;
      }
      if (Date.now() < this.#endBy) return;
    }
    this.#abandon();
    this.#res.end();
  }

  #complete(): void {
    this.#abandon();
    this.#res.end(this.#finalEvent);
  }

  /**
   * Gives up what has waited too long. Called every second.
   * @param now milliseconds since the epoch
   */
  expire(now: number): void {
    if (this.#response === 'over') return;
    try {
      this.#expire(now);
    } catch (error) {
      this.onUnexpected(error);
    }
  }

  #expire(now: number): void {
    if (this.#response === 'ending') return this.endListening();
    const { expiresAt } = this.#principal;
    if (now >= expiresAt && this.#endsWithToken) return this.refuse(EXPIRED);
    if (now >= this.#streamEndsAt || now >= expiresAt + this.#options.settings.callGraceMs)
      return this.refuse({ kind: 'upstream_timeout' });
    if (this.#boundary !== undefined) this.#keepAlive(now, this.#boundary);
    if (this.#response !== 'waiting') return;
    if (this.#isSending && this.#isBodyTooSlow(now)) {
      this.#abandon();
      this.#res.destroy();
    } else if (now - this.#lastActivity > RESPONSE_HEAD_MS) {
      this.#fail({ kind: 'upstream_timeout' });
    }
  }

  /**
   * A call may finish. A stream that only listens would go on for days after the token, and a call that is not all there was
   * not made in time (RESOURCE_SERVER D38, D39, C50).
   */
  get #endsWithToken(): boolean {
    return this.isListening || this.#isSending;
  }

  /** A comment, which clients ignore, shows everything in between that the stream is alive (RESOURCE_SERVER D9). */
  #keepAlive(now: number, boundary: EventBoundary): void {
    const { keepAliveMs } = this.#options.settings;
    if (keepAliveMs === 0 || now - this.#lastWrite < keepAliveMs || this.#res.writableNeedDrain) return;
    if (!boundary.isBetweenEvents) return;
    this.#lastWrite = now;
    this.#write(KEEP_ALIVE);
  }

  // --- request ---

  /** The body is sent at once and not kept. */
  #send(permit: Permit): void {
    const { content, request } = permit.call;
    switch (content.kind) {
      case 'messages': {
        const { bytes, latin1 } = content;
        const head = this.#requestHead(permit, `Content-Length: ${bytes.length}\r\n`);
        if (bytes.length <= ONE_WRITE_BYTES) return this.#sendWhole(head, latin1 ?? bytes.toString('latin1'));
        return this.#sendLong(head, bytes);
      }
      case 'none': {
        const framing = request.req.method === 'POST' ? 'Content-Length: 0\r\n' : '';
        return this.#sendWhole(this.#requestHead(permit, framing), '');
      }
      case 'opaque': {
        const { bytes } = content;
        const head = this.#requestHead(permit, `Content-Length: ${bytes.length}\r\n`);
        if (bytes.length <= ONE_WRITE_BYTES) return this.#sendWhole(head, bytes.toString('latin1'));
        return this.#sendLong(head, bytes);
      }
      case 'unread': {
        const { chunked, contentLength } = request.fields;
        const framing = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${Number(contentLength)}`;
        return this.#stream(this.#requestHead(permit, `${framing}\r\n`), chunked);
      }
      default:
        return content satisfies never;
    }
  }

  #requestHead({ principal, call }: Permit, framing: string): string {
    const { search, request } = call;
    const { req, fields } = request;
    const { settings, identityLine } = this.#options;
    // A server of both eras that looks at the session first would serve another client's (RESOURCE_SERVER D36).
    const sessionLines = call.era === 'legacy' ? fields.sessionLines : '';
    return (
      `${req.method} ${settings.path}${search} HTTP/1.1\r\n${settings.hostLine}${fields.forwarded}${sessionLines}` +
      `${principal.headerLines}X-Forwarded-For: ${req.socket.remoteAddress ?? 'unknown'}\r\n` +
      `${settings.forwardedLines}${identityLine}${framing}\r\n`
    );
  }

  /** @param body one character a byte: field values are latin1 on the wire, and latin1 keeps the bytes as they are */
  #sendWhole(head: string, body: string): void {
    const exchange = this.#begin();
    exchange.write(head + body, 'latin1');
    exchange.finish();
  }

  #sendLong(head: string, bytes: Buffer): void {
    const exchange = this.#begin();
    exchange.write(head, 'latin1');
    const isTaken = exchange.write(bytes);
    exchange.finish();
    if (isTaken) this.#options.onLongBodySent?.();
  }

  #stream(head: string, isChunked: boolean): void {
    this.#isSending = true;
    const exchange = this.#begin();
    exchange.write(head, 'latin1');
    const send = (chunk: Buffer) => {
      this.#count(chunk);
      if (!exchange.write(isChunked ? encodeChunk(chunk) : chunk)) this.#req.pause();
    };
    const resume = () => void this.#req.resume();
    this.#req.on('data', (chunk: Buffer) => {
      if (this.isOver) return;
      if (this.#isInTime(resume)) return send(chunk);
      if (this.isOver) return;
      // Back into the request, which comes to no end before all of it was read.
      this.#req.pause();
      this.#req.unshift(chunk);
    });
    const end = () => {
      if (this.isOver || !this.#isInTime(end)) return;
      this.#isSending = false;
      if (isChunked) exchange.write('0\r\n\r\n', 'latin1');
      exchange.finish();
    };
    this.#req.on('end', end);
  }

  /**
   * Whether the next part of a body may go on: each is decided by what holds when it comes (RESOURCE_SERVER C50).
   * @param goOn what to do when the request was renewed
   */
  #isInTime(goOn: () => void): boolean {
    if (Date.now() >= this.#principal.expiresAt) this.refuse(EXPIRED);
    else if (this.#options.mayGoOn(this)) return true;
    else this.#goOn = goOn;
    return false;
  }

  #begin(): Exchange {
    this.#exchange = this.#options.settings.upstream.start(this.#principal.owner, this);
    return this.#exchange;
  }

  #count(chunk: Buffer): void {
    this.#received += chunk.length;
    this.#lastActivity = Date.now();
  }

  #isBodyTooSlow(now: number): boolean {
    const pace = { startedAt: this.#startedAt, lastAt: this.#lastActivity, received: this.#received };
    return isBodyTooSlow(now, pace);
  }

  onDrain(): void {
    this.#options.onLongBodySent?.();
    if (this.#goOn === undefined) this.#req.resume();
  }

  // --- response ---

  onHead(head: ResponseHead): void {
    const problem = problemOf(head);
    if (problem !== undefined) return this.#fail({ kind: 'upstream_unreachable', reason: problem });
    const { session, settings, responseFields } = this.#options;
    const refused = session.observe?.(head);
    if (refused !== undefined) return this.#fail(refused);
    const clientHead = settings.responseHeaders.read(head, responseFields);
    this.#hasLength = head.framing.kind === 'length';
    this.#head = { status: head.status, fields: clientHead.fields };
    if (isShort(head)) return this.#enter('buffering');
    this.#enter('opening');
    if (this.#mayPutInto(clientHead)) {
      this.#boundary = new EventBoundary();
      this.#lastWrite = Date.now();
    }
  }

  /** Comments, or the event that ends the stream. */
  #mayPutInto({ isOpenEventStream }: ClientHead): boolean {
    return isOpenEventStream && (this.#options.settings.keepAliveMs > 0 || this.isListening);
  }

  onBody(chunk: Buffer): void {
    if (this.#response === 'over') return;
    if (!this.#isOwn(chunk)) return this.#refuseAnswer();
    switch (this.#response) {
      case 'buffering':
        // latin1 keeps the bytes as they are, and Node writes a string together with its head.
        this.#body += chunk.toString('latin1');
        return;
      case 'opening':
        this.#enter('streaming'); // the head goes out with the chunk
        this.#writeHead();
        return this.#relay(chunk);
      case 'streaming':
      case 'ending':
        return this.#relay(chunk);
      case 'waiting':
        throw new Error('a body came before its head');
      default:
        return this.#response satisfies never;
    }
  }

  #isOwn(chunk: Buffer): boolean {
    const ids = this.#answeredIds;
    if (ids === undefined || ids.isRead) return true;
    ids.feed(chunk.toString('latin1'));
    return ids.isOwn;
  }

  /** It holds a response to another request, of which nothing may go on: what has begun is cut. */
  #refuseAnswer(): void {
    this.#abandon();
    this.#options.deny({ kind: 'mismatched_answer' });
  }

  #writeHead(): void {
    if (this.#head !== undefined) this.#res.writeHead(this.#head.status, this.#head.fields);
    this.#head = undefined;
  }

  #relay(chunk: Buffer): void {
    this.#write(chunk);
    if (this.#boundary === undefined) return;
    this.#boundary.feed(chunk);
    this.#lastWrite = Date.now();
    if (this.#response === 'ending' && this.#boundary.isBetweenEvents) this.#complete();
  }

  /** While the response wants a pause, the server gets one. */
  #write(data: string | Buffer): void {
    const isPaused = this.#res.writableNeedDrain;
    if (this.#res.write(data) || isPaused) return;
    this.#exchange?.pause();
    this.#res.once('drain', () => this.#exchange?.resume());
  }

  /** A stream may stay silent for minutes after its head: the client must see the head at once. */
  onReadEnd(): void {
    if (this.#response === 'opening') this.#open();
  }

  #open(): void {
    this.#enter('streaming');
    this.#writeHead();
    this.#res.flushHeaders();
  }

  /** An answer that did not say which request it is for could have been for another: the next one would be, too. */
  onEnd(): AnswerEnd {
    const state = this.#response;
    if (state === 'over') return 'spent';
    if (state === 'waiting') throw new Error('an answer ended before its head');
    this.#enter('over');
    this.#writeHead();
    if (state === 'buffering') this.#sendBuffered();
    else this.#endStreamed();
    return this.#answeredIds?.isComplete === false ? 'spent' : 'reusable';
  }

  #endStreamed(): void {
    this.#res.end();
    // Nothing else reads this request: its body, paused or slow, would hold the connection for as long as it likes.
    if (this.#isSending) discardRest(this.#req, this.#res);
  }

  #sendBuffered(): void {
    const body = this.#body;
    if (!this.#isSending) this.#res.end(body, 'latin1');
    else endBeforeBody(this.#req, this.#res, body === '' ? undefined : Buffer.from(body, 'latin1'));
  }

  onError(error: UpstreamError): void {
    this.#fail({ kind: 'upstream_unreachable', reason: error.code });
  }

  onUnexpected(error: unknown): void {
    if (this.#response !== 'over') this.#abandon();
    this.#options.deny({ kind: 'internal_error' }, error);
  }

  /** Before the head: a denial. After it: an abrupt end, never a clean one, so that the client knows. */
  #fail(denial: Denial): void {
    if (this.#response === 'over') return;
    this.#abandon();
    if (this.#res.headersSent) this.#res.destroy();
    else this.#options.deny(denial);
  }

  #abandon(): void {
    this.#enter('over');
    this.#exchange?.abort();
  }

  /** The client is gone before the end: the server must see it (in the modern era this is the cancellation). */
  #onClientClose(): void {
    if (this.#response !== 'over') this.#abandon();
  }

  #enter(state: ResponseState): void {
    this.#response = nextState(this.#response, state);
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

/** Whether the answer goes out in one write. */
function isShort({ framing }: ResponseHead): boolean {
  return framing.kind === 'none' || (framing.kind === 'length' && framing.length <= ONE_WRITE_BYTES);
}

function encodeChunk(chunk: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`, 'latin1'), chunk, CRLF]);
}

const EXPIRED: Denial = { kind: 'invalid_token', reason: 'expired' };
const KEEP_ALIVE = ': keep-alive\n\n';
const CRLF = Buffer.from('\r\n', 'latin1');
