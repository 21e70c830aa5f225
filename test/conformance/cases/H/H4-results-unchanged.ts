// H4: what a server needs to ask now rides in results, and there are kinds of results that are not known yet.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { modern, modernCall } from '../../../kit/messages.ts';

const RESULTS = {
  input_required:
    '{"resultType":"input_required","inputRequests":{"a":{"method":"elicitation/create","params":{"message":"Wer?"}}},"requestState":"s"}',
  task: '{"resultType":"task","task":{"taskId":"t","status":"working","ttlMs":60000}}',
  'a kind that is not known': '{"resultType":"x-new","what":[1.0,1e2,null],"a":1,"a":2}',
  'a list of such a kind': '{"resultType":"x-new","tools":[{"name":"t"}],"ttlMs":1,"cacheScope":"public"}',
};

export const H4: Case = {
  id: 'H4',
  level: 'MUST°',
  rule: 'Results of every resultType pass as they are, as JSON and as events',
  source: 'MCP 2026-07-28 (SEP-2260, SEP-2322, SEP-2663)',
  async run(bench) {
    await each(RESULTS, async (result) => {
      const json = `{ "jsonrpc":"2.0", "id":1, "result":${result} }\n`;
      const bodies = { 'application/json': json, 'text/event-stream': `event: message\r\ndata: ${json}\r\n` };
      for (const [type, body] of Object.entries(bodies)) {
        bench.upstream.script = (req, res) => {
          req.resume();
          res.writeHead(200, { 'Content-Type': type });
          res.end(body);
        };
        for (const request of [modernCall('ask'), modern('tools/list')]) {
          assert.equal((await bench.accepts(bench.token(), request)).body, body, type);
        }
      }
    });
  },
};
