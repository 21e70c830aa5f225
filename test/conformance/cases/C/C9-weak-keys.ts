// C9: a key that an attacker can break, or that makes every signature good, is no key.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { keyPair, signedAs, signedForExponentOne } from '../../bench/forge.ts';

const SMALL = keyPair('small', 'rsa', {}, 1024);
const GOOD = keyPair('good', 'rsa');
/** AQ is 1. */
const ONE = { ...GOOD.jwk, kid: 'one', e: 'AQ' };

export const C9: Case = {
  id: 'C9',
  level: 'MUST°',
  rule: 'RSA keys under 2048 bits, or with the exponent 1, are not used, and the log says so',
  source: 'RFC 7518 section 3.3; Wycheproof rejects1024bitRsaKey, rejectsPublicExponent1',
  prepare: ({ issuer }) => void issuer.extraJwks.push(SMALL.jwk, ONE, GOOD.jwk),
  async run(bench) {
    await bench.accepts(signedAs(bench, { alg: 'RS256', kid: 'good' }, GOOD));
    const tokens = {
      '1024 bits': signedAs(bench, { alg: 'RS256', kid: 'small' }, SMALL),
      'exponent 1': signedForExponentOne(bench, 'one', 256),
    };
    await each(tokens, async (token) => void (await bench.refuses(token)));
    for (const kid of ['small', 'one'])
      assert.match(bench.log, new RegExp(`\\b${kid}\\b`), `the log names ${kid}`);
  },
};
