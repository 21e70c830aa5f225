// The chart's `helm test`: the operator is ready and, if a server is named, it refuses and points to its metadata.
import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';

const TIMEOUT_MS = 10_000;

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
}

async function check(operatorUrl: string, serverUrl: string | undefined): Promise<void> {
  const { status } = await send('GET', `${operatorUrl}/readyz`);
  expect(status === 200, `${operatorUrl}/readyz answers ${status}, expected 200`);
  say(`the operator is ready: ${operatorUrl}`);
  if (serverUrl === undefined) return;

  const refused = await send('POST', serverUrl);
  expect(refused.status === 401, `${serverUrl} without a token answers ${refused.status}, expected 401`);
  const challenge = refused.headers['www-authenticate'] ?? '';
  const metadataUrl = /resource_metadata="([^"]+)"/.exec(challenge)?.[1];
  if (metadataUrl === undefined) throw new Error(`the challenge names no metadata: ${challenge}`);
  const metadata = await send('GET', metadataUrl);
  expect(metadata.status === 200, `${metadataUrl} answers ${metadata.status}, expected 200`);
  say(`the server refuses and points to its metadata: ${serverUrl}`);
}

function send(method: string, url: string): Promise<Answer> {
  const request = url.startsWith('https:') ? tlsRequest : plainRequest;
  return new Promise((resolve, reject) => {
    const req = request(url, { method, agent: false, signal: AbortSignal.timeout(TIMEOUT_MS) }, (res) => {
      res.resume();
      res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers }));
    });
    req.on('error', (cause) => reject(new Error(`${method} ${url}: ${cause.message}`, { cause })));
    req.end();
  });
}

function expect(holds: boolean, message: string): void {
  if (!holds) throw new Error(message);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const { OPERATOR_URL = 'http://localhost:8080', SERVER_URL } = process.env;
check(OPERATOR_URL, SERVER_URL || undefined).catch((error: unknown) => {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
});
