// The program of `helm test`: the operator is ready and, if a server is named, it challenges clients and serves its metadata.
import { setTimeout as sleep } from 'node:timers/promises';
import { httpRequest } from '../base/http-request.ts';
import { isGood, isStarting } from '../protocol/operator-standing.ts';

const TIMEOUT_MS = 10_000;
const PATIENCE_MS = 30_000;
const RETRY_MS = 1_000;
/** Of a body that is not looked at (bytes). */
const MAX_BYTES = 1024 * 1024;

async function test(operatorUrl: string, serverUrl: string | undefined): Promise<void> {
  const standing = await standingOf(operatorUrl);
  if (!isGood(standing)) throw new Error(`Operator reconciles nothing, or not everything: ${standing}`);
  say(`Operator ready: ${operatorUrl}`);
  if (serverUrl === undefined) return;

  const challenge = (await send('POST', serverUrl, 401)).headers['www-authenticate'] ?? '';
  const metadataUrl = /resource_metadata="([^"]+)"/.exec(challenge)?.[1];
  if (metadataUrl === undefined)
    throw new Error(`${serverUrl}: no resource_metadata in the challenge: ${challenge}`);
  await send('GET', metadataUrl, 200);
  say(`Server requires a token and serves its metadata: ${serverUrl}`);
}

/** What the operator says that it does; one that has just started is given time to take its Lease. */
async function standingOf(operatorUrl: string): Promise<string> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const text = (await send('GET', `${operatorUrl}/readyz`, 200)).body.toString('utf8').trim();
    if (!isStarting(text) || Date.now() > end) return text;
    await sleep(RETRY_MS);
  }
}

/** @returns an answer with the expected status */
async function send(method: 'GET' | 'POST', url: string, expectedStatus: number) {
  const options = { method, expectedStatus, timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES };
  try {
    return await httpRequest(url, options);
  } catch (cause) {
    throw new Error(`${method} ${url}: ${(cause as Error).message}`, { cause });
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const { OPERATOR_URL = 'http://localhost:8080', SERVER_URL } = process.env;
test(OPERATOR_URL, SERVER_URL || undefined).catch((error: unknown) => {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
});
