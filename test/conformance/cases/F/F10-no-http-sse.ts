// F10: HTTP+SSE of 2024-11-05 is not offered: its second endpoint would be a second door.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

export const F10: Case = {
  id: 'F10',
  level: 'MAY',
  rule: 'There is no /sse and no /messages, with or without a token',
  source: 'MCP 2024-11-05 "HTTP with SSE"; deprecated since 2025-03-26',
  async run(bench) {
    await bench.accepts(bench.token());
    await each(
      ['/sse', '/messages', '/messages?sessionId=1', '/message', '/mcp/sse', '/mcp/messages/'],
      async (path) => {
        for (const method of ['GET', 'POST']) {
          for (const headers of [{}, { Authorization: `Bearer ${bench.token()}` }]) {
            assert.equal((await bench.call({ method, path, headers })).status, 404, method);
          }
        }
        assert.equal(bench.forwarded.length, 1, 'requests at the MCP server');
      },
    );
  },
};
