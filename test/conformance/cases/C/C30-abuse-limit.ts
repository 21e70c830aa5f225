// C30: an attacker with made-up key ids must not make the target flood the authorization server.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import type { Bench } from '../../bench/bench.ts';

const TOKENS = 60;
/** Longer than any reasonable cool-down (milliseconds). */
const PAST_COOLDOWN_MS = 61_000;

export const C30: Case = {
  id: 'C30',
  level: 'MUST°',
  rule: 'Unknown key ids cause at most one fetch per cool-down, also while fetches fail',
  source: 'RFC 8725 section 3.10; MCP security best practices',
  own: true,
  async run(bench) {
    await bench.accepts(bench.token());
    bench.issuer.record.length = 0;
    await flood(bench, [401, 503]); // within the cool-down it is not known whether there is such a key
    assert.ok(bench.keyFetches <= 1, `${bench.keyFetches} fetches while all is well`);

    await bench.advance(PAST_COOLDOWN_MS);
    bench.issuer.status = 500;
    bench.issuer.record.length = 0;
    await flood(bench, [401, 500, 503]); // which of them is for B21 to check
    // One for the cool-down that is over, and one by itself if a refresh was due.
    assert.ok(bench.keyFetches <= 2, `${bench.keyFetches} fetches while they fail`);
    await bench.accepts(bench.token());
  },
};

async function flood(bench: Bench, expected: readonly number[]): Promise<void> {
  for (let sent = 0; sent < TOKENS; sent += 10) {
    const tokens = Array.from({ length: 10 }, () => bench.header({ kid: crypto.randomUUID() }));
    const answers = await Promise.all(tokens.map((token) => bench.callWith(token)));
    for (const { status } of answers) assert.ok(expected.includes(status), `status ${status}`);
  }
}
