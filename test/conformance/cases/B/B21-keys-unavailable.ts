// B21: a 401 would make clients throw good tokens away and send people to log in again.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';

export const B21: Case = {
  id: 'B21',
  level: 'MUST°',
  rule: 'Without keys a token gets 503 with Retry-After and no challenge',
  source: 'RFC 9110 section 15.6.4',
  needs: { issuerDown: true },
  own: true,
  async run(bench) {
    const answer = await bench.callWith(bench.token());
    assert.equal(answer.status, 503, 'a good token while there are no keys');
    assert.match(answer.headers['retry-after'] ?? '', /^\d+$/);
    assert.deepEqual(answer.lines('www-authenticate'), []);
    assert.equal(bench.forwarded.length, 0, 'requests at the MCP server');
  },
};
