// C43: logs, metrics and error bodies are read by many; a token in one is a token given away.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
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
    const answers = [];
    for (const token of Object.values(tokens)) {
      const headers = {
        Cookie: `t=${token}`,
        'Mcp-Session-Id': session,
        DPoP: token,
        'Last-Event-ID': token,
      };
      answers.push(await bench.callWith(token, { headers, path: `${bench.path}?access_token=${token}` }));
      answers.push(await bench.get(bench.metadataPath, { headers: { Authorization: `Bearer ${token}` } }));
      answers.push(await bench.get(`/${token}`, { headers: { Authorization: `Bearer ${token}` } }));
    }
    for (const { text } of answers) assert.doesNotMatch(text, /eyJ/, 'in an answer');
    const observations = (await bench.running.observations?.()) ?? '';
    const written = [observations, ...bench.session.logs.map((log) => log())].join('\n');
    assert.ok(!written.includes(session), 'a session id');
    assert.equal(/.{0,60}eyJ.{0,20}/.exec(written)?.[0], undefined, 'the beginning of every token');
    for (const token of bench.session.tokens) {
      // The signature, or all of what has none: that is what opens the door.
      const secret = token.split('.')[2] ?? token;
      assert.ok(secret.length < 16 || !written.includes(secret), 'a token');
    }
  },
};
