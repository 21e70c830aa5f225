// C23: an hour of skew is an hour more for every stolen token.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';

export const C23: Case = {
  id: 'C23',
  level: 'MAY',
  rule: 'The skew can be configured, to a few minutes and no more',
  source: 'RFC 9068 section 4; RFC 7519 section 4.1.4',
  needs: { clockSkewSeconds: 300 },
  async run(bench) {
    await bench.accepts(bench.claims({ exp: Math.floor(Date.now() / 1000) - 240 }));
    assert.match(await bench.refusesToStart({ clockSkewSeconds: 3600 }), /skew/i);
  },
};
