// D24: an id is a session once the server has given it to the client that asked for one, and until it is over.
// How many are remembered at most, and for how long, is seen by test/unit/sidecar/sessions/sessions.test.ts: to fill the memory from
// outside would take minutes.
import assert from 'node:assert/strict';
import { answerJson } from '../../../kit/upstream.ts';
import type { Case } from '../../case.ts';
import type { Bench } from '../../bench/bench.ts';
import { each } from '../../bench/each.ts';
import { settles, wire } from '../../bench/wire.ts';
import { INIT } from '../../../kit/messages.ts';
import { beginSession, inSession, isKeptFrom, namesSession } from '../../bench/sessions.ts';

/** Sessions that one client begins in a row, and so many at once. */
const MANY = 3_000;
const AT_ONCE = 100;

export const D24: Case = {
  id: 'D24',
  level: 'MUST°',
  rule: 'Sessions begin with a successful initialize and end with DELETE or a 404; unknown ids get 404, odd ones 400',
  source: 'MCP 2025-11-25, "Session Management"',
  async run(bench) {
    const token = bench.token();
    const unknown = (id: string) => isKeptFrom(bench, 404, () => inSession(bench, token, id));
    await unknown('never-seen');

    bench.upstream.script = namesSession('s-of-a-call');
    await bench.accepts(token);
    await unknown('s-of-a-call');
    bench.upstream.script = (req, res) => {
      req.resume();
      res.writeHead(400, { 'Mcp-Session-Id': 's-of-a-failure' }).end();
    };
    await bench.callWith(token, { body: INIT });
    await unknown('s-of-a-failure');

    bench.upstream.script = answerJson;
    const deleted = await beginSession(bench, token);
    assert.equal((await inSession(bench, token, deleted, { method: 'DELETE' })).status, 200);
    await unknown(deleted);

    const ended = await beginSession(bench, token);
    bench.upstream.script = (req, res) => {
      req.resume();
      res.writeHead(404).end();
    };
    assert.equal((await inSession(bench, token, ended)).status, 404);
    await unknown(ended);

    await cannotBePushedOut(bench);

    const longest = '!'.repeat(256);
    bench.upstream.script = namesSession(longest);
    await bench.accepts(token, { body: INIT });
    assert.equal((await inSession(bench, token, longest)).status, 200);
    await each(
      { 'a space': 'a b', 'a tab': 'a\tb', 'no ASCII': 'caf\u00E9', 'too long': 'x'.repeat(257) },
      (id) => isKeptFrom(bench, 400, () => inSession(bench, token, id)),
    );
    await bench.beside({ transport: { unknownSessions: 'TrustOnFirstUse' } }, async (other) => {
      const alice = other.token();
      assert.equal((await inSession(other, alice, 'of-before')).status, 200, 'trust on first use');
      await isKeptFrom(other, 404, () => inSession(other, other.bob, 'of-before'));
    });
  },
};

/** Who begins sessions without end does not end those of others, nor the newest of their own. */
async function cannotBePushedOut(bench: Bench): Promise<void> {
  bench.upstream.script = answerJson;
  const alice = bench.token();
  const kept = await beginSession(bench, alice);
  let begun = 0;
  bench.upstream.script = (req, res) => namesSession(`many-${begun++}`)(req, res);
  const initialize = wire(bench, { token: bench.bob, body: INIT });
  const greedy = await bench.raw();
  for (let sent = AT_ONCE; sent <= MANY; sent += AT_ONCE) {
    greedy.send(initialize.repeat(AT_ONCE));
    await settles(() => greedy.statuses.length >= AT_ONCE || greedy.closed, 30_000);
    assert.deepEqual(new Set(greedy.statuses), new Set([200]), `after ${sent}`);
    greedy.received = '';
  }
  greedy.destroy();
  assert.equal(begun, MANY);
  bench.upstream.script = answerJson;
  assert.equal((await inSession(bench, alice, kept)).status, 200, 'the session of another principal');
  assert.equal((await inSession(bench, bench.bob, `many-${MANY - 1}`)).status, 200, 'the newest');
}
