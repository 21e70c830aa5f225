// B19: a page sees only the fields that CORS exposes; without them its client cannot find the authorization server.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { BROWSER } from '../../needs.ts';

export const B19: Case = {
  id: 'B19',
  level: 'MUST°',
  rule: 'Refusals to an allowed browser origin expose WWW-Authenticate, and DPoP-Nonce where DPoP is accepted',
  source: 'Fetch, CORS protocol; RFC 9449 section 7.1',
  async run(bench) {
    const tokens = {
      'no credentials': undefined,
      'bad token': 'x',
      'too few scopes': bench.claims({ scope: 'openid' }),
    };
    const exposed = async (other: typeof bench, token: string | undefined) => {
      const credentials = token === undefined ? {} : { Authorization: `Bearer ${token}` };
      const { status, headers } = await other.call({ headers: { Origin: BROWSER, ...credentials } });
      assert.ok(status === 401 || status === 403);
      assert.equal(headers['access-control-allow-origin'], BROWSER);
      return (headers['access-control-expose-headers'] ?? '').toLowerCase().split(/\s*,\s*/);
    };
    await each(tokens, async (token) =>
      assert.ok((await exposed(bench, token)).includes('www-authenticate')),
    );
    await bench.beside({ dpop: 'Accept' }, async (other) =>
      assert.ok((await exposed(other, undefined)).includes('dpop-nonce'), 'DPoP-Nonce'),
    );
  },
};
