// Thumbprints of keys (RFC 7638), against another implementation; and what has none.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { calculateJwkThumbprint } from 'jose';
import { jwkThumbprint } from '../../../../src/sidecar/tokens/jwk-thumbprint.ts';

describe('a thumbprint', () => {
  const keys = {
    'EC P-256': () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    'EC P-384': () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    'OKP Ed25519': () => generateKeyPairSync('ed25519'),
    RSA: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  };
  for (const [name, make] of Object.entries(keys)) {
    it(`of ${name} is what jose computes, whatever else the key holds and in whatever order`, async () => {
      const { publicKey, privateKey } = make();
      const jwk = publicKey.export({ format: 'jwk' });
      const expected = await calculateJwkThumbprint(jwk);
      assert.equal(jwkThumbprint({ kid: 'x', use: 'sig', ...jwk }), expected);
      assert.equal(jwkThumbprint(Object.fromEntries(Object.entries(jwk).reverse())), expected);
      assert.equal(jwkThumbprint({ ...privateKey.export({ format: 'jwk' }) }), expected);
    });
  }

  for (const jwk of [
    {},
    { kty: 'oct', k: 'AAAA' },
    { kty: 'constructor' },
    { kty: 'EC', crv: 'P-256', x: 'A' },
    { kty: 'EC', crv: 'P-256', x: 'A', y: 1 },
    { kty: 'RSA', n: 'A' },
    { kty: ['RSA'], n: 'A', e: 'AQAB' },
  ]) {
    it(`${JSON.stringify(jwk)} has none`, () => assert.equal(jwkThumbprint(jwk), undefined));
  }
});
