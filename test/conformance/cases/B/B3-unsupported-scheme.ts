// B3: a scheme that is not supported, or an empty token, is no information: the client must be able to start logging in.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

const VALUES = ['Basic dTpw', 'Negotiate abc', 'Bearer', 'Bearer ', 'Bearer    ', 'Bearerx', 'Token abc'];

export const B3: Case = {
  id: 'B3',
  level: 'SHOULD',
  rule: 'An unsupported scheme, or Bearer without a token, is treated as no credentials',
  source: 'RFC 6750 section 3.1; OAuth 2.1 section 5.3.2',
  async run(bench) {
    await each(Object.fromEntries(VALUES.map((value) => [value, value])), async (Authorization) => {
      bench.isRefused(await bench.call({ headers: { Authorization } }), 'none');
      assert.equal(bench.forwarded.length, 0, 'requests at the MCP server');
    });
  },
};
