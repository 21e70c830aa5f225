// D38: who may no longer ask may no longer listen either.
import assert from 'node:assert/strict';
import { openEventStream } from '../../../kit/upstream.ts';
import type { Bench } from '../../bench/bench.ts';
import { now } from '../../bench/bench.ts';
import type { CallOptions } from '../../../kit/http.ts';
import { modern } from '../../../kit/messages.ts';
import type { Case } from '../../case.ts';

const SKEW_SECONDS = 1;
const LIFE_SECONDS = 2;
/** Timers, and a busy machine. */
const LATE_MS = 1_500;

export const D38: Case = {
  id: 'D38',
  level: 'SHOULD°',
  rule: 'Streams of notifications end when the token does, the modern ones with the result of their request',
  source: 'OAuth 2.1 section 5.2; MCP 2026-07-28, "subscriptions/listen"',
  needs: { clockSkewSeconds: SKEW_SECONDS },
  async run(bench) {
    bench.upstream.script = openEventStream;
    const legacy = await streamWith(bench, { method: 'GET' });
    assert.equal(legacy.text, '', 'in the legacy era the stream is just closed');
    assert.equal((await bench.callWith(legacy.token, { method: 'GET' })).status, 401, 'with the old token');
    const again = await bench.open({
      method: 'GET',
      headers: { Authorization: `Bearer ${bench.token()}` },
    });
    assert.equal(again.statusCode, 200, 'with a new token');
    again.destroy();

    const { text } = await streamWith(bench, modern('subscriptions/listen', { notifications: {} }));
    const data = /^data: ?(.*)$/m.exec(text)?.[1] ?? assert.fail(`no result: ${JSON.stringify(text)}`);
    assert.match(text, /\n\n$/, 'the event is complete');
    const { id, result } = JSON.parse(data) as { id?: unknown; result?: Record<string, unknown> };
    assert.equal(id, 1);
    assert.equal(result?.['resultType'], 'complete');
    const meta = result['_meta'] as Record<string, unknown> | undefined;
    assert.equal(String(meta?.['io.modelcontextprotocol/subscriptionId']), '1');
  },
};

/** Opens a stream with a token that ends soon, and reads until it is closed, which must be in time. */
async function streamWith(
  bench: Bench,
  { headers, ...options }: CallOptions,
): Promise<{ text: string; token: string }> {
  const exp = now() + LIFE_SECONDS;
  const token = bench.claims({ exp });
  const more = headers as Record<string, string> | undefined;
  const endAt = (exp + SKEW_SECONDS) * 1000;
  const signal = AbortSignal.timeout(endAt + LATE_MS - Date.now());
  const res = await bench.open({
    ...options,
    signal,
    headers: { ...more, Authorization: `Bearer ${token}` },
  });
  assert.equal(res.statusCode, 200);
  let text = '';
  try {
    for await (const chunk of res) text += String(chunk);
  } catch {
    assert.ok(!signal.aborted, `still open ${LATE_MS} ms after the end of the token`);
    assert.fail('the stream was broken off, not closed');
  }
  const early = exp * 1000 - Date.now();
  assert.ok(early <= 0, `closed ${early} ms before the end of the token`);
  return { text, token };
}
