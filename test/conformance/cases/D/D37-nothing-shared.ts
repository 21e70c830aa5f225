// D37: which tools there are may depend on who asks.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { message, modern } from '../../../kit/messages.ts';

export const D37: Case = {
  id: 'D37',
  level: 'MUST NOT',
  rule: 'A result is not handed to another principal: each request reaches the MCP server',
  source: 'MCP 2026-07-28, "Caching"',
  async run(bench) {
    await each({ legacy: { body: message('tools/list') }, modern: modern('tools/list') }, async (options) => {
      const before = bench.forwarded.length;
      for (const [index, token] of [bench.token(), bench.bob].entries()) {
        const result = { tools: [{ name: `for-${index}` }], ttlMs: 60_000, cacheScope: 'public' };
        const body = JSON.stringify({ jsonrpc: '2.0', id: 1, result });
        bench.upstream.script = (req, res) => {
          req.resume();
          const cache = { 'Cache-Control': 'public, max-age=60', ETag: '"1"' };
          res.writeHead(200, { 'Content-Type': 'application/json', ...cache }).end(body);
        };
        const answer = await bench.callWith(token, options);
        assert.deepEqual([answer.status, answer.body], [200, body]);
        assert.equal(bench.forwarded.length, before + index + 1);
      }
    });
  },
};
