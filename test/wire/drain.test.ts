// SIGTERM: calls finish, streams end, nothing new is taken on, and the process ends by itself with code 0.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent } from 'node:https';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { RawConnection } from '../kit/raw.ts';
import { readAll, type Answer } from '../kit/http.ts';
import { TestBed } from '../support/sidecar.ts';
import { waitFor } from '../kit/wait.ts';
import { openEventStream, RESULT } from '../kit/upstream.ts';

/** Runs a test with a sidecar of its own: each of them ends it. */
const withBed =
  (test: (bed: TestBed) => Promise<void>, drainSeconds = 30) =>
  async () => {
    const bed = await TestBed.start({ config: () => ({ drainSeconds }) });
    try {
      await test(bed);
    } finally {
      await bed.stop();
    }
  };

/** A call that is with the server until `finish`. */
async function runningCall(
  bed: TestBed,
  agent?: Agent,
): Promise<{ answer: Promise<Answer>; finish: () => void }> {
  const before = bed.upstream.requests.length;
  let server: ServerResponse | undefined;
  bed.upstream.script = (req, res) => {
    req.resume();
    server = res;
  };
  const answer = bed.callWith(bed.issuer.token(), agent === undefined ? {} : { agent });
  await waitFor(() => bed.upstream.requests.length > before, 'the call to reach the server');
  return { answer, finish: () => void server?.end(RESULT) };
}

const draining = (bed: TestBed) => waitFor(() => bed.log.includes('"draining"'), 'the sidecar to drain');

describe('SIGTERM', { concurrency: true }, () => {
  it(
    'a client that keeps its connection does not hold up the end',
    withBed(async (bed) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const { answer, finish } = await runningCall(bed, agent);
      const started = performance.now();
      const exit = bed.terminate();
      await draining(bed);
      finish();
      assert.equal((await answer).status, 200);
      assert.equal(await exit, 0);
      assert.ok(performance.now() - started < 5_000, 'long before the grace period of 30 s');
      agent.destroy();
    }),
  );

  it(
    'idle connections are closed at once',
    withBed(async (bed) => {
      const withoutTls = connect(bed.port, '127.0.0.1');
      withoutTls.on('error', () => undefined); // a reset is as good as an end
      await once(withoutTls, 'connect');
      const idle = await RawConnection.open(bed);
      const used = await RawConnection.open(bed);
      used.send('GET /mcp HTTP/1.1\r\nHost: localhost:8001\r\n\r\n');
      await used.waitForStatuses(1);
      const started = performance.now();
      assert.equal(await bed.terminate(), 0);
      assert.ok(performance.now() - started < 5_000);
      await Promise.all([idle.waitForClose(), used.waitForClose()]);
      await waitFor(() => withoutTls.destroyed, 'the connection without TLS to close');
    }),
  );

  it(
    'an event stream that answers a call goes on to its end',
    withBed(async (bed) => {
      let server: ServerResponse | undefined;
      bed.upstream.script = (req, res) => {
        server = res;
        openEventStream(req, res);
      };
      const stream: IncomingMessage = await bed.open({
        headers: { Authorization: `Bearer ${bed.issuer.token()}` },
      });
      const body = readAll(stream);
      const exit = bed.terminate();
      await draining(bed);
      server?.end('data: result\n\n');
      assert.equal((await body).toString(), 'data: result\n\n');
      assert.equal(await exit, 0);
    }),
  );

  it(
    'a call that outlasts the grace period is cut',
    withBed(async (bed) => {
      bed.upstream.script = (req) => void req.resume();
      const call = bed.callWith(bed.issuer.token());
      const cut = assert.rejects(call, { code: 'ECONNRESET' });
      await waitFor(() => bed.upstream.requests.length === 1, 'the call to reach the server');
      assert.equal(await bed.terminate(), 0);
      await cut;
    }, 0.5),
  );
});
