// C28: the key endpoint may be slow, endless, or an attacker's; none of it may harm the target.
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { signingKey, type SigningKey } from '../../../kit/issuer.ts';
import type { Bench } from '../../bench/bench.ts';
import { each } from '../../bench/each.ts';
import type { Case } from '../../case.ts';

/** A fetch is over after 5 s; the rest is for a busy machine. */
const ANSWER_MS = 9_000;
const ENDLESS_BYTES = 32 * 1024 * 1024;
/** What a socket holds besides what was read. */
const READ_BYTES = 8 * 1024 * 1024;

type Misbehave = (bench: Bench, res: ServerResponse) => void;

export const C28: Case = {
  id: 'C28',
  level: 'MUST°',
  rule: 'A fetch of keys ends within 5 s and 256 KiB, follows no redirect and sends no cookies',
  source: 'MCP security best practices, SSRF; RFC 9700 section 4.13',
  own: true,
  async run(bench) {
    const unknown = await signingKey('unknown');
    let sent = 0;
    const ways: Record<string, Misbehave> = {
      'redirect, with a cookie': ({ world }, res) => {
        res.writeHead(302, { Location: world.stranger.jwksUri, 'Set-Cookie': 'session=1; Path=/' });
        res.end();
      },
      endless: (_, res) => void sendEndlessly(res, (bytes) => (sent = bytes)),
      hanging: () => undefined,
    };
    await each(ways, (misbehave) => bench.beside({}, (other) => tryOut(other, misbehave, unknown)));
    assert.ok(sent < READ_BYTES, `${sent} bytes were read`);
  },
};

async function tryOut(bench: Bench, misbehave: Misbehave, unknown: SigningKey): Promise<void> {
  await bench.accepts(bench.token());
  const { pathname } = new URL(bench.issuer.jwksUri);
  bench.issuer.intercept = (req, res) => {
    if (req.url !== pathname) return false;
    misbehave(bench, res);
    return true;
  };
  const { status } = await bench.answersWithin(ANSWER_MS, bench.token({ key: unknown }));
  assert.ok(status === 401 || status === 503, `status ${status}`);
  assert.deepEqual(bench.world.stranger.record, [], 'the redirect was followed');
  bench.issuer.intercept = () => false;
  await bench.callWith(bench.token({ key: { ...unknown, kid: 'another' } }));
  assert.ok(
    bench.issuer.record.every(({ headers }) => headers.cookie === undefined),
    'a cookie was sent',
  );
  await bench.accepts(bench.token()); // the keys that were known are still good
}

/** Blanks, which are JSON so far, until the reader has had enough. */
async function sendEndlessly(res: ServerResponse, told: (bytes: number) => void): Promise<void> {
  const chunk = Buffer.alloc(64 * 1024, ' ');
  function* blanks() {
    for (let bytes = 0; bytes < ENDLESS_BYTES; bytes += chunk.length) {
      told(bytes);
      yield chunk;
    }
  }
  res.writeHead(200, { 'Content-Type': 'application/json' });
  await pipeline(blanks, res).catch(() => undefined); // the reader has closed the connection
}
