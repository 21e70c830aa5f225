// D8: HTTP libraries give up after five minutes; tools may take longer, and notifications much longer.
// The moved clock moves the timers of programs and the idle time-outs of sockets. How long Node's HTTP server waits for a
// whole request stays in real time: it is over before an answer can be late.
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { RESULT } from '../../../kit/upstream.ts';
import { waitFor } from '../../../kit/wait.ts';
import type { Case } from '../../case.ts';
import { now } from '../../bench/bench.ts';
import { readAll } from '../../../kit/http.ts';

const MINUTES = 60_000;

export const D8: Case = {
  id: 'D8',
  level: 'MUST°',
  rule: 'Neither a silent stream nor an answer of an hour is given up',
  source: 'MCP 2025-11-25, "Timeouts"; libraries’ defaults of 300 s',
  own: true,
  async run(bench) {
    const waiting: ServerResponse[] = [];
    bench.upstream.script = (req, res) => {
      req.resume();
      waiting.push(res);
      if (req.method !== 'GET') return;
      res.writeHead(200, { 'Content-Type': 'text/event-stream' });
      res.flushHeaders();
    };
    const Authorization = `Bearer ${bench.claims({ exp: now() + 3 * 3600 })}`;
    const answer = bench.call({ headers: { Authorization } });
    answer.catch(() => undefined); // checked below
    await waitFor(() => waiting.length === 1, 'the call to arrive');
    const stream = await bench.open({ method: 'GET', headers: { Authorization } });
    const text = readAll(stream);
    text.catch(() => undefined); // checked below
    for (const minutes of [6, 50]) await bench.advance(minutes * MINUTES);
    const [call, events] = waiting;
    call?.writeHead(200, { 'Content-Type': 'application/json' }).end(RESULT);
    const { status, body } = await answer.catch(() => assert.fail('the call was given up'));
    assert.equal(status, 200, `after an hour: ${body}`);
    await bench.advance(60 * MINUTES);
    events?.end('data: 1\n\n');
    const received = await text.catch(() => assert.fail('the stream was cut'));
    assert.match(received.toString(), /^data: 1$/m, 'the event after two hours');
  },
};
