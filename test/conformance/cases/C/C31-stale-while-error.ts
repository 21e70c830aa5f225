// C31: an authorization server that is down for half an hour must not take the resource with it; for days, it must.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { now } from '../../bench/bench.ts';

const MINUTE_MS = 60_000;
const DAY_SECONDS = 86_400;

export const C31: Case = {
  id: 'C31',
  level: 'SHOULD°',
  rule: 'Known keys go on working while they cannot be refreshed, for a day at the most; then 503',
  source: 'RFC 9110 section 15.6.4; RFC 5861 section 4, by analogy',
  own: true,
  async run(bench) {
    const longLived = () => bench.claims({ exp: now() + 4 * DAY_SECONDS });
    const first = longLived();
    await bench.accepts(first);
    bench.issuer.up = false;
    await bench.advance(30 * MINUTE_MS);
    await bench.accepts(first);
    await bench.accepts(longLived());
    await bench.advance(2 * DAY_SECONDS * 1000);
    for (const token of [first, longLived()]) {
      const { status } = await bench.callWith(token);
      assert.equal(status, 503, 'after two days');
    }
    bench.issuer.up = true;
  },
};
