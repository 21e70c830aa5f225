// The thumbprint of a public JWK (RFC 7638): what `cnf.jkt` of a token names. Validates no key; why not jose: ADR 20.
import { hash } from 'node:crypto';

/** RFC 7638 section 3.2, RFC 8037 section 2: the members that count, in the order in which they are hashed. */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  RSA: ['e', 'kty', 'n'],
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
};

/** SHA-256 in base64url; `undefined` for a key type that is not known, or where a member is no string. */
export function jwkThumbprint(jwk: Readonly<Record<string, unknown>>): string | undefined {
  const names = typeof jwk.kty === 'string' && Object.hasOwn(MEMBERS, jwk.kty) ? MEMBERS[jwk.kty] : undefined;
  if (names === undefined || names.some((name) => typeof jwk[name] !== 'string')) return undefined;
  return hash(
    'sha256',
    JSON.stringify(Object.fromEntries(names.map((name) => [name, jwk[name]]))),
    'base64url',
  );
}
