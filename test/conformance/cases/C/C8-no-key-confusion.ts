// C8: a key is for one algorithm; a public key is no secret.
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { hmacSigned, keyPair, signedAs } from '../../bench/forge.ts';

const P384 = keyPair('p384', 'P-384');
const RS512_ONLY = keyPair('rs512', 'rsa', { alg: 'RS512' });
const PLAIN = keyPair('plain', 'rsa');

export const C8: Case = {
  id: 'C8',
  level: 'MUST',
  rule: 'HS256 is never verified with a public key, and kty, crv and alg of a key must fit the token',
  source: 'RFC 8725 sections 2.1 and 3.1; RFC 7517 section 4.4',
  prepare: ({ issuer }) => void issuer.extraJwks.push(P384.jwk, RS512_ONLY.jwk, PLAIN.jwk),
  async run(bench) {
    await bench.accepts(signedAs(bench, { alg: 'RS256', kid: 'plain' }, PLAIN));
    const { publicKey, jwk } = bench.key('k1');
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const secrets = {
      PEM: pem,
      'PEM without the last line end': pem.trim(),
      'PEM in PKCS #1': publicKey.export({ type: 'pkcs1', format: 'pem' }),
      DER: publicKey.export({ type: 'spki', format: 'der' }),
      JWK: JSON.stringify(jwk),
      modulus: Buffer.from(String(jwk.n), 'base64url'),
      nothing: '',
    };
    await each(secrets, async (secret) => void (await bench.refuses(hmacSigned(bench, secret))));
    const tokens = {
      'ES256 with a P-384 key': signedAs(bench, { alg: 'ES256', kid: 'p384' }, P384),
      'RS256 with a key for RS512': signedAs(bench, { alg: 'RS256', kid: 'rs512' }, RS512_ONLY),
      'RS256 naming an EC key': signedAs(bench, { alg: 'RS256', kid: 'e1' }, bench.key('k1')),
      'ES256 naming an RSA key': signedAs(bench, { alg: 'ES256', kid: 'k1' }, bench.key('e1')),
    };
    await each(tokens, async (token) => void (await bench.refuses(token)));
  },
};
