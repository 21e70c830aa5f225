// D33: what the server will act upon is the body; a field that says otherwise is wrong, not decisive.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { isRejected, passes } from '../../bench/headers.ts';
import { call, INIT, message, MODERN, modernCall } from '../../../kit/messages.ts';

export const D33: Case = {
  id: 'D33',
  level: 'MUST°',
  rule: 'The body decides the era: modern fields with a legacy request get 400, notifications need no fields',
  source: 'MCP 2026-07-28, "Earlier Streamable HTTP Revisions"; TypeScript SDK, inboundClassification',
  async run(bench) {
    await passes(bench, modernCall('t'));
    await passes(bench, { body: call('t'), headers: { 'MCP-Protocol-Version': '2025-11-25' } });
    const headers = { 'MCP-Protocol-Version': MODERN, 'Mcp-Method': 'tools/call', 'Mcp-Name': 't' };
    const bad = {
      'all fields': { body: call('t'), headers },
      'the version only': { body: message('tools/list'), headers: { 'MCP-Protocol-Version': MODERN } },
      'with initialize': { body: INIT, headers: { 'MCP-Protocol-Version': MODERN } },
    };
    await each(bad, (options) => isRejected(bench, options, [-32602, -32020]));
    const notification = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } };
    const _meta = { 'io.modelcontextprotocol/protocolVersion': MODERN };
    const versioned = { ...notification, params: { ...notification.params, _meta } };
    for (const body of [notification, versioned].map((value) => JSON.stringify(value))) {
      await passes(bench, { body });
      await passes(bench, { body, headers: { 'MCP-Protocol-Version': MODERN } });
    }
    assert.equal(bench.forwarded.length, 6);
  },
};
