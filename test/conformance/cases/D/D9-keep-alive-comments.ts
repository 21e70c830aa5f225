// D9: load balancers and clients close what is silent for a minute; a comment between two events is no event.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Case } from '../../case.ts';
import { readAll } from '../../../kit/http.ts';

const SILENCE_MS = 2_500;
const PIECES = ['event: message\nda', 'ta: {"a":1}\n', 'data: 2\n\n'];

export const D9: Case = {
  id: 'D9',
  level: 'MAY',
  rule: 'Silent event streams are kept alive by comments, which stand between events only',
  source: 'MCP 2026-07-28, Streamable HTTP; HTML, server-sent events',
  needs: { transport: { eventStreamKeepAliveSeconds: 1 } },
  async run(bench) {
    bench.upstream.script = (req, res) => {
      req.resume();
      res.writeHead(200, { 'Content-Type': 'text/event-stream' });
      void (async () => {
        for (const piece of PIECES) {
          res.write(piece);
          await sleep(SILENCE_MS);
        }
        res.end(PIECES.join(''));
      })();
    };
    const res = await bench.open({ headers: { Authorization: `Bearer ${bench.token()}` } });
    const text = (await readAll(res)).toString();
    const event = PIECES.join('');
    assert.ok(text.startsWith(event) && text.endsWith(event), `inside an event: ${JSON.stringify(text)}`);
    const between = text.slice(event.length, -event.length);
    assert.match(between, /^(?::[^\r\n]*(?:\r\n|\r|\n)+)+$/, `between two events: ${JSON.stringify(text)}`);
  },
};
