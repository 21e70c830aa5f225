// D36: a server of both eras that looks at the session first would let bob act in alice's.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { modernCall } from '../../../kit/messages.ts';
import { beginSession, inSession } from '../../bench/sessions.ts';

export const D36: Case = {
  id: 'D36',
  level: 'MUST°',
  rule: 'Modern requests lose Mcp-Session-Id and Last-Event-ID on their way to the MCP server',
  source: 'MCP 2026-07-28, "Earlier Streamable HTTP Revisions"',
  async run(bench) {
    const id = await beginSession(bench, bench.token());
    assert.equal((await inSession(bench, bench.token(), id)).status, 200);
    assert.equal(bench.forwarded.at(-1)?.headers['mcp-session-id'], id, 'in the legacy era it goes up');
    const { body, headers } = modernCall('t');
    for (const token of [bench.bob, bench.token()]) {
      await bench.accepts(token, {
        body,
        headers: { ...headers, 'Mcp-Session-Id': id, 'Last-Event-ID': 'e-1' },
      });
      const seen = bench.forwarded.at(-1)?.headers ?? {};
      assert.equal(seen['mcp-session-id'], undefined);
      assert.equal(seen['last-event-id'], undefined);
      assert.equal(seen['mcp-name'], 't', 'the others go up');
    }
  },
};
