// C33: sets hold keys for other purposes and algorithms of the future; they must not spoil the rest.
import type { Case } from '../../case.ts';
import { keyPair } from '../../bench/forge.ts';

const { n, e } = keyPair('x', 'rsa').jwk;

const ODD = [
  { kty: 'OKP', crv: 'Ed448', x: Buffer.alloc(57, 1).toString('base64url'), kid: 'ed448' },
  { kty: 'AKP', alg: 'ML-DSA-44', pub: 'AA', kid: 'pq' },
  { kty: 'RSA', e, kid: 'no-n', alg: 'RS256', use: 'sig' },
  { kty: 'RSA', n, e, kid: 'enc', alg: 'RSA-OAEP', use: 'enc' },
  { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA', kid: 'short', alg: 'ES256' },
  { kty: 'EC', crv: 'P-999', x: 'AA', y: 'AA', kid: 'curve' },
  { kty: 'oct', k: 'c2VjcmV0', kid: 'secret', alg: 'HS256' },
  { kty: 'RSA', n: 1, e: 2, kid: 'numbers' },
  { kid: 'k1' },
  {},
];

export const C33: Case = {
  id: 'C33',
  level: 'SHOULD',
  rule: 'Keys that cannot be used are skipped, and the rest of the set works',
  source: 'RFC 7517 section 5',
  prepare: ({ issuer }) => void issuer.extraJwks.push(...ODD),
  async run(bench) {
    await bench.accepts(bench.token());
    await bench.withAlgorithm('ES256', async () => {
      await bench.accepts(bench.token({ key: bench.key('e1') }));
    });
    for (const kid of ['no-n', 'enc', 'short', 'secret']) await bench.refuses(bench.header({ kid }));
  },
};
