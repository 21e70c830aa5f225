// Validates header and claims of a token whose issuer is known; the first problem wins. Verifies no signature.
import { isFilledText, type Members } from '../../protocol/json.ts';
import { namesAudience } from './audience.ts';
import { isAccessTokenType, isOtherKind, isPlainJwtType } from './token-kind.ts';
import type { IssuerConfig } from '../config/config.ts';
import {
  parseConfirmation,
  type BindingModes,
  type Confirmation,
  type ConfirmationProblem,
} from './confirmation.ts';

/** Why a token is refused. Stable: these are the values of the `reason` label and log field. */
export type TokenProblem =
  | 'malformed'
  | 'unknown_issuer'
  | 'algorithm_not_allowed'
  | 'unsupported_crit'
  | 'bad_kid'
  | 'unknown_key'
  | 'bad_signature'
  | 'wrong_type'
  | 'not_an_access_token'
  | ConfirmationProblem
  | 'wrong_audience'
  | 'no_expiry'
  | 'expired'
  | 'not_yet_valid'
  | 'missing_claim'
  | 'inactive';

export interface ClaimsInput {
  readonly header: Members;
  readonly claims: Members;
  readonly issuer: Pick<IssuerConfig, 'audiences' | 'audiencePolicy' | 'tokenProfile'>;
  readonly bindings: BindingModes;
  /** Seconds since the epoch. */
  readonly now: number;
  /** Seconds. */
  readonly skew: number;
}

/** The claims that decisions need, of a token that passed every check. */
export interface AccessTokenClaims {
  readonly subject: string;
  readonly client: string | undefined;
  readonly scopes: readonly string[];
  /** `exp`: seconds since the epoch. */
  readonly expiry: number;
  /** What the token is bound to; `undefined` for a bearer token. */
  readonly confirmation: Confirmation | undefined;
}

export type ClaimsValidation =
  | { readonly ok: true; readonly claims: AccessTokenClaims }
  | { readonly ok: false; readonly reason: TokenProblem };

/** The order is that of RFC 9068 section 4 after the signature: type, audience, time, required claims. */
export function validateClaims(input: ClaimsInput): ClaimsValidation {
  const { claims, issuer, bindings, now, skew } = input;
  const early = typeProblem(input) ?? kindProblem(input);
  if (early !== undefined) return invalid(early);
  // RFC 9449 section 7.2, RFC 8705 section 3: whether the client holds the key is verified with each request.
  const confirmation = parseConfirmation(claims.cnf, bindings);
  if (typeof confirmation === 'string') return invalid(confirmation);
  // RFC 9068 section 4.
  if (!namesAudience(claims.aud, issuer)) return invalid('wrong_audience');
  // RFC 9068 section 2.2: `exp` is required. RFC 7519 section 4.1.4: now must be before it, give or take the skew.
  const { sub: subject, exp: expiry } = claims;
  if (!isFiniteNumber(expiry)) return invalid('no_expiry');
  if (now >= expiry + skew) return invalid('expired');
  if (!hasStarted(claims.nbf, input) || !hasStarted(claims.iat, input)) return invalid('not_yet_valid');
  const client = CLIENT_CLAIMS.map((name) => claims[name]).find(isFilledText);
  if (!isFilledText(subject) || !hasRequired(input, client)) return invalid('missing_claim');
  return { ok: true, claims: { subject, client, scopes: grantedScopes(claims), expiry, confirmation } };
}

function invalid(reason: TokenProblem): ClaimsValidation {
  return { ok: false, reason };
}

/** RFC 9068 section 4: `typ` is `at+jwt`. Compat: also `JWT` or none, which Keycloak and Entra send. Nothing else is. */
function typeProblem({ header, issuer }: ClaimsInput): TokenProblem | undefined {
  const { typ } = header;
  if (isAccessTokenType(typ)) return undefined;
  if (issuer.tokenProfile === 'Strict') return 'wrong_type';
  return typ === undefined || isPlainJwtType(typ) ? undefined : 'wrong_type';
}

/** RFC 8725 section 3.12: other JWTs of the same issuer are not access tokens. */
function kindProblem({ header, claims }: ClaimsInput): TokenProblem | undefined {
  return isOtherKind(header, claims) ? 'not_an_access_token' : undefined;
}

/** RFC 7519 sections 4.1.5 and 4.1.6: `nbf` and `iat`, where they are there. */
function hasStarted(value: unknown, { now, skew }: ClaimsInput): boolean {
  return value === undefined || (isFiniteNumber(value) && value <= now + skew);
}

/**
 * RFC 9068 section 2.2, apart from `sub`. Compat: the client that the token was issued to, under any of the usual
 * names.
 */
function hasRequired({ claims, issuer }: ClaimsInput, client: string | undefined): boolean {
  if (issuer.tokenProfile === 'Compat') return client !== undefined;
  return isFilledText(claims.client_id) && isFilledText(claims.jti) && isFiniteNumber(claims.iat);
}

/** The client that the token was issued to: RFC 9068, Keycloak and others, Entra v1, Okta. */
const CLIENT_CLAIMS = ['client_id', 'azp', 'appid', 'cid'] as const;

/**
 * The scopes a token grants: `scope` as a space-separated string (RFC 9068 section 2.2.3), else `scp` as string or array
 * (Entra, Okta). Any other shape grants nothing.
 */
function grantedScopes(claims: Members): readonly string[] {
  if (claims.scope !== undefined) return typeof claims.scope === 'string' ? splitScopes(claims.scope) : [];
  if (typeof claims.scp === 'string') return splitScopes(claims.scp);
  if (!Array.isArray(claims.scp)) return [];
  return claims.scp.every((value) => typeof value === 'string') ? claims.scp : [];
}

function splitScopes(text: string): string[] {
  return text.split(' ').filter((scope) => scope !== '');
}

/** `1e400` parses to Infinity: a number, but not a date. */
function isFiniteNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
