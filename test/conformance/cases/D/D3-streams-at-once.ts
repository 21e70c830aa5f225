// D3: what a stream says is said when it is said; a buffer on the way makes progress reports worthless.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

const EVENTS = 5;
const DELAY_MS = 100;

export const D3: Case = {
  id: 'D3',
  level: 'MUST',
  rule: 'The head of an event stream and each of its events go on as they come, neither compressed nor counted',
  source: 'MCP 2026-07-28, Streamable HTTP, "Receiving Messages"',
  async run(bench) {
    await each(['POST', 'GET'], async (method) => {
      const sentAt: number[] = [];
      bench.upstream.script = (req, res) => {
        req.resume();
        res.writeHead(200, { 'Content-Type': 'text/event-stream' });
        res.flushHeaders();
        void (async () => {
          await sleep(2_000);
          for (let index = 0; index < EVENTS; index++) {
            sentAt.push(performance.now());
            res.write(`data: {"n":${index}}\n\n`);
            await sleep(2 * DELAY_MS);
          }
          res.end();
        })();
      };
      const headers = { Authorization: `Bearer ${bench.token()}`, 'Accept-Encoding': 'gzip, br' };
      const res = await bench.open({ method, headers });
      assert.equal(sentAt.length, 0, 'the head came with the first event');
      assert.equal(res.headers['content-encoding'], undefined);
      assert.equal(res.headers['content-length'], undefined);
      const delays: number[] = [];
      for await (const chunk of res) {
        for (const [, index] of String(chunk).matchAll(/"n":(\d)/g)) {
          delays.push(performance.now() - (sentAt[Number(index)] ?? 0));
        }
      }
      assert.equal(delays.length, EVENTS);
      // Not the worst of them: that one may be the machine's.
      const median = delays.sort((a, b) => a - b)[EVENTS >> 1] ?? Infinity;
      assert.ok(median < DELAY_MS, `events are ${Math.round(median)} ms late`);
    });
  },
};
