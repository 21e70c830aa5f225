// B4: a scheme alone is no challenge.
import assert from 'node:assert/strict';
import { parseChallenges } from '../../../kit/challenge.ts';
import type { Case } from '../../case.ts';

export const B4: Case = {
  id: 'B4',
  level: 'MUST',
  rule: 'A challenge has a parameter, also where no scope is required or known',
  source: 'OAuth 2.1 section 5.3.1',
  needs: { requiredScopes: [], scopesSupported: [] },
  async run(bench) {
    for (const answer of [
      await bench.call(),
      await bench.callWith('x'),
      await bench.call({ method: 'GET' }),
    ]) {
      const challenges = parseChallenges(answer.lines('www-authenticate'));
      assert.ok(challenges.length > 0, 'no challenge');
      for (const { scheme, parameters } of challenges) assert.ok(parameters.length > 0, `${scheme} alone`);
    }
  },
};
