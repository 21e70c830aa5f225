// B7: one answer to every bad token: 401 invalid_token, which makes clients get another one.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { now } from '../../bench/bench.ts';

export const B7: Case = {
  id: 'B7',
  level: 'MUST',
  rule: 'A bad or expired token gets 401 invalid_token, never 403, 400, 404, 302 or 200',
  source: 'MCP "Token Handling"; RFC 9068 section 4; RFC 6750 section 3.1',
  async run(bench) {
    await bench.accepts(bench.token());
    const tokens = {
      expired: bench.claims({ exp: now() - 60 }),
      'wrong audience': bench.claims({ aud: 'https://other.test/mcp' }),
      'wrong issuer': bench.claims({ iss: 'https://other.test' }),
      'bad signature': bench.token().replace(/\.[^.]{4}([^.]*)$/, '.AAAA$1'),
      'signed by another issuer': bench.token({ key: bench.world.stranger.keys[0]! }),
      'not a JWT': 'not-a-jwt',
    };
    await each(tokens, async (token) => {
      await bench.refuses(token);
      for (const method of ['GET', 'DELETE']) {
        bench.isRefused(await bench.callWith(token, { method }), 'invalid_token');
      }
      assert.equal(bench.forwarded.length, 1, 'requests at the MCP server');
    });
  },
};
