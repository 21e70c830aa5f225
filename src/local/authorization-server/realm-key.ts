// The authorization server's RSA signing keys: in memory only, so a restart is also a key rotation. No key storage.
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type CryptoKey, type JWK } from 'jose';

export interface RealmKey {
  kid: string;
  privateKey: CryptoKey;
  publicKey: CryptoKey;
  /** With the private members; oidc-provider publishes the public ones. */
  jwk: JWK & { kty: 'RSA' };
}

/** RFC 7638: the key's thumbprint as `kid`, so no two keys ever share one. */
export async function generateRealmKey(): Promise<RealmKey> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', {
    modulusLength: 2048,
    extractable: true,
  });
  const jwk = await exportJWK(privateKey);
  const kid = await calculateJwkThumbprint(jwk);
  return { kid, privateKey, publicKey, jwk: { ...jwk, kty: 'RSA', kid, alg: 'RS256', use: 'sig' } };
}
