// B6: clients ask for the scopes that the first challenge names.
import assert from 'node:assert/strict';
import { parametersOf, parseChallenges } from '../../../kit/challenge.ts';
import type { Answer } from '../../../kit/http.ts';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

/** RFC 6749 section 3.3. */
const SCOPES = /^[\x21\x23-\x5B\x5D-\x7E]+( [\x21\x23-\x5B\x5D-\x7E]+)*$/;

export const B6: Case = {
  id: 'B6',
  level: 'SHOULD',
  rule: 'The first challenge names the scopes needed now, once, as scope tokens with single spaces',
  source: 'MCP 2025-11-25 "Scope Selection Strategy"; RFC 6750 section 3; RFC 6749 section 3.3',
  timeoutMs: 300_000, // it starts five targets
  needs: {
    requiredScopes: ['mcp:basic', 'mcp:read'],
    scopesSupported: ['mcp:basic', 'mcp:read', 'mcp:write'],
  },
  async run(bench) {
    assert.equal(scopeOf(await bench.call()), 'mcp:basic mcp:read', 'the scope of the challenge');
    await each(
      { quote: 'a"b', backslash: 'a\\b', space: 'a b', 'not ASCII': 'ä', empty: '' },
      async (scope) => {
        const requiredScopes = [scope];
        await bench.refusesToStart({ requiredScopes }, /scope/i, async (other) => {
          const named = scopeOf(await other.call());
          if (named !== undefined) assert.match(named, SCOPES, 'the scope of the challenge');
        });
      },
    );
  },
};

function scopeOf(answer: Answer): string | undefined {
  const [challenge] = parseChallenges(answer.lines('www-authenticate'));
  return parametersOf(challenge ?? assert.fail('no challenge'))['scope'];
}
