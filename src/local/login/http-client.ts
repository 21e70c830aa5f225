// One HTTP request with a private CA, a deadline and no redirects followed. Node's fetch cannot be given a CA.
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { getCACertificates } from 'node:tls';

const DEADLINE_MS = 15_000;
/** Discovery documents, login pages and token answers are a few kilobytes. */
const MAX_BODY_BYTES = 1024 * 1024;

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface RequestOptions {
  headers?: Record<string, string>;
  /** Sent as `application/x-www-form-urlencoded` by POST; a GET without it. */
  form?: URLSearchParams | undefined;
  /** PEM, trusted besides the system's authorities. */
  ca?: string | undefined;
}

export function request(url: URL, { headers = {}, form, ca }: RequestOptions = {}): Promise<Answer> {
  const send = url.protocol === 'http:' ? httpRequest : httpsRequest;
  const body = form?.toString();
  const type = body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' };
  return new Promise((resolve, reject) => {
    const outgoing = send(url, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { ...headers, ...type },
      signal: AbortSignal.timeout(DEADLINE_MS),
      ...(ca === undefined ? {} : { ca: [...getCACertificates('default'), ca] }),
    });
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > MAX_BODY_BYTES) response.destroy(new Error('the answer is too large'));
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
      );
    });
    outgoing.end(body);
  });
}
