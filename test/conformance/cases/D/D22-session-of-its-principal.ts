// D22: many MCP servers find a session by its id alone; an attacker who guesses or reads it would be in it.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { beginSession, inSession, isKeptFrom } from '../../bench/sessions.ts';

export const D22: Case = {
  id: 'D22',
  level: 'SHOULD',
  rule: 'A session that another principal began gets 404 on POST, GET and DELETE',
  source: 'MCP security best practices, "Session Hijacking"; SEP-2567',
  async run(bench) {
    const alice = bench.token();
    const id = await beginSession(bench, alice);
    await each(['POST', 'GET', 'DELETE'], (method) =>
      isKeptFrom(bench, 404, () => inSession(bench, bench.bob, id, { method })),
    );
    for (const method of ['POST', 'GET', 'DELETE']) {
      assert.equal((await inSession(bench, alice, id, { method })).status, 200, `${method} of its owner`);
    }
  },
};
