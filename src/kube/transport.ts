// Sends one request over the shared connections, with a deadline, and turns failures into errors. Knows no kinds.
import type { IncomingHttpHeaders } from 'node:http';
import { request as send, type Dispatcher } from 'undici';
import type { ClusterCredentials } from './credentials.ts';
import { ApiError, isTooLarge, NoAnswerError, type ApiStatus } from './errors.ts';
import { sleep, systemScheduler, type Random, type Scheduler } from './scheduler.ts';

export const DEADLINE_MS = 10_000;
/** Tries of one call while the server asks the client to retry (429 and 503 with Retry-After). More is the queue's job. */
const MAX_ATTEMPTS = 3;
/** Added to what the server asks for, at most, so that its clients do not all retry at once. */
const RETRY_JITTER = 0.25;
/** An error answer longer than this is cut (bytes). */
const MAX_ERROR_BYTES = 64 * 1024;

export interface TransportRequest {
  /** The operation and its object, for messages: `apply Deployment team-a/weather`. */
  readonly what: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With the query. */
  readonly path: string;
  readonly accept?: string;
  readonly contentType?: string;
  readonly body?: string;
  readonly signal: AbortSignal;
  /** A longer answer is not read to its end: `too_large`. Any length when absent. */
  readonly maxBytes?: number;
  /** For the whole call, waiting included. */
  readonly deadlineMs?: number;
}

export interface ApiTransport {
  /** @returns the parsed JSON of a 2xx answer */
  call(request: TransportRequest): Promise<unknown>;
  /** Opens a long answer; the deadline covers the time until its headers. @returns its bytes; it ends with the signal */
  stream(request: TransportRequest): Promise<AsyncIterable<Uint8Array>>;
}

export interface TransportOptions {
  readonly userAgent: string;
  readonly scheduler?: Scheduler;
  readonly random?: Random;
  /** The server's advice for this request, such as "v1beta1 is deprecated". */
  readonly onWarning?: (warning: string, what: string) => void;
}

export function createTransport(credentials: ClusterCredentials, options: TransportOptions): ApiTransport {
  const { userAgent, scheduler = systemScheduler, random = Math.random, onWarning } = options;

  const exchange = async (request: TransportRequest, signal: AbortSignal) => {
    const { server, dispatcher, headers } = await untilAborted(credentials.access(), signal);
    const answer = await send(server + request.path, {
      dispatcher,
      method: request.method,
      signal,
      headers: {
        accept: request.accept ?? 'application/json',
        ...(request.body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
        'user-agent': userAgent,
        ...headers,
      },
      ...(request.body === undefined ? {} : { body: request.body }),
    });
    if (onWarning) for (const text of warnings(answer.headers)) onWarning(text, request.what);
    if (answer.statusCode < 200 || answer.statusCode > 299) throw await refusal(request.what, answer);
    return answer;
  };

  const attempts = async (
    request: TransportRequest,
    signal: AbortSignal,
    until: number,
  ): Promise<unknown> => {
    for (let attempt = 1; ; attempt++) {
      try {
        const { body } = await exchange(request, signal);
        return JSON.parse(
          request.maxBytes === undefined ? await body.text() : await shortText(body, request),
        );
      } catch (error) {
        const wait = attempt < MAX_ATTEMPTS ? pause(error, random) : undefined;
        if (wait === undefined || scheduler.now() + wait > until) throw error;
        await sleep(scheduler, wait, signal);
        signal.throwIfAborted();
      }
    }
  };

  return {
    async call(request) {
      const limit = deadline(request, scheduler);
      try {
        return await attempts(request, limit.signal, limit.at);
      } catch (error) {
        throw explain(error, request, limit);
      } finally {
        limit.cancel();
      }
    },
    async stream(request) {
      const limit = deadline(request, scheduler);
      try {
        const { body } = await exchange(request, limit.signal);
        return readable(body, request, limit);
      } catch (error) {
        throw explain(error, request, limit);
      } finally {
        limit.cancel();
      }
    },
  };
}

/** A signal that aborts when the request is to stop, or late. */
interface Deadline {
  readonly signal: AbortSignal;
  readonly late: AbortSignal;
  readonly at: number;
  readonly ms: number;
  cancel(): void;
}

function deadline(
  { signal, deadlineMs: ms = DEADLINE_MS }: TransportRequest,
  scheduler: Scheduler,
): Deadline {
  const late = new AbortController();
  const cancel = scheduler.after(ms, () => late.abort());
  return {
    signal: AbortSignal.any([signal, late.signal]),
    late: late.signal,
    at: scheduler.now() + ms,
    ms,
    cancel,
  };
}

/** The bytes of an open answer; how they end is explained as for a call. */
async function* readable(
  body: AsyncIterable<Uint8Array>,
  request: TransportRequest,
  limit: Deadline,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw explain(error, request, limit);
  }
}

/** The credentials may come from a program that hangs. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

async function refusal(
  what: string,
  { statusCode, headers, body }: Dispatcher.ResponseData,
): Promise<ApiError> {
  const status = errorStatus(await bounded(body));
  const seconds = Number(headers['retry-after'] ?? status?.details?.retryAfterSeconds ?? NaN);
  const retryAfterMs = Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
  return new ApiError(what, { status: statusCode, body: status, retryAfterMs });
}

async function shortText(body: AsyncIterable<Uint8Array>, { what, maxBytes = 0 }: TransportRequest) {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > maxBytes) throw new NoAnswerError(what, 'too_large', `response exceeds ${maxBytes} bytes`);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function bounded(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_ERROR_BYTES) break;
  }
  return Buffer.concat(chunks).toString('utf8', 0, MAX_ERROR_BYTES);
}

/** A `Status` object, or the text of another program's answer: a proxy's, or that of a server that is starting. */
function errorStatus(text: string): ApiStatus | undefined {
  try {
    const parsed = JSON.parse(text) as ApiStatus | null; // checked in the next line
    if (parsed !== null && typeof parsed === 'object' && parsed.kind === 'Status') return parsed;
  } catch {
    // Not JSON: its text is the message.
  }
  const message = text.replace(/\s+/g, ' ').trim().slice(0, 200);
  return message ? { message } : undefined;
}

/** How long to wait before the next try; undefined when the server did not ask for one. */
function pause(error: unknown, random: Random): number | undefined {
  if (!(error instanceof ApiError) || error.retryAfterMs === undefined) return undefined;
  if (error.status !== 429 && error.status !== 503) return undefined;
  return error.retryAfterMs * (1 + RETRY_JITTER * random());
}

function explain(error: unknown, { what, signal }: TransportRequest, { late, ms }: Deadline): Error {
  if (error instanceof ApiError || isTooLarge(error)) return error as Error;
  const options = { cause: error };
  if (signal.aborted) return new NoAnswerError(what, 'stopped', 'stopped', options);
  if (late.aborted) return new NoAnswerError(what, 'timeout', `no response within ${ms / 1000} s`, options);
  if (error instanceof SyntaxError)
    return new NoAnswerError(what, 'malformed', 'response is not JSON', options);
  const { message, code } = error as NodeJS.ErrnoException;
  return new NoAnswerError(what, 'connection', message || code || 'connection failed', options);
}

/** The texts of `Warning: 299 - "text"` (RFC 7234 section 5.5, as the API server sends it). */
function warnings(headers: IncomingHttpHeaders): string[] {
  const header = headers['warning'];
  if (header === undefined) return [];
  return [...String(header).matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) =>
    text.replace(/\\(.)/g, '$1'),
  );
}
