// Whether a compact JWS was signed by a key: the one place where jose is asked. What the JWS says is judged elsewhere.
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
    throw error; // not a verdict on the signature: the gateway answers 500 and nothing is forwarded
  }
}
