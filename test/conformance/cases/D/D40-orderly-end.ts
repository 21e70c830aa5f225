// D40: an update must not cost a client a call, and must not wait for a stream that never ends.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { openEventStream, RESULT } from '../../../kit/upstream.ts';
import { waitFor } from '../../../kit/wait.ts';
import { readAll } from '../../../kit/http.ts';
import { modern } from '../../../kit/messages.ts';
import { NotApplicable, type Case } from '../../case.ts';

const SOON_MS = 3_000;
/** What an orchestrator gives a process, less than its default of 30 s. */
const GRACE_MS = 15_000;

export const D40: Case = {
  id: 'D40',
  level: 'SHOULD°',
  rule: 'Told to end, it takes no connections, ends listen streams with their result, and finishes calls first',
  source: 'RFC 9112 section 9.6; MCP 2026-07-28, "subscriptions/listen"',
  own: true,
  async run(bench) {
    const { running } = bench;
    if (running.terminate === undefined) throw new NotApplicable('the target cannot be told to end');
    bench.upstream.script = openEventStream;
    const listen = modern('subscriptions/listen', { notifications: {} });
    const Authorization = `Bearer ${bench.token()}`;
    const stream = await bench.open({ ...listen, headers: { ...listen.headers, Authorization } });
    assert.equal(stream.statusCode, 200);
    const events = within(readAll(stream), 'the listen stream to end');
    const legacy = await bench.open({ method: 'GET', headers: { Authorization } });
    assert.equal(legacy.statusCode, 200);
    const silence = within(readAll(legacy), 'the GET stream to end');
    silence.catch(() => undefined); // checked below
    let pending: ServerResponse | undefined;
    bench.upstream.script = (req, res) => {
      req.resume();
      pending = res;
    };
    const call = bench.call({ headers: { Authorization } });
    call.catch(() => undefined); // checked below
    await waitFor(() => pending !== undefined, 'the call to arrive');

    const idle = await bench.raw();

    running.terminate();
    assert.match((await events).toString(), /"resultType":"complete"/, 'the result of the listen request');
    assert.equal((await silence).toString(), '', 'the GET stream is just closed');
    await waitFor(async () => !(await takesConnections(running.address)), 'no connections', SOON_MS).catch(
      () => assert.fail('new connections are taken'),
    );
    const isNotReady = async () => !(await bench.ready().catch(() => false));
    await waitFor(isNotReady, 'it to be not ready', SOON_MS).catch(() => assert.fail('it is still ready'));
    pending?.writeHead(200, { 'Content-Type': 'application/json' }).end(RESULT);
    const answer = await call.catch(() => assert.fail('the call was cut'));
    assert.deepEqual([answer.status, answer.body], [200, RESULT]);
    await waitFor(() => idle.closed, 'the end', GRACE_MS).catch(() =>
      assert.fail('it does not come to an end'),
    );
  },
};

async function within<T>(work: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(resolve, SOON_MS, undefined)));
  const done = await Promise.race([work, late]);
  clearTimeout(timer);
  return done ?? assert.fail(`waited for ${what}`);
}

async function takesConnections(address: { host: string; port: number }): Promise<boolean> {
  const socket = connect(address);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
