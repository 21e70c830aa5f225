// H2: the modern stream of notifications is the answer to a POST, and it may be silent for very long.
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import type { Case } from '../../case.ts';
import { now } from '../../bench/bench.ts';
import { modern } from '../../../kit/messages.ts';
import { settles } from '../../bench/wire.ts';

const ACKNOWLEDGED =
  'event: message\ndata: {"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged"}\n\n';
const CHANGED = 'event: message\ndata: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n\n';
const TEN_MINUTES_MS = 600_000;

export const H2: Case = {
  id: 'H2',
  level: 'MUST°',
  rule: 'The acknowledgement of subscriptions/listen arrives at once, and a notification after ten silent minutes too',
  source: 'MCP 2026-07-28 "subscriptions/listen" (SEP-2575)',
  own: true,
  async run(bench) {
    let stream: ServerResponse | undefined;
    bench.upstream.script = (req, res) => {
      req.resume();
      stream = res;
      res.writeHead(200, { 'Content-Type': 'text/event-stream' });
      res.write(ACKNOWLEDGED);
    };
    const { body, headers } = modern('subscriptions/listen', { notifications: { toolsListChanged: true } });
    const token = bench.claims({ exp: now() + 3600 });
    const signal = AbortSignal.timeout(10_000);
    const request = bench.open({ body, headers: { ...headers, Authorization: `Bearer ${token}` }, signal });
    const res = await request.catch(() => assert.fail('no head while the stream is open'));
    assert.equal(res.statusCode, 200);
    let received = '';
    let ended = false;
    res.on('data', (chunk: Buffer) => (received += chunk.toString()));
    res.on('close', () => (ended = true));
    assert.ok(await settles(() => received === ACKNOWLEDGED, 2_000), 'the acknowledgement waits');
    await bench.advance(TEN_MINUTES_MS);
    assert.ok(!(await settles(() => ended, 1_000)), 'the stream was ended after ten minutes');
    stream?.write(CHANGED);
    assert.ok(await settles(() => received.endsWith(CHANGED), 2_000), 'the notification did not arrive');
    assert.ok(received.startsWith(ACKNOWLEDGED), 'the acknowledgement is first');
    res.destroy();
  },
};
