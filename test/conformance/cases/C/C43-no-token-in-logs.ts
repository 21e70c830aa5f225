// C43: logs, metrics and error bodies are read by many; a token in one is a token given away.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { now } from '../../bench/bench.ts';

export const C43: Case = {
  id: 'C43',
  level: 'MUST',
  rule: 'No token, nor a part of one, is in any log, metric or error body of the whole run, at the debug level',
  source: 'MCP "Token Theft"; OAuth 2.1 section 7.1',
  last: true,
  async run(bench) {
    const session = `session-${crypto.randomUUID()}`;
    const tokens = {
      good: bench.token(),
      expired: bench.claims({ exp: now() - 60 }),
      altered: `${bench.token()}AAAA`,
      poor: bench.claims({ scope: 'openid' }),
    };
    const answers: Record<string, string> = {};
    for (const [name, token] of Object.entries(tokens)) {
      const headers = {
        Cookie: `t=${token}`,
        'Mcp-Session-Id': session,
        DPoP: token,
        'Last-Event-ID': token,
      };
      const Authorization = `Bearer ${token}`;
      const path = `${bench.path}?access_token=${token}`;
      answers[`a call, ${name}`] = (await bench.callWith(token, { headers, path })).text;
      answers[`metadata, ${name}`] = (
        await bench.get(bench.metadataPath, { headers: { Authorization } })
      ).text;
      answers[`another path, ${name}`] = (await bench.get(`/${token}`, { headers: { Authorization } })).text;
    }
    await each(answers, (text) =>
      assert.ok(!text.includes('eyJ'), 'the answer has the beginning of a token'),
    );
    const observations = (await bench.running.observations?.()) ?? '';
    const written = [observations, ...bench.session.logs.map((log) => log())].join('\n');
    assert.ok(!written.includes(session), 'a session id is in a log or metric');
    // What stands before it says where it comes from; what follows is not to be repeated.
    const before = /(.{0,80})eyJ/.exec(written)?.[1];
    assert.equal(before, undefined, 'a log or metric has the beginning of a token, after these words');
    for (const token of bench.session.tokens) {
      // The signature, or all of what has none: that is what opens the door.
      const secret = token.split('.')[2] ?? token;
      assert.ok(secret.length < 16 || !written.includes(secret), 'a token is in a log or metric');
    }
  },
};
