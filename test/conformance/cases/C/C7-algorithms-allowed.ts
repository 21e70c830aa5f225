// C7: the algorithm is chosen by the configuration, and "none" is no algorithm.
import { altered, keyPair, parts, signedAs } from '../../bench/forge.ts';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

/** Its JWK names no algorithm: what refuses RS512 and PS256 is the list of the configuration. */
const ANY = keyPair('any', 'rsa');

export const C7: Case = {
  id: 'C7',
  level: 'MUST',
  rule: 'Only configured algorithms are accepted; none, in any spelling, never',
  source: 'RFC 8725 section 3.1; RFC 9068 section 4',
  prepare: ({ issuer }) => void issuer.extraJwks.push(ANY.jwk),
  async run(bench) {
    await bench.accepts(signedAs(bench, { alg: 'RS256', kid: 'any' }, ANY));
    await each(['none', 'None', 'NONE', 'nOnE', ''], async (alg) => {
      const [header, claims] = parts(bench, { alg });
      await bench.refuses(`${header}.${claims}.`);
      await bench.refuses(altered(bench, (_, signed, signature) => [header, signed, signature]));
      await bench.refuses(`${header}.${claims}`);
    });
    await each(['RS512', 'RS384', 'PS256', 'PS512'], async (alg) => {
      await bench.refuses(signedAs(bench, { alg, kid: 'any' }, ANY));
    });
    await each(
      { missing: undefined, null: null, number: 1, list: ['RS256'], 'lower case': 'rs256' },
      async (alg) => {
        await bench.refuses(bench.token({ header: { alg } }));
      },
    );
  },
};
