// B2: an error where nothing was sent makes clients think that their token was refused, and not start to log in.
import assert from 'node:assert/strict';
import { parametersOf, parseChallenges } from '../../../kit/challenge.ts';
import type { Case } from '../../case.ts';

export const B2: Case = {
  id: 'B2',
  level: 'SHOULD NOT',
  rule: 'The challenge names no error if the request carried no credentials',
  source: 'RFC 6750 section 3.1; OAuth 2.1 section 5.3.2',
  async run(bench) {
    const answer = await bench.call();
    assert.equal(answer.status, 401);
    const challenges = parseChallenges(answer.lines('www-authenticate'));
    assert.ok(challenges.length > 0, 'no challenge');
    for (const challenge of challenges) {
      for (const name of ['error', 'error_description', 'error_uri'])
        assert.equal(parametersOf(challenge)[name], undefined, `${name} without credentials`);
    }
    if (answer.body === '') return; // outside of RFC 6750, and for people
    const { error } = JSON.parse(answer.body) as { error?: unknown };
    assert.equal(typeof error, 'string', 'the type of the error in the body');
  },
};
