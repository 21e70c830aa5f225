// The program of `helm test`: the operator is ready and, if a server is named, it challenges clients and serves its metadata.
import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';

const TIMEOUT_MS = 10_000;

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
}

async function test(operatorUrl: string, serverUrl: string | undefined): Promise<void> {
  const { status } = await send('GET', `${operatorUrl}/readyz`);
  expect(status === 200, `GET ${operatorUrl}/readyz: status ${status}, expected 200`);
  say(`Operator ready: ${operatorUrl}`);
  if (serverUrl === undefined) return;

  const refused = await send('POST', serverUrl);
  expect(refused.status === 401, `POST ${serverUrl} without a token: status ${refused.status}, expected 401`);
  const challenge = refused.headers['www-authenticate'] ?? '';
  const metadataUrl = /resource_metadata="([^"]+)"/.exec(challenge)?.[1];
  if (metadataUrl === undefined)
    throw new Error(`${serverUrl}: no resource_metadata in the challenge: ${challenge}`);
  const metadata = await send('GET', metadataUrl);
  expect(metadata.status === 200, `GET ${metadataUrl}: status ${metadata.status}, expected 200`);
  say(`Server requires a token and serves its metadata: ${serverUrl}`);
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
test(OPERATOR_URL, SERVER_URL || undefined).catch((error: unknown) => {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
});
