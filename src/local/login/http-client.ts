// HTTP for the login: fetch with a private CA and a deadline, bounded answers, no redirect followed.
import { getCACertificates } from 'node:tls';
import { Agent, fetch } from 'undici';

const DEADLINE_MS = 15_000;
/** Discovery documents, login pages and token responses are a few kilobytes. */
const MAX_RESPONSE_BYTES = 1024 * 1024;

interface HttpRequest {
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: URLSearchParams | undefined;
}

interface HttpResponse {
  readonly status: number;
  readonly headers: Pick<Headers, 'get' | 'getSetCookie'> & Iterable<[string, string]>;
  readonly body: string;
}

/** Rejects when there is no whole response. */
export type HttpClient = (url: URL | string, request?: HttpRequest) => Promise<HttpResponse>;

/** @param ca PEM, trusted besides the system's authorities: Node's own `fetch` cannot be given one */
export function httpClient(ca?: string): HttpClient {
  const dispatcher = new Agent({
    connect: {
      timeout: DEADLINE_MS,
      ...(ca !== undefined && { ca: [...getCACertificates('default'), ca] }),
    },
    maxResponseSize: MAX_RESPONSE_BYTES,
    pipelining: 0, // Each connection ends with its answer: nothing has to be closed afterwards.
  });
  return async (url, { method = 'GET', headers = {}, body } = {}) => {
    const response = await fetch(url, {
      method,
      // The limit counts bytes of the connection: a compressed answer could be a thousand times as large.
      headers: { ...headers, 'accept-encoding': 'identity' },
      ...(body !== undefined && { body }),
      redirect: 'manual',
      signal: AbortSignal.timeout(DEADLINE_MS),
      dispatcher,
    });
    if (response.headers.has('content-encoding')) throw new Error('the response is compressed');
    return { status: response.status, headers: response.headers, body: await response.text() };
  };
}
