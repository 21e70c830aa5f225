// H3: to hang up was nothing in the legacy era, and is the way to cancel in the modern one: the server must hear it.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { call, modernCall } from '../../../kit/messages.ts';
import { settles } from '../../bench/wire.ts';

export const H3: Case = {
  id: 'H3',
  level: 'MUST',
  rule: 'A client that hangs up before the first byte of the answer is gone for the server too, and no message is invented',
  source: 'MCP 2026-07-28, Streamable HTTP, "Cancellation"',
  async run(bench) {
    await each(
      { modern: modernCall('slow'), legacy: { body: call('slow'), headers: {} } },
      async (options) => {
        let begun = false;
        let aborted = false;
        bench.upstream.script = (req, res) => {
          req.resume();
          begun = true;
          res.once('close', () => (aborted = true));
        };
        const before = bench.forwarded.length;
        const gone = new AbortController();
        const headers = { ...options.headers, Authorization: `Bearer ${bench.token()}` };
        const request = bench.open({ ...options, headers, signal: gone.signal }).catch(() => undefined);
        assert.ok(await settles(() => begun, 5_000), 'the call does not reach the server');
        gone.abort();
        await request;
        assert.ok(await settles(() => aborted, 2_000), 'the server goes on without a client');
        await settles(() => bench.forwarded.length > before + 1, 300);
        assert.equal(bench.forwarded.length, before + 1, 'a message was sent in the client’s name');
      },
    );
  },
};
