// G14: a gateway says that it was there, and knows its own requests when they come round again.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';

export const G14: Case = {
  id: 'G14',
  level: 'MUST',
  rule: 'Forwarded requests have Via; one that has already passed here is refused',
  source: 'RFC 9110 section 7.6.3',
  async run(bench) {
    await bench.accepts(bench.token(), { headers: { Via: '1.0 other, 1.1 another (x)' } });
    const { via = '' } = bench.forwarded[0]?.headers ?? {};
    const hops = via.split(/\s*,\s*/);
    assert.deepEqual(hops.slice(0, 2), ['1.0 other', '1.1 another (x)'], 'what was there stays, in order');
    assert.equal(hops.length, 3, via);
    assert.match(hops[2] ?? '', /^(HTTP\/)?1\.1 [\w.:-]+/);
    const answer = await bench.callWith(bench.token(), { headers: { Via: via } });
    assert.ok([400, 508].includes(answer.status), `status ${answer.status}`);
    assert.equal(bench.forwarded.length, 1, 'the request went round');
  },
};
