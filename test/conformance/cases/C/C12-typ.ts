// C12: the type keeps access tokens apart from all other JWTs of the issuer.
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

const ACCESS_TOKENS = ['at+jwt', 'application/at+jwt', 'AT+JWT', 'Application/at+JWT'];
const OTHERS = [
  'dpop+jwt',
  'logout+jwt',
  'secevent+jwt',
  'application/jwt+at',
  'at+jwt2',
  '',
  1,
  null,
  ['at+jwt'],
];

export const C12: Case = {
  id: 'C12',
  level: 'MUST',
  rule: 'typ must be at+jwt, in any case, with or without application/; JWT or none only in a compat profile',
  source: 'RFC 9068 section 4; RFC 8725 section 3.11',
  async run(bench) {
    await each(ACCESS_TOKENS, async (typ) => void (await bench.accepts(bench.header({ typ }))));
    await each(
      [...OTHERS, 'JWT', undefined],
      async (typ) => void (await bench.refuses(bench.header({ typ }))),
    );
    await bench.beside({ profile: 'Compat' }, async (other) => {
      await each([...ACCESS_TOKENS, 'JWT', 'jwt', undefined], async (typ) => {
        await other.accepts(other.header({ typ }));
      });
      await each(OTHERS, async (typ) => void (await other.refuses(other.header({ typ }))));
    });
  },
};
