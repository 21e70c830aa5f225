// What kind of token it is, by the type in its header and by what its claims say: an access token, or another.
import type { Members } from '../../protocol/json.ts';

/** RFC 9068 section 4: `at+jwt`, with or without the `application/` prefix, in any case. */
export function isAccessTokenType(type: unknown): boolean {
  return mediaType(type) === 'at+jwt';
}

/** RFC 7519 section 5.1: `JWT`, which says nothing of the kind. */
export function isPlainJwtType(type: unknown): boolean {
  return mediaType(type) === 'jwt';
}

/** RFC 7515 section 4.1.9: the prefix may be left out. */
function mediaType(type: unknown): string | undefined {
  return typeof type === 'string' ? type.toLowerCase().replace(/^application\//, '') : undefined;
}

/**
 * Whether claims, of a JWT or of an answer of introspection, are those of another token than an access token. A claim that
 * says the kind is believed whatever the header says; the other signs count where the header does not name an access token.
 * @param header of a JWT; empty for an answer of introspection
 */
export function isOtherKind(header: Members, claims: Members): boolean {
  if (saysOtherKind(claims)) return true;
  if (isAccessTokenType(header.typ)) return false;
  return hasAny(claims, CLAIMS_OF_OTHER_KINDS) || looksLikeIdToken(claims);
}

/**
 * Claims that say the kind, and their values for access tokens, in lower case and without separators; any other is refused.
 * `typ`: Keycloak. `token_use`: Amazon Cognito, Ory Hydra. `token_type`: RFC 7662 section 2.2, where some write the kind of
 * token instead of its scheme (Duende, Janssen).
 */
const KIND_CLAIMS: readonly (readonly [name: string, ofAccessTokens: ReadonlySet<string>])[] = [
  ['typ', new Set(['bearer', 'dpop', 'jwt', 'at+jwt', 'access', 'accesstoken'])],
  ['token_use', new Set(['access', 'accesstoken'])],
  [
    'token_type',
    new Set([
      ...['bearer', 'bearertoken', 'dpop', 'access', 'accesstoken', 'jwt', 'at+jwt'],
      // RFC 8693 section 3.
      ...['urn:ietf:params:oauth:tokentype:accesstoken', 'urn:ietf:params:oauth:tokentype:jwt'],
    ]),
  ],
];

/**
 * Claims that say the kind at some servers and other things at others, and the values that are refused. `tokenName`:
 * ForgeRock. `tokenType`: Casdoor. `purpose`: Curity.
 */
const OTHER_KINDS: ReadonlySet<string> = new Set([
  ...['id', 'idtoken', 'refresh', 'refreshtoken', 'offline', 'offlinetoken', 'logout', 'logouttoken'],
  ...['authorizationcode', 'code', 'state', 'clientassertion', 'registration', 'registrationtoken'],
]);
const AMBIGUOUS_KIND_CLAIMS = ['tokenName', 'tokenType', 'token_kind', 'purpose', 'use'] as const;

function saysOtherKind(claims: Members): boolean {
  for (const [name, ofAccessTokens] of KIND_CLAIMS) {
    const value = claims[name];
    if (value !== undefined && !ofAccessTokens.has(kindOf(value))) return true;
  }
  return AMBIGUOUS_KIND_CLAIMS.some(
    (name) => claims[name] !== undefined && OTHER_KINDS.has(kindOf(claims[name])),
  );
}

const SEPARATORS = /[\s_-]/g;

/** `Refresh_Token`, `refresh-token` and `refreshtoken` are one kind. What is no text is none. */
function kindOf(value: unknown): string {
  return typeof value === 'string' ? value.toLowerCase().replace(SEPARATORS, '') : '';
}

/**
 * OpenID Connect Core sections 2, 3.3.2.11 and 7.4, CIBA section 7.3 and FAPI: ID tokens; RFC 8417 section 2.2: security
 * events, logout tokens among them; RFC 9449 section 4.2: proofs; RFC 9701 section 5: answers of introspection; credentials.
 */
const CLAIMS_OF_OTHER_KINDS: ReadonlySet<string> = new Set([
  ...['nonce', 'at_hash', 'c_hash', 's_hash', 'sub_jwk'],
  ...['urn:openid:params:jwt:claim:rt_hash', 'urn:openid:params:jwt:claim:auth_req_id'],
  ...['events', 'htm', 'htu', 'ath', 'token_introspection', 'vc', 'vp'],
]);

/** What only access tokens say: what was granted, or how their client authenticated. */
const CLAIMS_OF_ACCESS_TOKENS: ReadonlySet<string> = new Set([
  ...['scope', 'scp', 'roles', 'permissions', 'realm_access', 'resource_access'],
  ...['client_id', 'cid', 'appid', 'azpacr', 'appidacr', 'gty', 'typ', 'token_use', 'token_type'],
]);

/** What ID tokens say of a login and a person (OpenID Connect Core sections 2 and 5.1). */
const CLAIMS_OF_LOGINS: ReadonlySet<string> = new Set([
  ...['auth_time', 'acr', 'amr', 'sid', 'email', 'email_verified', 'name', 'given_name', 'family_name'],
  ...['preferred_username', 'nickname', 'picture', 'profile', 'locale', 'zoneinfo', 'updated_at', 'hd'],
]);

/** An ID token without hashes and nonce: it tells of a login, names its client in `azp` alone, and nothing is granted. */
function looksLikeIdToken(claims: Members): boolean {
  return (
    claims.azp !== undefined && !hasAny(claims, CLAIMS_OF_ACCESS_TOKENS) && hasAny(claims, CLAIMS_OF_LOGINS)
  );
}

/** Goes through the claims that there are: a token has a dozen, and to look for each name in vain takes longer. */
function hasAny(claims: Members, names: ReadonlySet<string>): boolean {
  for (const name of Object.keys(claims)) if (names.has(name) && claims[name] !== undefined) return true;
  return false;
}
