// One bounded GET of a JSON document over TLS. No redirects, no cookies, no retries, no cache.
import { request } from 'node:https';

/** Answers longer than this are refused (bytes): a key set is a few kilobytes. */
const MAX_BYTES = 256 * 1024;
const TIMEOUT_MS = 5_000;

export interface FetchOptions {
  /** PEM bundle to trust instead of the system's roots. */
  readonly ca: string | undefined;
  readonly signal: AbortSignal;
}

/** Gets one JSON document. A parameter of whoever fetches, so that tests control it. */
export type FetchJson = (url: string, options: FetchOptions) => Promise<unknown>;

/**
 * Gets a JSON document from an https URL.
 *
 * Only a 200 counts: a redirect would let whoever answers choose the next host (RFC 9700 section 4.13).
 * @throws Error naming the URL and what went wrong: status, size, time-out, TLS or connection error, not JSON
 */
export const fetchJson: FetchJson = async (url, { ca, signal }) => {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  try {
    return JSON.parse(await get(url, ca, deadline)) as unknown;
  } catch (cause) {
    throw new Error(`GET ${url}: ${describe(cause, deadline)}`, { cause });
  }
};

function get(url: string, ca: string | undefined, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = {
      agent: false as const,
      signal,
      headers: { Accept: 'application/json' },
      ...(ca ? { ca } : {}),
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
      res.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
      res.on('error', reject);
    });
    // Without a listener Node drops the connection in silence, and whoever waits for keys would wait forever.
    req.on('upgrade', (_res, socket) => {
      socket.destroy();
      reject(new Error('status 101, expected 200'));
    });
    req.on('error', reject);
    req.end();
  });
}

function describe(cause: unknown, deadline: AbortSignal): string {
  if (deadline.aborted && (deadline.reason as Error | undefined)?.name === 'TimeoutError') {
    return `no answer within ${TIMEOUT_MS / 1000} s`;
  }
  if (cause instanceof SyntaxError) return 'the answer is not JSON';
  const { code, message } = cause as NodeJS.ErrnoException;
  return message || code || 'failed';
}
