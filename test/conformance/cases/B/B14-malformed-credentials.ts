// B14: credentials that are sent in a way that has no meaning are the client's mistake: 400, not 401.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

export const B14: Case = {
  id: 'B14',
  level: 'SHOULD',
  rule: 'Credentials in a malformed request get 400 invalid_request',
  source: 'RFC 6750 section 3.1; RFC 9449 section 7.2',
  async run(bench) {
    const good = `Bearer ${bench.token()}`;
    const fields = {
      'two fields': ['Authorization', good, 'Authorization', good],
      'something after the token': ['Authorization', `${good} extra`],
      'a list': ['Authorization', `${good}, ${good}`],
    };
    await each(fields, async (headers) => {
      bench.isRefused(await bench.call({ headers }), 'invalid_request');
      assert.equal(bench.forwarded.length, 0, 'requests at the MCP server');
    });
  },
};
