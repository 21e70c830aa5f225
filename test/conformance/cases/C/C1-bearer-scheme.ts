// C1: the scheme is a word in any case, then spaces, then one token.
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import assert from 'node:assert/strict';

export const C1: Case = {
  id: 'C1',
  level: 'MUST',
  rule: 'The token is taken from Authorization: Bearer in any case, one or more spaces, one token, nothing after it',
  source: 'OAuth 2.1 section 5.1.1; RFC 9110 section 11.4',
  async run(bench) {
    await each({ 'any case': 'bEaReR ', 'three spaces': 'Bearer   ', plain: 'Bearer ' }, async (scheme) => {
      const answer = await bench.call({ headers: { Authorization: scheme + bench.token() } });
      assert.equal(answer.status, 200, 'status');
    });
    // The list asks for 401 where a space is inside the token (C6): that cannot be told from something after it.
    const token = bench.token();
    const before = bench.forwarded.length;
    await each({ extra: `${token} extra`, 'inside the token': token.replace('.', '. ') }, async (value) => {
      bench.isRefused(await bench.callWith(value), 'invalid_request');
      assert.equal(bench.forwarded.length, before, 'requests at the MCP server');
    });
  },
};
