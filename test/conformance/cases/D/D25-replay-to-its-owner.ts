// D25: what a stream said may be asked for again, by whom it was said to.
import assert from 'node:assert/strict';
import { answerJson } from '../../../kit/upstream.ts';
import type { Case } from '../../case.ts';
import { beginSession, inSession, isKeptFrom } from '../../bench/sessions.ts';

export const D25: Case = {
  id: 'D25',
  level: 'MUST°',
  rule: 'GET streams and their replay are for the session’s owner; without a session nothing is replayed',
  source: 'MCP 2025-11-25, "Resumability and Redelivery"',
  async run(bench) {
    const alice = bench.token();
    const id = await beginSession(bench, alice);
    const replay = { method: 'GET', headers: { 'Last-Event-ID': 'e-7', Accept: 'text/event-stream' } };
    assert.equal((await inSession(bench, alice, id, replay)).status, 200);
    assert.equal(bench.forwarded.at(-1)?.headers['last-event-id'], 'e-7');
    await isKeptFrom(bench, 404, () => inSession(bench, bench.bob, id, replay));
    await isKeptFrom(bench, 404, () => inSession(bench, bench.bob, id, { method: 'GET' }));
    const before = bench.forwarded.length;
    const { status } = await bench.callWith(bench.bob, replay);
    assert.ok(status === 403 || status === 404, `without a session: ${status}`);
    assert.equal(bench.forwarded.length, before, 'without a session');

    bench.upstream.script = (req, res) => {
      req.resume();
      res.writeHead(405, { Allow: 'POST' }).end();
    };
    assert.equal(
      (await inSession(bench, alice, id, { method: 'GET' })).status,
      405,
      'a server without streams',
    );
    bench.upstream.script = answerJson;
    assert.equal((await bench.callWith(alice, { method: 'GET' })).status, 200, 'a stream without a session');
  },
};
