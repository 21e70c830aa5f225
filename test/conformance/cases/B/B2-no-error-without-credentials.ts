// B2: an error where nothing was sent makes clients think that their token was refused, and not start to log in.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';

export const B2: Case = {
  id: 'B2',
  level: 'SHOULD NOT',
  rule: 'The challenge names no error if the request carried no credentials; the body says it for people',
  source: 'RFC 6750 section 3.1; OAuth 2.1 section 5.3.2',
  async run(bench) {
    const answer = await bench.call();
    assert.equal(answer.status, 401);
    assert.match(answer.headers['www-authenticate'] ?? '', /^Bearer (?!.*error)/);
    assert.notEqual(answer.body, '', 'the body says nothing');
    assert.equal(typeof (JSON.parse(answer.body) as { error: unknown }).error, 'string', 'the body is JSON');
  },
};
