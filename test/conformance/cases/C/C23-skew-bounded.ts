// C23: an hour of skew is an hour more for every stolen token.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { now } from '../../bench/bench.ts';

/** "No more than a few minutes"; and some seconds, so that the limit itself is not in question. */
const FEW_MINUTES = 310;

export const C23: Case = {
  id: 'C23',
  level: 'MAY',
  rule: 'There is no more skew than a few minutes, however it is configured',
  source: 'RFC 9068 section 4; RFC 7519 section 4.1.4',
  async run(bench) {
    await bench.accepts(bench.token());
    const late = { 'five minutes': FEW_MINUTES, 'ten minutes': 2 * FEW_MINUTES };
    await each(late, async (seconds, name) => {
      const answer = await bench.callWith(bench.claims({ exp: now() - seconds }));
      assert.equal(answer.status, 401, `a token that ended ${name} ago`);
    });
    await bench.beside({ clockSkewSeconds: 300 }, async (other) => {
      await other.accepts(other.claims({ exp: now() - 240 }));
      await each(late, async (seconds) => void (await other.refuses(other.claims({ exp: now() - seconds }))));
    });
    await bench.refusesToStart({ clockSkewSeconds: 3600 }, /skew/i);
  },
};
