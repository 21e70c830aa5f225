// C2: query strings are kept in logs and histories; a token in one is neither used nor passed on.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';

export const C2: Case = {
  id: 'C2',
  level: 'MUST',
  rule: 'A token in the query is ignored, not forwarded and not logged',
  source: 'OAuth 2.1 section 5.1; MCP "Access Token Usage"',
  async run(bench) {
    const stray = bench.token();
    for (const method of ['POST', 'GET']) {
      bench.isRefused(await bench.call({ method, path: `${bench.path}?access_token=${stray}` }), 'none');
    }
    assert.equal(bench.forwarded.length, 0);
    for (const name of ['access_token', 'access%5Ftoken']) {
      await bench.accepts(bench.token(), { path: `${bench.path}?a=1&${name}=${stray}&b=2` });
    }
    for (const { url, rawHeaders } of bench.forwarded) {
      assert.ok(!url.includes(stray), `forwarded: ${url}`);
      assert.ok(!rawHeaders.some((value) => value.includes(stray)));
      assert.match(url, /\?a=1&b=2$/, 'the rest of the query is forwarded');
    }
    assert.ok(!bench.log.includes(stray), 'logged');
  },
};
