// Which members of a key set become keys. The rest is skipped, one by one, and harms no other.
import assert from 'node:assert/strict';
import { generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import { describe, it } from 'node:test';
import { verificationKey } from '../../../../src/sidecar/tokens/jwk.ts';

const jwkOf = (key: { export(options: { format: 'jwk' }): JsonWebKey }) => key.export({ format: 'jwk' });
const rsa = jwkOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey);
const rsa1024 = jwkOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey);
const p256 = jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey);
const p384 = jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey);
const k256 = jwkOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey);
const ed25519 = jwkOf(generateKeyPairSync('ed25519').publicKey);
const ed448 = jwkOf(generateKeyPairSync('ed448').publicKey);
const x25519 = jwkOf(generateKeyPairSync('x25519').publicKey);

describe('a key for', () => {
  const cases: Record<string, [jwk: object, algorithms: string[]]> = {
    'all RSA algorithms': [rsa, ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']],
    'the one algorithm that it names': [{ ...rsa, alg: 'RS256' }, ['RS256']],
    'signatures, by use': [{ ...p256, use: 'sig' }, ['ES256']],
    'signatures, by key_ops': [{ ...p256, key_ops: ['sign', 'verify'] }, ['ES256']],
    'the curve that it is on': [p384, ['ES384']],
    'EdDSA under both names': [{ ...ed25519, alg: 'EdDSA' }, ['EdDSA', 'Ed25519']],
    'the same, with members that mean nothing here': [{ ...p256, 'x-note': 1, x5c: ['?'] }, ['ES256']],
  };
  for (const [name, [jwk, algorithms]] of Object.entries(cases)) {
    it(name, () => assert.deepEqual([...(verificationKey(jwk)?.algorithms ?? [])], algorithms));
  }
});

describe('no key:', () => {
  const cases: Record<string, unknown> = {
    null: null,
    'a string': 'k1',
    'a list': [rsa],
    'an empty object': {},
    'an unknown type': { kty: 'XYZ' },
    'a shared secret': { kty: 'oct', k: 'c2VjcmV0' },
    'a type that is a name of every object': { kty: 'constructor' },
    'for encryption': { ...rsa, use: 'enc' },
    'for an encryption algorithm': { ...rsa, alg: 'RSA-OAEP' },
    'for signing only': { ...rsa, key_ops: ['sign'] },
    'key_ops not a list': { ...rsa, key_ops: 'verify' },
    'for an HMAC algorithm': { ...rsa, alg: 'HS256' },
    'for algorithm none': { ...rsa, alg: 'none' },
    'for an algorithm of another type': { ...rsa, alg: 'ES256' },
    'for an algorithm of another curve': { ...p384, alg: 'ES256' },
    'RSA of 1024 bits': rsa1024,
    'RSA with exponent 1': { ...rsa, e: 'AQ' },
    'RSA with an even exponent': { ...rsa, e: 'BA' },
    'RSA without modulus': { kty: 'RSA', e: 'AQAB' },
    'RSA without exponent': { kty: 'RSA', n: rsa.n },
    'RSA with a modulus that is a number': { ...rsa, n: 1 },
    'curve not allowed': k256,
    'curve missing': { ...p256, crv: undefined },
    'point not on its curve': { ...p256, y: p256.x },
    'point of another curve': { ...p256, x: p384.x, y: p384.y },
    Ed448: ed448,
    'a key for key agreement': x25519,
    'key id a number': { ...rsa, kid: 1 },
    'key type that no text can be made of': { ...rsa, kty: { toString: 1, valueOf: 1 } },
  };
  for (const [name, jwk] of Object.entries(cases)) {
    it(name, () => assert.equal(verificationKey(jwk), undefined));
  }
});

describe('the fingerprint, by which a key is known again,', () => {
  const fingerprint = (jwk: object) => verificationKey(jwk)?.fingerprint;

  it('is that of material, id and algorithms, in whatever order they come', () => {
    assert.equal(
      fingerprint({ ...rsa, kid: 'a' }),
      fingerprint({ kid: 'a', e: rsa.e, n: rsa.n, kty: 'RSA', 'x-note': 1 }),
    );
  });

  for (const [name, jwk] of Object.entries({
    'another id': { ...rsa, kid: 'b' },
    'no id': rsa,
    'fewer algorithms': { ...rsa, kid: 'a', alg: 'RS256' },
  })) {
    it(`differs with ${name}`, () => assert.notEqual(fingerprint(jwk), fingerprint({ ...rsa, kid: 'a' })));
  }
});

it('private members that an issuer publishes by mistake are not kept', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  assert.equal(verificationKey(jwkOf(privateKey))?.key.type, 'public');
});
