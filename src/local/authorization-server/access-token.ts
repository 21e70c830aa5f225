// The JWT access tokens of the embedded authorization server, shaped as Keycloak shapes them. Not who gets one.
import { decodeProtectedHeader, jwtVerify, SignJWT } from 'jose';
import { CLAIMS_BY_SCOPE, userClaims, type RealmUser } from './realm-user.ts';
import type { RealmKey } from './realm-key.ts';

/** Scope to audience, as Keycloak's audience mappers have it: the token names a resource only if its scope is granted. */
export type Audiences = Readonly<Record<string, string>>;

/** RFC 9068 section 2.1: `at+jwt`. Keycloak sends `JWT`. */
export type TokenType = 'at+jwt' | 'JWT';

interface AccessTokenGrant {
  id: string;
  clientId: string;
  subject: string;
  user: RealmUser;
  scope: string;
  lifetime: number;
  /** RFC 9449 section 6.1: the key that the token is bound to. */
  jkt?: string | undefined;
}

/** RFC 9068 section 2.2, with what Keycloak adds (`azp`, `typ`, the user's claims). */
export async function signAccessToken(
  grant: AccessTokenGrant,
  { issuer, audiences, type, key }: { issuer: string; audiences: Audiences; type: TokenType; key: RealmKey },
): Promise<string> {
  const scopes = grant.scope.split(' ').filter(Boolean);
  const issuedAt = Math.floor(Date.now() / 1000);
  const claims = {
    typ: grant.jkt ? 'DPoP' : 'Bearer',
    azp: grant.clientId,
    client_id: grant.clientId,
    scope: grant.scope,
    ...grantedClaims(grant.user, scopes),
    ...(grant.jkt ? { cnf: { jkt: grant.jkt } } : {}),
  };
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'RS256', typ: type, kid: key.kid })
    .setIssuer(issuer)
    .setAudience(audienceClaim(scopes, audiences))
    .setSubject(grant.subject)
    .setJti(grant.id)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + grant.lifetime)
    .sign(key.privateKey);
}

/** The `jti` of a token that this server signed and that has not expired; nothing for any other string. */
export async function verifyAccessToken(
  token: string,
  issuer: string,
  keys: readonly RealmKey[],
): Promise<string | undefined> {
  try {
    const { kid } = decodeProtectedHeader(token);
    const key = keys.find((candidate) => candidate.kid === kid);
    if (!key) return undefined;
    const { payload } = await jwtVerify(token, key.publicKey, { issuer, algorithms: ['RS256'] });
    return payload.jti;
  } catch {
    return undefined; // Of another issuer, expired or no JWT: the endpoint rejects an unknown token.
  }
}

/** `account` is in every Keycloak token; alone it is a string, else an array (RFC 7519 section 4.1.3 allows both). */
function audienceClaim(scopes: readonly string[], audiences: Audiences): string | string[] {
  const named = scopes.flatMap((scope) => (Object.hasOwn(audiences, scope) ? [audiences[scope]!] : []));
  return named.length === 0 ? 'account' : [...new Set([...named, 'account'])];
}

function grantedClaims(user: RealmUser, scopes: readonly string[]): Record<string, string | boolean> {
  const names = Object.entries(CLAIMS_BY_SCOPE).flatMap(([scope, claims]) =>
    scopes.includes(scope) ? claims : [],
  );
  return Object.fromEntries(
    Object.entries(userClaims(user)).filter(([name]) => (names as string[]).includes(name)),
  );
}
