// F6: clients that cannot step up must be able to ask for everything when they log in.
import assert from 'node:assert/strict';
import { parametersOf, parseChallenges } from '../../../kit/challenge.ts';
import type { Case } from '../../case.ts';

export const F6: Case = {
  id: 'F6',
  level: 'SHOULD°',
  rule: 'The first challenge can name all scopes, while the operation still needs its own only',
  source: 'MCP "Scope Selection Strategy"; reports about step-up in Claude Code',
  needs: { initialScopes: 'All', scopesSupported: ['mcp:basic', 'mcp:write', 'mcp:admin'] },
  async run(bench) {
    await bench.accepts(bench.claims({ scope: 'mcp:basic' }));
    bench.isChallenged(await bench.call(), 'mcp:basic mcp:write mcp:admin');
    const answer = await bench.callWith(bench.claims({ scope: 'openid' }));
    assert.equal(answer.status, 403, 'a token without the scope of the operation');
    const [challenge] = parseChallenges(answer.lines('www-authenticate'));
    const { error, scope = '' } = parametersOf(challenge ?? assert.fail('no challenge'));
    assert.equal(error, 'insufficient_scope');
    assert.ok(scope.split(' ').includes('mcp:basic'), `the scope of the challenge: ${scope}`);
  },
};
