// D1: behind the same port as the MCP endpoint lie pages that were not meant to be public.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

const OTHERS = [
  ...['/', '/mcp/../admin', '/mcp%2f..%2fadmin', '//mcp', '/mcp;x', '/MCP'],
  ...['/authorize', '/token', '/register'],
];

export const D1: Case = {
  id: 'D1',
  level: 'MUST°',
  rule: 'Only the configured endpoint is forwarded; every other path gets 404, also with a good token',
  source: 'OWASP ASVS, deny by default; RFC 9728 section 3',
  async run(bench) {
    await bench.accepts(bench.token());
    await each(OTHERS, async (path) => {
      const before = bench.forwarded.length;
      const answers = [
        await bench.callWith(bench.token(), { path }),
        await bench.callWith(bench.token(), { method: 'GET', path }),
      ];
      for (const { status } of answers) assert.equal(status, 404, 'status');
      assert.equal(bench.forwarded.length, before, 'forwarded');
    });
  },
};
