// D4: the next proxy on the way must be asked not to hold a stream back.
import assert from 'node:assert/strict';
import { openEventStream } from '../../../kit/upstream.ts';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

export const D4: Case = {
  id: 'D4',
  level: 'SHOULD',
  rule: 'Event streams say X-Accel-Buffering: no and Cache-Control: no-cache, no-transform',
  source: 'MCP 2026-07-28, Streamable HTTP, "Receiving Messages"',
  async run(bench) {
    bench.upstream.script = openEventStream;
    await each(['POST', 'GET'], async (method) => {
      const res = await bench.open({ method, headers: { Authorization: `Bearer ${bench.token()}` } });
      assert.equal(res.statusCode, 200);
      assert.equal(res.headers['x-accel-buffering'], 'no');
      const directives = (res.headers['cache-control'] ?? '').split(/\s*,\s*/);
      for (const wanted of ['no-cache', 'no-transform']) assert.ok(directives.includes(wanted), wanted);
      res.destroy();
    });
  },
};
