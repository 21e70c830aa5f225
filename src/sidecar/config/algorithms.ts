// The signature algorithms that the resource server knows, for tokens and for DPoP proofs.

/**
 * JWS algorithms that a resource server may allow: asymmetric signatures only.
 * `none` and the HMAC family are not expressible, so a public key can never be used as a shared secret
 * (RFC 8725 sections 2.1 and 3.1).
 */
export const SIGNATURE_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;
export type SignatureAlgorithm = (typeof SIGNATURE_ALGORITHMS)[number];

/** Algorithms of proofs, asymmetric all of them; named in the metadata and in challenges. */
export const DPOP_ALGORITHMS: readonly SignatureAlgorithm[] = [
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'PS256',
  'RS256',
];
