// C34: Keycloak publishes an encryption key beside the signing key; a signature by it is no signature.
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { keyPair, signedAs } from '../../bench/forge.ts';

const WRONG = {
  'use enc': keyPair('enc', 'rsa', { use: 'enc' }),
  'use enc, alg RSA-OAEP': keyPair('oaep', 'rsa', { use: 'enc', alg: 'RSA-OAEP' }),
  'key_ops encrypt': keyPair('ops', 'rsa', { key_ops: ['encrypt', 'wrapKey'] }),
  'use of something else': keyPair('other', 'rsa', { use: 'tls' }),
};
const RIGHT = {
  'use sig': keyPair('sig', 'rsa', { use: 'sig' }),
  'no use': keyPair('plain', 'rsa'),
  'key_ops verify': keyPair('verify', 'rsa', { key_ops: ['verify'] }),
};

export const C34: Case = {
  id: 'C34',
  level: 'MUST°',
  rule: 'Only keys whose use is absent or sig, and whose key_ops are absent or hold verify, verify',
  source: 'RFC 7517 sections 4.2 and 4.3',
  prepare: ({ issuer }) =>
    void issuer.extraJwks.push(...[...Object.values(WRONG), ...Object.values(RIGHT)].map(({ jwk }) => jwk)),
  async run(bench) {
    const token = (key: (typeof RIGHT)['no use']) => signedAs(bench, { alg: 'RS256', kid: key.kid }, key);
    await each(RIGHT, async (key) => void (await bench.accepts(token(key))));
    await each(WRONG, async (key) => void (await bench.refuses(token(key))));
  },
};
