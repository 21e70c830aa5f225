// B1: without good credentials there is a challenge, whatever the method.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { INIT } from '../../../kit/messages.ts';

export const B1: Case = {
  id: 'B1',
  level: 'MUST',
  rule: 'POST, GET and DELETE without credentials get 401 with a challenge',
  source: 'OAuth 2.1 section 5.3.1; MCP "Error Handling"',
  async run(bench) {
    const requests = { POST: { body: INIT }, GET: { headers: { Accept: 'text/event-stream' } }, DELETE: {} };
    await each(requests, async (options, method) => {
      bench.isChallenged(await bench.call({ method, ...options }));
      assert.equal(bench.forwarded.length, 0, 'requests at the MCP server');
    });
  },
};
