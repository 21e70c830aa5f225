// D14: clients read from these which era the server is of, and whether a session is over.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

const rpc = (code: number, data?: object) =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, error: { code, message: 'of the server', data } });

const ANSWERS: readonly (readonly [status: number, body: string])[] = [
  [202, ''],
  [400, rpc(-32020)],
  [400, rpc(-32021, { requiredCapabilities: {} })],
  [400, rpc(-32022, { supported: ['2026-07-28'], requested: '1' })],
  [400, rpc(-32602)],
  [404, rpc(-32601)],
  [404, ''],
  [405, ''],
  [406, rpc(-32000)],
  [409, 'Conflict'],
  [410, ''],
];

export const D14: Case = {
  id: 'D14',
  level: 'MUST°',
  rule: 'Statuses and bodies of the MCP server that mean something to clients are relayed as they are',
  source: 'MCP 2026-07-28, Streamable HTTP, "Backward Compatibility"; MCP 2025-11-25, "Session Management"',
  async run(bench) {
    const named = Object.fromEntries(ANSWERS.map((answer) => [answer.join(' '), answer]));
    await each(named, async ([status, body]) => {
      bench.upstream.script = (req, res) => {
        req.resume();
        res.writeHead(status, body.startsWith('{') ? { 'Content-Type': 'application/json' } : {}).end(body);
      };
      const answer = await bench.callWith(bench.token());
      assert.deepEqual([answer.status, answer.body], [status, body]);
    });
  },
};
