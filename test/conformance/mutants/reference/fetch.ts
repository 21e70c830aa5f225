// One bounded request to an authorization server: no redirects, no cookies.
import { request, type RequestOptions } from 'node:https';
import type { Wrong } from '../mutants.ts';

const MAX_BYTES = 256 * 1024;
const TIMEOUT_MS = 4_000;

export interface Ask {
  readonly ca: string;
  readonly wrong: Wrong;
  readonly method?: string;
  readonly headers?: RequestOptions['headers'];
  readonly body?: string;
}

export function fetchJson(url: string, ask: Ask): Promise<unknown> {
  const { ca, wrong, body, method = 'GET', headers = {} } = ask;
  const signal = wrong('patient-with-keys') ? undefined : AbortSignal.timeout(TIMEOUT_MS);
  return new Promise((resolve, reject) => {
    const req = request(
      url,
      {
        ca,
        rejectUnauthorized: !wrong('trusts-any-certificate'),
        method,
        headers,
        agent: false,
        ...(signal && { signal }),
      },
      (res) => {
        const { location } = res.headers;
        if (location !== undefined && wrong('follows-redirects')) {
          res.resume();
          return resolve(fetchJson(location, ask));
        }
        if (res.statusCode !== 200) return void req.destroy(new Error(`status ${res.statusCode}`));
        const chunks: Buffer[] = [];
        let length = 0;
        res.on('data', (chunk: Buffer) => {
          length += chunk.length;
          if (length > MAX_BYTES && !wrong('unbounded-keys')) req.destroy(new Error('too long'));
          else chunks.push(chunk);
        });
        res.on('error', reject);
        res.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          Promise.resolve()
            .then(() => JSON.parse(text) as unknown)
            .then(resolve, reject);
        });
      },
    );
    req.on('error', reject);
    req.end(body);
  });
}
