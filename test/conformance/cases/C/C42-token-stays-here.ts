// C42: the token was made for us; the server behind must not be able to use it.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';

export const C42: Case = {
  id: 'C42',
  level: 'MUST°',
  rule: 'The client’s token, its proof and its proxy credentials do not reach the MCP server',
  source: 'MCP "Access Token Privilege Restriction" (no token passthrough)',
  async run(bench) {
    const token = bench.token();
    const headers = { DPoP: 'x.y.z', 'Proxy-Authorization': `Bearer ${token}`, 'X-Request-Id': '1' };
    await bench.accepts(token, { headers });
    await bench.callWith(token, { method: 'GET', headers });
    await bench.callWith(token, { method: 'DELETE', headers });
    assert.ok(bench.forwarded.length >= 2);
    for (const { rawHeaders, url, headers: seen } of bench.forwarded) {
      for (const name of ['authorization', 'dpop', 'proxy-authorization'])
        assert.equal(seen[name], undefined, name);
      assert.equal(seen['x-request-id'], '1', 'other fields are forwarded');
      assert.ok(![url, ...rawHeaders].some((value) => value.includes(token)), 'the token under another name');
    }
  },
};
