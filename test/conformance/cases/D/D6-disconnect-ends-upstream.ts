// D6: in the modern era a disconnect is how a call is cancelled; in the legacy one it is none.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { openEventStream } from '../../../kit/upstream.ts';
import { waitFor } from '../../../kit/wait.ts';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import type { CallOptions } from '../../../kit/http.ts';
import { call, modernCall } from '../../../kit/messages.ts';

const SOON_MS = 1_000;

export const D6: Case = {
  id: 'D6',
  level: 'MUST',
  rule: 'When the client disconnects the request to the MCP server ends within a second, and nothing else is sent',
  source: 'MCP 2026-07-28, Streamable HTTP, "Cancellation"; MCP 2025-11-25, "Sending Messages"',
  async run(bench) {
    const modern = modernCall('slow');
    const requests: Record<string, CallOptions> = {
      'a legacy call': { body: call('slow') },
      'a modern call': modern,
      'a GET stream': { method: 'GET' },
    };
    await each(requests, async (options) => {
      let closed = false;
      bench.upstream.script = (req, res) => {
        res.once('close', () => (closed = true));
        openEventStream(req, res);
      };
      const before = bench.forwarded.length;
      const res = await bench.open({
        ...options,
        headers: { ...options.headers, Authorization: `Bearer ${bench.token()}` },
      });
      assert.equal(res.statusCode, 200);
      res.on('error', () => undefined).destroy();
      await waitFor(() => closed, 'the end', SOON_MS).catch(() =>
        assert.fail('the MCP server still answers a second after the client left'),
      );
      await sleep(200);
      assert.equal(bench.forwarded.length, before + 1, 'something was sent in the client’s name');
    });
  },
};
