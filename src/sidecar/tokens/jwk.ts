// Imports one JWK as a verification key, or rejects it (why not jose: ADR 20). Which keys exist is not decided here.
import { createHash, createPublicKey, type JsonWebKeyInput, type KeyObject } from 'node:crypto';
import type { SignatureAlgorithm } from '../config/algorithms.ts';

/** A public key of an issuer. Lives as long as the issuer publishes it. */
export interface VerificationKey {
  readonly kid: string | undefined;
  readonly key: KeyObject;
  readonly algorithms: ReadonlySet<SignatureAlgorithm>;
  /** Identity across refreshes: the same material, id and restrictions. */
  readonly fingerprint: string;
  /** The only part that changes. Tokens in the cache share it: they are void when the key is. */
  readonly trust: KeyTrust;
}

/** Whether a key may still be used: it must be published, and seen again from time to time. Not trusted at first. */
export class KeyTrust {
  #until = Number.NEGATIVE_INFINITY;

  /** The issuer publishes the key. @param until milliseconds since the epoch */
  extend(until: number): void {
    this.#until = until;
  }

  /** The issuer has withdrawn the key. */
  revoke(): void {
    this.#until = Number.NEGATIVE_INFINITY;
  }

  /** @param now milliseconds since the epoch */
  holds(now: number): boolean {
    return now <= this.#until;
  }
}

const RSA: readonly SignatureAlgorithm[] = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];

/** RFC 7518 sections 3.3 to 3.5, RFC 8037 section 3.1, RFC 9864: which algorithms a key type can serve. */
const ALGORITHMS: Readonly<Record<string, readonly SignatureAlgorithm[]>> = {
  RSA,
  'EC P-256': ['ES256'],
  'EC P-384': ['ES384'],
  'EC P-521': ['ES512'],
  'OKP Ed25519': ['EdDSA', 'Ed25519'],
};

/** RFC 7518 section 3.3. */
export const MIN_RSA_BITS = 2048;

/**
 * A verification key from a member of a JWK set, or `undefined` where it is not one: another use, a key type that is
 * not known, members missing, a weak key. Unusable keys are skipped, the rest of the set stands (RFC 7517 section 5).
 */
export function verificationKey(jwk: unknown): VerificationKey | undefined {
  if (typeof jwk !== 'object' || jwk === null) return undefined;
  const { kty, crv, use, key_ops: operations, kid, alg } = jwk as Record<string, unknown>;
  if (use !== undefined && use !== 'sig') return undefined;
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify')))
    return undefined;
  if (kid !== undefined && typeof kid !== 'string') return undefined;
  if (typeof kty !== 'string' || (crv !== undefined && typeof crv !== 'string')) return undefined;
  const family = ALGORITHMS[kty === 'RSA' ? 'RSA' : `${kty} ${crv}`];
  const algorithms = new Set(family?.filter((name) => alg === undefined || sameAlgorithm(name, alg)));
  if (algorithms.size === 0) return undefined;
  const key = importPublicKey(jwk);
  if (key === undefined || isWeak(key)) return undefined;
  return { kid, key, algorithms, fingerprint: fingerprint(key, kid, algorithms), trust: new KeyTrust() };
}

/** Whether a JWK is a signing key that is too weak to be used: worth a warning, because the issuer must replace it. */
export function isWeakKey(jwk: unknown): boolean {
  if (typeof jwk !== 'object' || jwk === null) return false;
  const { kty, use } = jwk as Record<string, unknown>;
  if (kty !== 'RSA' || (use !== undefined && use !== 'sig')) return false;
  const key = importPublicKey(jwk);
  return key !== undefined && isWeak(key);
}

/** Reads the public members only, also of a JWK that was published with private ones. */
function importPublicKey(jwk: object): KeyObject | undefined {
  const { kty, crv, n, e, x, y } = jwk as Record<string, unknown>;
  try {
    const key = { kty, crv, n, e, x, y } as JsonWebKeyInput['key'];
    return createPublicKey({ key, format: 'jwk' });
  } catch {
    return undefined;
  }
}

/** An RSA exponent of 1 makes every signature valid; short moduli are broken. */
function isWeak(key: KeyObject): boolean {
  if (key.asymmetricKeyType !== 'rsa') return false;
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  return modulusLength < MIN_RSA_BITS || publicExponent < 3n || publicExponent % 2n === 0n;
}

/** A client chooses the key of its proofs: a verification with it must not take longer than with any other. */
const MAX_CLIENT_RSA_BITS = 4096;
const MAX_CLIENT_RSA_EXPONENT = 0xffff_ffffn;

/** Whether a verification with the key takes a multiple of what it should: up to 8 ms of a thread that others wait for. */
export function isCostly({ key }: Pick<VerificationKey, 'key'>): boolean {
  if (key.asymmetricKeyType !== 'rsa') return false;
  const { modulusLength = Infinity, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  return modulusLength > MAX_CLIENT_RSA_BITS || publicExponent > MAX_CLIENT_RSA_EXPONENT;
}

function sameAlgorithm(name: SignatureAlgorithm, alg: unknown): boolean {
  return name === alg || (name === 'EdDSA' && alg === 'Ed25519') || (name === 'Ed25519' && alg === 'EdDSA');
}

function fingerprint(key: KeyObject, kid: string | undefined, algorithms: ReadonlySet<string>): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .update(JSON.stringify([kid ?? null, ...algorithms]))
    .digest('base64url');
}
