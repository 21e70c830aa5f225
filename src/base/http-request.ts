// One bounded HTTP exchange, read whole: deadline, byte limit, expected status. No redirects, cookies, retries or cache.
import { request as plainRequest, type Agent, type IncomingHttpHeaders } from 'node:http';
import { request as tlsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { TLSSocket } from 'node:tls';

export interface HttpRequestOptions {
  readonly timeoutMs: number;
  /** A longer body ends the exchange (bytes). */
  readonly maxBytes: number;
  /** Any other status ends the exchange, and its body is not read. Absent: every status will do. */
  readonly expectedStatus?: number;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
  /** PEM bundle to trust instead of the system's roots. */
  readonly ca?: string | undefined;
  /** Limits connections; a connection of its own for each request when absent. */
  readonly agent?: Agent | undefined;
  /** Resolves the host's name for the connection itself, and may refuse what it finds. */
  readonly lookup?: LookupFunction | undefined;
}

interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/**
 * unreachable   no connection, or it ended before the answer did: refused, reset, name not resolved
 * tls           the handshake failed, or the certificate is not trusted for the host
 * timeout       no whole answer within the deadline
 * aborted       the caller's signal
 * bad_status    another status than the expected one: see `status`
 * too_large     longer than `maxBytes`
 * not_http      what was answered is not HTTP/1.1
 */
type HttpErrorCode = 'unreachable' | 'tls' | 'timeout' | 'aborted' | 'bad_status' | 'too_large' | 'not_http';

/** Why there was no answer. The message does not repeat the URL: the caller knows what it asked for. */
export class HttpError extends Error {
  readonly code: HttpErrorCode;
  /** Of the answer, for `bad_status`. */
  readonly status: number | undefined;

  constructor(code: HttpErrorCode, message: string, more: { cause?: unknown; status?: number } = {}) {
    super(message, { cause: more.cause });
    this.name = 'HttpError';
    this.code = code;
    this.status = more.status;
  }
}

/**
 * Sends one request to an http or https URL.
 * @throws HttpError for everything but a whole answer with the expected status and a body within the limit
 */
export function httpRequest(url: string, options: HttpRequestOptions): Promise<HttpAnswer> {
  const { timeoutMs, maxBytes, expectedStatus, method = 'GET', headers, body, ca, agent, lookup } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  return new Promise((resolve, reject) => {
    // By the parsed URL: `HTTPS://` is https, too.
    const target = new URL(url);
    const send = target.protocol === 'https:' ? tlsRequest : plainRequest;
    const fail = (cause: unknown) => reject(httpError(cause, { signal, timeoutMs, socket: req.socket }));
    const req = send(
      target,
      {
        agent: agent ?? false,
        signal,
        method,
        ...(headers && { headers }),
        ...(ca && { ca }),
        ...(lookup && { lookup }),
      },
      (res) => {
        const { statusCode: status = 0 } = res;
        if (expectedStatus !== undefined && status !== expectedStatus) {
          reject(badStatus(status, expectedStatus));
          req.destroy();
          return;
        }
        const chunks: Buffer[] = [];
        let length = 0;
        res.on('data', (chunk: Buffer) => {
          length += chunk.length;
          chunks.push(chunk);
          if (length <= maxBytes) return;
          reject(new HttpError('too_large', `response exceeds ${maxBytes} bytes`));
          req.destroy();
        });
        res.on('end', () => resolve({ status, headers: res.headers, body: Buffer.concat(chunks) }));
        res.on('error', fail);
      },
    );
    // Without an 'upgrade' listener Node destroys the socket without 'error', and this promise would never settle.
    req.on('upgrade', ({ statusCode = 101 }, socket) => {
      socket.destroy();
      reject(badStatus(statusCode, expectedStatus));
    });
    req.on('error', fail);
    req.end(body);
  });
}

function badStatus(status: number, expected: number | undefined): HttpError {
  const message = expected === undefined ? `status ${status}` : `status ${status}, expected ${expected}`;
  return new HttpError('bad_status', message, { status });
}

interface Circumstances {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly socket: object | null | undefined;
}

/** Decides by codes of Node and OpenSSL and by the state of the socket, never by a message. */
function httpError(cause: unknown, { signal, timeoutMs, socket }: Circumstances): HttpError {
  if (signal.aborted) {
    const isTimeout = (signal.reason as Error | undefined)?.name === 'TimeoutError';
    return isTimeout
      ? new HttpError('timeout', `no answer within ${timeoutMs / 1000} s`, { cause })
      : new HttpError('aborted', 'aborted', { cause });
  }
  const { code = '', message } = cause as NodeJS.ErrnoException;
  return new HttpError(codeOf(code, socket), message || code || 'connection failed', { cause });
}

function codeOf(code: string, socket: Circumstances['socket']): HttpErrorCode {
  // llhttp, the parser of Node.
  if (code.startsWith('HPE_')) return 'not_http';
  // Node names why it does not trust a certificate before it closes the connection; all else that OpenSSL says has a code.
  const distrust = (socket as Partial<TLSSocket> | null | undefined)?.authorizationError;
  return distrust || /^(ERR_TLS_|ERR_SSL_|EPROTO$)/.test(code) ? 'tls' : 'unreachable';
}
