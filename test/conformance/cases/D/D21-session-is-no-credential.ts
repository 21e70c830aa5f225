// D21: who knows a session id has proven nothing.
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import assert from 'node:assert/strict';
import { beginSession, inSession } from '../../bench/sessions.ts';

export const D21: Case = {
  id: 'D21',
  level: 'MUST NOT',
  rule: 'A session id without a token gets the challenge, whatever the method',
  source: 'MCP security best practices, "Session Hijacking"',
  async run(bench) {
    const token = bench.token();
    const id = await beginSession(bench, token);
    assert.equal((await inSession(bench, token, id)).status, 200);
    const before = bench.forwarded.length;
    await each(['POST', 'GET', 'DELETE'], async (method) => {
      bench.isRefused(await bench.call({ method, headers: { 'Mcp-Session-Id': id } }), 'none');
      assert.equal(bench.forwarded.length, before, 'forwarded');
    });
  },
};
