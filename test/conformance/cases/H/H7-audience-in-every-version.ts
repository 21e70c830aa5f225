// H7: whatever version a request speaks, only tokens for this resource open it.
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { call, modernCall } from '../../../kit/messages.ts';
import assert from 'node:assert/strict';

const VERSIONS = ['2025-03-26', '2025-06-18', '2025-11-25'];

export const H7: Case = {
  id: 'H7',
  level: 'MUST',
  rule: 'The audience is checked alike under every protocol version, and the challenge names the operation’s scopes alone',
  source: 'MCP 2025-06-18 to 2026-07-28 "Token Audience Binding and Validation"; SEP-2350',
  needs: { scopesSupported: ['mcp:basic', 'mcp:write', 'offline_access'] },
  async run(bench) {
    const legacy = VERSIONS.map((version) => [
      version,
      { body: call('read_file'), headers: { 'MCP-Protocol-Version': version } },
    ]);
    const requests = Object.fromEntries([
      ...legacy,
      ['none', { body: call('read_file'), headers: {} }],
      ['2026-07-28', modernCall('read_file')],
    ]) as Record<string, ReturnType<typeof modernCall>>;
    await each(requests, async (options) => {
      await bench.accepts(bench.token(), options);
      const before = bench.forwarded.length;
      const elsewhere = [
        undefined,
        'https://other.test/mcp',
        `${bench.resource}/x`,
        bench.resource.slice(0, -1),
      ];
      for (const aud of [...elsewhere, [], ['https://other.test', `${bench.resource}?`]]) {
        bench.isRefused(await bench.callWith(bench.claims({ aud }), options), 'invalid_token');
      }
      const poor = bench.claims({ scope: 'mcp:write' });
      bench.isRefused(await bench.callWith(poor, options), 'insufficient_scope', 'mcp:basic');
      assert.equal(bench.forwarded.length, before, 'requests at the MCP server');
    });
  },
};
