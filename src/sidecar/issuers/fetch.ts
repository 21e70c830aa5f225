// One bounded request for a JSON document over TLS: GET, or POST of a form. No redirects, no cookies, no retries, no cache.
import { request, type Agent } from 'node:https';
import { guardedLookup, isRefusedHost } from './ssrf-guard.ts';

/** Answers longer than this are refused (bytes): a key set is a few kilobytes. */
const MAX_BYTES = 256 * 1024;
const TIMEOUT_MS = 5_000;

export interface FetchOptions {
  /** PEM bundle to trust instead of the system's roots. */
  readonly ca: string | undefined;
  readonly signal: AbortSignal;
  /**
   * The URL comes from a document, not from the configuration: it must be https, and must not lead to this machine or to
   * an address at which clouds hand out credentials (MCP security best practices, SSRF).
   */
  readonly discovered?: boolean;
  readonly timeoutMs?: number;
  /** Limits connections; a connection of its own for each request when absent. */
  readonly agent?: Agent;
  /** Makes it a POST. Neither member is ever part of an error. */
  readonly form?: { readonly authorization: string; readonly body: string };
}

/** Gets one JSON document, as it came. A parameter of whoever fetches, so that tests control it. */
export type FetchText = (url: string, options: FetchOptions) => Promise<string>;

/** Gets one JSON document, parsed. */
export type FetchJson = (url: string, options: FetchOptions) => Promise<unknown>;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Gets the text of a document from an https URL.
 *
 * Only a 200 counts: a redirect would let whoever answers choose the next host (RFC 9700 section 4.13).
 * @throws Error naming the URL and what went wrong: status, size, time-out, TLS or connection error, not UTF-8
 */
export const fetchText: FetchText = async (url, options) => {
  const { signal, discovered = false, timeoutMs = TIMEOUT_MS, form } = options;
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  try {
    if (discovered) checkDiscovered(url);
    return utf8.decode(await get(url, options, deadline));
  } catch (cause) {
    throw new Error(`${form ? 'POST' : 'GET'} ${url}: ${describe(cause, deadline, timeoutMs)}`, { cause });
  }
};

/**
 * Gets a JSON document from an https URL.
 * @throws Error as `fetchText`, or because the answer is not JSON
 */
export const fetchJson: FetchJson = async (url, options) => {
  const text = await fetchText(url, options);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new Error(`GET ${url}: the answer is not JSON`, { cause });
  }
};

function checkDiscovered(url: string): void {
  const parsed = new URL(url);
  if (parsed.protocol !== 'https:') throw new Error('a discovered URL must start with https://');
  if (isRefusedHost(parsed)) throw new Error('leads to an address that is not allowed');
}

function get(
  url: string,
  { ca, discovered, form, agent }: FetchOptions,
  signal: AbortSignal,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = {
      agent: agent ?? (false as const),
      signal,
      method: form ? 'POST' : 'GET',
      headers: { Accept: 'application/json', ...(form && formHeaders(form)) },
      ...(ca ? { ca } : {}),
      ...(discovered === true && { lookup: guardedLookup }),
    };
    const req = request(url, options, (res) => {
      if (res.statusCode !== 200) {
        req.destroy(new Error(`status ${res.statusCode}, expected 200`));
        return;
      }
      const chunks: Buffer[] = [];
      let length = 0;
      res.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length > MAX_BYTES) req.destroy(new Error(`answer is longer than ${MAX_BYTES} bytes`));
        else chunks.push(chunk);
      });
      res.on('end', () => resolve(Buffer.concat(chunks)));
      res.on('error', reject);
    });
    // Without a listener Node drops the connection in silence, and whoever waits for keys would wait forever.
    req.on('upgrade', (_res, socket) => {
      socket.destroy();
      reject(new Error('status 101, expected 200'));
    });
    req.on('error', reject);
    req.end(form?.body);
  });
}

function formHeaders({ authorization, body }: NonNullable<FetchOptions['form']>): Record<string, string> {
  return {
    Authorization: authorization,
    'Content-Type': 'application/x-www-form-urlencoded',
    'Content-Length': String(Buffer.byteLength(body)),
  };
}

function describe(cause: unknown, deadline: AbortSignal, timeoutMs: number): string {
  if (deadline.aborted && (deadline.reason as Error | undefined)?.name === 'TimeoutError') {
    return `no answer within ${timeoutMs / 1000} s`;
  }
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return 'the answer is not UTF-8';
  return message || code || 'failed';
}
