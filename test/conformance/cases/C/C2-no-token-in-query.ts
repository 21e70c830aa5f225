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
      bench.isChallenged(await bench.call({ method, path: `${bench.path}?access_token=${stray}` }));
    }
    assert.equal(bench.forwarded.length, 0, 'requests at the MCP server');
    for (const name of ['access_token', 'access%5Ftoken']) {
      await bench.accepts(bench.token(), { path: `${bench.path}?a=1&${name}=${stray}&b=2` });
    }
    for (const { url, rawHeaders } of bench.forwarded) {
      assert.ok(!url.includes(stray), 'the token is forwarded in the query');
      assert.ok(!rawHeaders.some((value) => value.includes(stray)), 'the token is forwarded in a field');
      // Who hands the query on hands all of it on, but for the token.
      if (url.includes('?')) assert.match(url, /\?a=1&b=2$/, 'what is forwarded of the query');
    }
    assert.ok(!bench.log.includes(stray), 'the token is in the log');
  },
};
