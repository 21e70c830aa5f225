// D16: a page anywhere on the web can send requests from its visitor's browser; it cannot choose its Origin.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

const GOOD = 'https://good.test';

export const D16: Case = {
  id: 'D16',
  level: 'MUST',
  rule: 'An Origin that is not allowed gets 403 before authentication, and nothing is forwarded',
  source: 'MCP, Streamable HTTP, "Security Warning"',
  needs: { allowedOrigins: [GOOD] },
  async run(bench) {
    const token = bench.token();
    await bench.accepts(token);
    for (const Origin of [GOOD, 'https://GOOD.test']) await bench.accepts(token, { headers: { Origin } });
    const bad = [
      ...['https://evil.test', 'null', 'https://good.test.evil.test', 'http://good.test'],
      ...['https://good.test:8443', 'https://sub.good.test', 'good.test'],
    ];
    await each(bad, async (Origin) => {
      const before = bench.forwarded.length;
      for (const method of ['POST', 'GET', 'DELETE']) {
        assert.equal((await bench.callWith(token, { method, headers: { Origin } })).status, 403, method);
      }
      assert.equal((await bench.call({ headers: { Origin } })).status, 403, 'without a token');
      assert.equal(bench.forwarded.length, before, 'forwarded');
    });
  },
};
