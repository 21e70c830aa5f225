// C12: the type keeps access tokens apart from all other JWTs of the issuer.
import type { Case } from '../../case.ts';
import { ACCESS_TOKEN_TYPES, OTHER_TYPES } from '../../bench/types.ts';
import { each } from '../../bench/each.ts';

export const C12: Case = {
  id: 'C12',
  level: 'MUST',
  rule: 'typ must be at+jwt, in any case, with or without application/',
  source: 'RFC 9068 section 4; RFC 8725 section 3.11',
  async run(bench) {
    await each(ACCESS_TOKEN_TYPES, async (typ) => void (await bench.accepts(bench.header({ typ }))));
    await each(
      [...OTHER_TYPES, 'JWT', undefined],
      async (typ) => void (await bench.refuses(bench.header({ typ }))),
    );
  },
};
