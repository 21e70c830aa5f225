// A private key of the sidecar, from a mounted Secret, and the compact JWS that it signs. Why not jose: ADR 20.
import { createPrivateKey, createPublicKey, sign, type JsonWebKey, type KeyObject } from 'node:crypto';
import { MIN_RSA_BITS } from './jwk.ts';
import { jwkThumbprint } from './jwk-thumbprint.ts';

/** JWS algorithm and digest by the curve of the key (RFC 7518 section 3.4). */
const CURVES: Readonly<Record<string, readonly [algorithm: string, digest: string]>> = {
  prime256v1: ['ES256', 'sha256'],
  secp384r1: ['ES384', 'sha384'],
  secp521r1: ['ES512', 'sha512'],
};

export interface SigningKey {
  /** The public part as it is published (RFC 7517): nothing private in it. */
  readonly jwk: JsonWebKey;
  /** A compact JWS over the claims. Synchronous: an ES256 signature takes some 50 microseconds. */
  signJwt(type: string, claims: Readonly<Record<string, unknown>>): string;
}

/**
 * A key from its PEM text: RSA of 2048 bits or more, EC on a NIST curve, or Ed25519.
 * @throws Error with the rule that was broken; never repeats the text
 */
export function parseSigningKey(pem: string): SigningKey {
  const key = importPrivateKey(pem);
  const [algorithm, digest] = algorithmOf(key);
  const members = createPublicKey(key).export({ format: 'jwk' });
  const kid = jwkThumbprint({ ...members });
  return {
    jwk: { ...members, kid, alg: algorithm, use: 'sig' },
    signJwt: (typ, claims) => {
      const input = `${encode({ alg: algorithm, typ, kid })}.${encode(claims)}`;
      const signature = sign(digest, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
      return `${input}.${signature.toString('base64url')}`;
    },
  };
}

function importPrivateKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new Error('is not a private key in PEM form without a passphrase', { cause });
  }
}

function algorithmOf(key: KeyObject): readonly [algorithm: string, digest: string | null] {
  const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {};
  const curve = CURVES[namedCurve];
  if (key.asymmetricKeyType === 'ec' && curve !== undefined) return curve;
  if (key.asymmetricKeyType === 'ed25519') return ['EdDSA', null];
  if (key.asymmetricKeyType === 'rsa' && modulusLength >= MIN_RSA_BITS) return ['RS256', 'sha256'];
  throw new Error(`is not RSA of ${MIN_RSA_BITS} bits or more, EC on P-256, P-384 or P-521, or Ed25519`);
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** A JWK set with the public keys. */
export function keySet(keys: readonly SigningKey[]): string {
  return JSON.stringify({ keys: keys.map(({ jwk }) => jwk) });
}
