// B6: clients ask for the scopes that the first challenge names.
import assert from 'node:assert/strict';
import { parametersOf, parseChallenges } from '../../bench/challenge.ts';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

export const B6: Case = {
  id: 'B6',
  level: 'SHOULD',
  rule: 'The first challenge names the scopes needed now, once, as scope tokens with single spaces',
  source: 'MCP 2025-11-25 "Scope Selection Strategy"; RFC 6750 section 3',
  needs: {
    requiredScopes: ['mcp:basic', 'mcp:read'],
    scopesSupported: ['mcp:basic', 'mcp:read', 'mcp:write'],
  },
  async run(bench) {
    const [challenge] = parseChallenges((await bench.call()).lines('www-authenticate'));
    assert.equal(parametersOf(challenge ?? assert.fail('no challenge'))['scope'], 'mcp:basic mcp:read');
    await each(
      { quote: 'a"b', backslash: 'a\\b', space: 'a b', 'not ASCII': 'ä', empty: '' },
      async (scope) => {
        assert.match(await bench.refusesToStart({ requiredScopes: [scope] }), /scope/i);
      },
    );
  },
};
