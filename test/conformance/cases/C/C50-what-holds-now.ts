// C50: a body may come much later than its head, and a stream may go on for hours: neither makes a token live longer.
import assert from 'node:assert/strict';
import { signingKey } from '../../../kit/issuer.ts';
import { call } from '../../../kit/messages.ts';
import type { RawConnection } from '../../../kit/raw.ts';
import { answerJson, openEventStream } from '../../../kit/upstream.ts';
import { waitFor } from '../../../kit/wait.ts';
import type { Case } from '../../case.ts';
import type { Bench } from '../../bench/bench.ts';
import { now } from '../../bench/bench.ts';
import { each } from '../../bench/each.ts';

const SKEW_SECONDS = 1;
const LIFE_SECONDS = 2;
/** The longest time for which a withdrawn key may go on working, as for C32. */
const REFRESH_MS = 61 * 60_000;
const BODY = call('delete_everything');

export const C50: Case = {
  id: 'C50',
  level: 'MUST°',
  rule: 'A request is decided by what holds when it goes on, and a stream ends when its token would be refused',
  source: 'OAuth 2.1 section 5.2; RFC 8725 section 3.8; RFC 9110 section 9.3.3',
  needs: { clockSkewSeconds: SKEW_SECONDS },
  own: true,
  async run(bench) {
    bench.upstream.script = (req, res) =>
      req.method === 'GET' ? openEventStream(req, res) : answerJson(req, res);
    await each({ 'of known length': false, chunked: true }, async (isChunked) => {
      const before = bench.forwarded.length;
      const good = await slowBody(bench, bench.token(), isChunked);
      good.finish();
      assert.deepEqual(await good.connection.waitForStatuses(1), [200], 'within the life of the token');

      const late = await slowBody(bench, bench.claims({ exp: now() + LIFE_SECONDS }), isChunked);
      await new Promise((resolve) => setTimeout(resolve, (LIFE_SECONDS + SKEW_SECONDS) * 1000 + 200));
      late.finish();
      assert.deepEqual(await late.connection.waitForStatuses(1), [401], 'after it');
      assert.equal(bench.forwarded.length, before + 1, 'calls that reached the server');
    });

    const headers = { Authorization: `Bearer ${bench.claims({ exp: now() + 86_400 })}` };
    const stream = await bench.open({ method: 'GET', headers });
    stream.on('error', () => undefined).resume();
    assert.equal(stream.statusCode, 200);
    bench.issuer.keys = [await signingKey('k3')];
    await bench.advance(REFRESH_MS);
    await waitFor(() => stream.closed, 'the stream to end with its key', 5_000).catch((error: Error) =>
      assert.fail(error.message),
    );
  },
};

interface SlowBody {
  readonly connection: RawConnection;
  /** Sends the last byte. */
  readonly finish: () => void;
}

/** A call of which all has come but its last byte. */
async function slowBody(bench: Bench, token: string, isChunked: boolean): Promise<SlowBody> {
  const connection = await bench.raw();
  const chunk = (text: string) => (isChunked ? `${text.length.toString(16)}\r\n${text}\r\n` : text);
  const framing = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${BODY.length}`;
  connection.send(
    `POST ${bench.path} HTTP/1.1\r\nHost: ${new URL(bench.resource).host}\r\nAuthorization: Bearer ${token}\r\n` +
      `Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n${framing}\r\n\r\n` +
      chunk(BODY.slice(0, -1)),
  );
  return {
    connection,
    finish: () => connection.send(chunk(BODY.slice(-1)) + (isChunked ? '0\r\n\r\n' : '')),
  };
}
