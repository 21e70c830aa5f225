// D39: to cut a call is to cancel it, or to lose its result; but not every call may go on without end.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerJson } from '../../../kit/upstream.ts';
import type { Bench } from '../../bench/bench.ts';
import { now } from '../../bench/bench.ts';
import { readAll } from '../../../kit/http.ts';
import type { Case } from '../../case.ts';

const EVENT = 'data: {"jsonrpc":"2.0","id":1,"result":{}}\n\n';
const LIFE_SECONDS = 2;
const CALL_MS = 6_000;
const GRACE_SECONDS = 1;

export const D39: Case = {
  id: 'D39',
  level: 'SHOULD°',
  rule: 'A call goes on after its token’s end, and is broken off when the configured grace is over',
  source: 'MCP 2026-07-28, Streamable HTTP, "Cancellation"; OAuth 2.1 section 5.2',
  async run(bench) {
    const unbounded = callOf(bench);
    const bounded = bench.beside(
      { clockSkewSeconds: 0, transport: { callGraceSeconds: GRACE_SECONDS } },
      async (other) => {
        other.upstream.script = answerJson;
        await other.accepts(other.token());
        const cut = await callOf(other);
        assert.equal(cut.text, undefined, 'with a grace the call is broken off');
        const late = cut.endedAt - (cut.expiry + GRACE_SECONDS) * 1000;
        assert.ok(late > -200 && late < 1_500, `${late} ms after the grace`);
      },
    );
    const [whole] = await Promise.all([unbounded, bounded]);
    assert.equal(whole.text, EVENT, 'without a bound the call completes');
  },
};

/** A slow call with a short token; no text where it was broken off. */
async function callOf(bench: Bench): Promise<{ text: string | undefined; endedAt: number; expiry: number }> {
  bench.upstream.script = (req, res) => {
    req.resume();
    res.writeHead(200, { 'Content-Type': 'text/event-stream' });
    res.flushHeaders();
    void sleep(CALL_MS).then(() => res.end(EVENT));
  };
  const expiry = now() + LIFE_SECONDS;
  const res = await bench.open({ headers: { Authorization: `Bearer ${bench.claims({ exp: expiry })}` } });
  assert.equal(res.statusCode, 200);
  const text = await readAll(res).then(String, () => undefined);
  return { text, endedAt: Date.now(), expiry };
}
