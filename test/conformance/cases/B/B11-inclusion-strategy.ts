// B11: whether a step-up names what was granted before is a choice, and one that is kept.
import assert from 'node:assert/strict';
import { parametersOf, parseChallenges } from '../../../kit/challenge.ts';
import type { Case } from '../../case.ts';
import type { Needs } from '../../needs.ts';

const NEEDS: Needs = {
  requiredScopes: ['mcp:write'],
  scopesSupported: ['mcp:basic', 'mcp:write', 'mcp:read'],
};

export const B11: Case = {
  id: 'B11',
  level: 'SHOULD',
  rule: 'A step-up names the scopes of the operation; as an option those granted and known here as well',
  source: 'MCP 2025-11-25 and 2026-07-28 "Runtime Insufficient Scope Errors"',
  needs: NEEDS,
  async run(bench) {
    const scope = 'mcp:basic openid elsewhere:x';
    await bench.refuses(bench.claims({ scope }), 'insufficient_scope', 'mcp:write');
    await bench.beside({ ...NEEDS, stepUpScopes: 'IncludeGranted' }, async (other) => {
      const answer = await other.callWith(other.claims({ scope }));
      assert.equal(answer.status, 403);
      const [challenge] = parseChallenges(answer.lines('www-authenticate'));
      const named = parametersOf(challenge ?? assert.fail('no challenge'))['scope'] ?? '';
      assert.deepEqual(named.split(' ').sort(), ['mcp:basic', 'mcp:write'], 'IncludeGranted');
    });
  },
};
