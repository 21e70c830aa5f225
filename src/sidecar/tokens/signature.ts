// Verifies the signature of a compact JWS: the only call of jose in the sidecar (ADR 20). Claims are validated elsewhere.
import { compactVerify, errors } from 'jose';
import type { SignatureAlgorithm } from '../config/algorithms.ts';
import type { VerificationKey } from './jwk.ts';

export async function isSignedBy(
  jws: string,
  { key }: Pick<VerificationKey, 'key'>,
  algorithm: SignatureAlgorithm,
): Promise<boolean> {
  try {
    await compactVerify(jws, key, { algorithms: [algorithm] });
    return true;
  } catch (error) {
    if (error instanceof errors.JOSEError) return false;
    throw error; // says nothing about the signature: the gateway answers 500 and nothing is forwarded
  }
}
