// F2: with the default endpoints of 2025-03-26 this would be an authorization server, or a proxy of one.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { DEFAULT_ENDPOINTS } from '../../bench/oauth-paths.ts';

export const F2: Case = {
  id: 'F2',
  level: 'MUST NOT°',
  rule: 'No /authorize, /token or /register',
  source: 'MCP 2025-03-26 "Fallbacks for Servers without Metadata Discovery"; Confused Deputy Problem',
  async run(bench) {
    await bench.accepts(bench.token());
    await each(DEFAULT_ENDPOINTS, async (path) => {
      for (const method of ['GET', 'POST', 'OPTIONS']) {
        for (const headers of [{}, { Authorization: `Bearer ${bench.token()}` }]) {
          assert.equal((await bench.call({ method, path, headers })).status, 404, method);
        }
      }
      assert.equal(bench.forwarded.length, 1, 'requests at the MCP server');
    });
  },
};
