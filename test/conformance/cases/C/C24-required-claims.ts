// C24: a token must say whom it is about and for which client it was made.
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

export const C24: Case = {
  id: 'C24',
  level: 'MUST°', // RFC 9068 demands them of who issues the token; section 4 does not list them among the checks
  rule: 'sub, client_id, iat and jti are required; in a compat profile sub and one of client_id, azp, appid',
  source: 'RFC 9068 section 2.2; RFC 8725 section 3.8',
  async run(bench) {
    await bench.accepts(bench.token());
    const wrong = {
      'no sub': { sub: undefined },
      'sub a number': { sub: 123 },
      'sub empty': { sub: '' },
      'sub null': { sub: null },
      'no client_id': { client_id: undefined },
      'client_id only as azp': { client_id: undefined, azp: 'c1' },
      'client_id a list': { client_id: ['c1'] },
      'client_id empty': { client_id: '' },
      'no iat': { iat: undefined },
      'no jti': { jti: undefined },
      'jti a number': { jti: 1 },
    };
    await each(wrong, async (claims) => void (await bench.refuses(bench.claims(claims))));
    await bench.beside({ profile: 'Compat' }, async (other) => {
      const none = { client_id: undefined, jti: undefined, iat: undefined };
      await each({ client_id: 1, azp: 2, appid: 3 }, async (_, name) => {
        await other.accepts(other.claims({ ...none, [name]: 'c1' }));
        await other.refuses(other.claims({ ...none, [name]: 1 }));
        await other.refuses(other.claims({ [name]: 'c1', sub: undefined }));
      });
      await other.refuses(other.claims(none));
    });
  },
};
