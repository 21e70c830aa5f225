// G18: a proxy that is an OAuth client to the authorization server lends its consent to everybody (confused deputy).
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { DEFAULT_ENDPOINTS, OTHER_ENDPOINTS } from '../../bench/oauth-paths.ts';

const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };

export const G18: Case = {
  id: 'G18',
  level: 'MUST NOT°',
  rule: 'There are no endpoints of an OAuth client, an authorization server or a registration proxy, and no cookies',
  source: 'MCP security best practices, Confused Deputy Problem',
  async run(bench) {
    const { headers } = await bench.accepts(bench.token());
    assert.equal(headers['set-cookie'], undefined);
    assert.equal((await bench.call()).headers['set-cookie'], undefined, 'a cookie with the challenge');
    await each([...DEFAULT_ENDPOINTS, ...OTHER_ENDPOINTS], async (path) => {
      const query = 'client_id=c&response_type=code&redirect_uri=https%3A%2F%2Fevil.test&code=x&state=y';
      for (const [method, target] of [
        ['GET', `${path}?${query}`],
        ['POST', path],
      ] as const) {
        const answer = await bench.call({
          method,
          path: target,
          ...(method === 'POST' ? { body: query, headers: FORM } : {}),
        });
        assert.equal(answer.status, 404, `${method} ${path}`);
        assert.equal(answer.headers['set-cookie'], undefined);
        assert.equal(answer.headers.location, undefined);
      }
    });
    const known = [bench.world.issuer, bench.world.second].flatMap(({ record }) => record);
    assert.ok(
      !known.some(({ target }) => /authorize|register|token/.test(target)),
      'asked an authorization server',
    );
    assert.equal(bench.forwarded.length, 1);
  },
};
