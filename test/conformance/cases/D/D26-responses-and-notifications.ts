// D26: clients of the legacy era answer the server's questions by POST.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { beginSession, inSession, isKeptFrom } from '../../bench/sessions.ts';

export const D26: Case = {
  id: 'D26',
  level: 'MUST°',
  rule: 'Responses and notifications of clients are relayed within their session, and only there',
  source: 'MCP 2025-11-25, Streamable HTTP, "Sending Messages to the Server"',
  async run(bench) {
    const id = await beginSession(bench, bench.token());
    bench.upstream.script = (req, res) => {
      req.resume();
      req.on('end', () => res.writeHead(202).end());
    };
    const messages = {
      'an elicitation’s response': { id: 5, result: { action: 'accept', content: { name: 'x' } } },
      'an error': { id: 'q-6', error: { code: -32601, message: 'no such method' } },
      'a notification': { method: 'notifications/initialized' },
      'a cancellation': { method: 'notifications/cancelled', params: { requestId: 1 } },
    };
    await each(messages, async (content) => {
      const body = JSON.stringify({ jsonrpc: '2.0', ...content });
      const before = bench.forwarded.length;
      const answer = await inSession(bench, bench.token(), id, { body });
      assert.deepEqual([answer.status, answer.body], [202, '']);
      assert.equal(bench.forwarded.length, before + 1);
      await isKeptFrom(bench, 404, () => inSession(bench, bench.bob, id, { body }));
    });
  },
};
