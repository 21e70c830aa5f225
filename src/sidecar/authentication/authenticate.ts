// Authenticates: token -> Principal, or a Denial. The only maker of principals; authorization/ decides what they may do.
import type { Clock } from '../../base/clock.ts';
import {
  validateClaims,
  type AccessTokenClaims,
  type ClaimsValidation,
  type TokenProblem,
} from '../tokens/claims.ts';
import { isCompactJws, MAX_TOKEN_LENGTH, parseCompactJws, type CompactJws } from '../tokens/compact-jws.ts';
import type { SignatureAlgorithm } from '../config/algorithms.ts';
import type { IssuerConfig, SidecarConfig } from '../config/config.ts';
import type { BindingModes, Confirmation } from '../tokens/confirmation.ts';
import type { Scheme } from '../denial/challenge.ts';
import type { Denial } from '../denial/denial.ts';
import type { DpopVerifier } from './dpop.ts';
import { claimHeaderLines } from '../tokens/claim-headers.ts';
import type { Introspector } from '../issuers/introspection.ts';
import type { KeyTrust, VerificationKey } from '../tokens/jwk.ts';
import type { IssuerKeys } from '../issuers/jwks.ts';
import { sourceOf } from '../limits/source.ts';
import { possessionProblem, type Presentation } from './proof-of-possession.ts';
import { isSignedBy } from '../tokens/signature.ts';
import { digestOf, TokenCache } from '../tokens/token-cache.ts';

/** Only this module can make one: a principal in hand is the proof that a token was verified. */
declare const verified: unique symbol;

/** The client and subject of a verified token. Holds what decisions and forwarding need, not the claims. */
export interface Principal {
  readonly [verified]: true;
  readonly issuer: string;
  readonly subject: string;
  readonly client: string | undefined;
  /** Digest of issuer, subject and client: the same for all of their tokens. Sessions belong to it. */
  readonly owner: string;
  readonly scopes: readonly string[];
  /** When the token has expired: `exp` plus skew (milliseconds since the epoch). */
  readonly expiresAt: number;
  /** Header lines for the server made from claims (`claimToHeaders`); empty for none. */
  readonly headerLines: string;
  readonly basis: Basis;
}

/** What else a verification rests on, besides time: it holds no longer than all of this does. */
interface Basis {
  /** That of the configuration by which the token was verified. */
  readonly authenticator: Authenticator;
  /** Of the key that signed the token; none for an opaque one. */
  readonly trust: KeyTrust | undefined;
  /** When the authorization server was asked (milliseconds since the epoch); 0 for a JWT. */
  readonly askedAt: number;
  /** When it has to be asked again (milliseconds since the epoch); never about a JWT. */
  readonly askAgainAt: number;
}

interface Authenticated {
  readonly ok: true;
  readonly principal: Principal;
}

export type Authentication = Authenticated | { readonly ok: false; readonly denial: Denial };

interface AuthenticatorDependencies {
  readonly clock: Clock;
  /** By issuer identifier: a token is verified with the keys of the issuer in its `iss`, and no others. */
  readonly keys: ReadonlyMap<string, IssuerKeys>;
  readonly dpop: DpopVerifier;
  /** Undefined where opaque tokens are not accepted. */
  readonly introspector: Introspector | undefined;
  /** Called for each verification that was not served from the cache. */
  readonly onVerified: (outcome: 'ok' | TokenProblem | Unavailable) => void;
}

/** Asked before any work on a token that is not in the cache. */
interface Gate<Request> {
  /** @returns what stands for the request while its token is verified, or why that is not looked at */
  enter(request: Request): Presentation | Denial;
}

const OPEN: Gate<Presentation> = { enter: (presentation) => presentation };

/**
 * A valid token in the cache, and what ends its validity. Whether the client holds the key that the token is bound to is
 * verified with every request.
 */
interface VerifiedToken {
  readonly authentication: Authenticated;
  readonly confirmation: Confirmation | undefined;
  /** Milliseconds since the epoch: `exp` plus skew, or when the token has to be introspected again. */
  readonly expiresAt: number;
}

/** Why a token can be neither accepted nor rejected: not the client's fault. */
type Unavailable =
  'keys_unavailable' | 'key_not_known_yet' | 'introspection_failed' | 'introspection_limited';

/** What a request shows besides the token itself. */
interface Shown {
  readonly scheme: Scheme;
  /** SHA-256 of the token, one character a byte. */
  readonly digest: string;
  readonly presentation: Presentation;
  readonly look: Look;
}

/** A request that was authenticated before, and is not over. */
interface UnderWay {
  /** As it was last found. */
  readonly principal: Principal;
  /** The value of its `Authorization` field. */
  readonly authorization: string | undefined;
  /** A call, and no stream: it may finish after its token's end (RESOURCE_SERVER D39). */
  readonly isCall: boolean;
}

/** How a token is looked at. */
interface Look {
  /** `exp` is not looked at: a call may finish after its token's end. */
  readonly isExpiryIgnored: boolean;
  /** Only keys that are known count: none is fetched. */
  readonly isOffline: boolean;
}

const FIRST_LOOK: Look = { isExpiryIgnored: false, isOffline: false };

/** An opaque token may be revoked at any time: it stays in the cache for no longer than this (milliseconds). */
const MAX_INTROSPECTED_MS = 60_000;
/** Where the authorization server cannot be asked about a token under way: between attempts, and how old its last word may get. */
const ASK_PAUSE_MS = 10_000;
const MAX_UNASKED_MS = 2 * MAX_INTROSPECTED_MS;
/** What is said of an opaque token that has expired. */
const ENDS: ReadonlySet<string> = new Set<TokenProblem>(['inactive', 'expired']);
const NO_CREDENTIALS: Authentication = { ok: false, denial: { kind: 'no_credentials' } };

/** RFC 9110 section 11.4, RFC 6750 section 2.1, RFC 9449 section 7.1: the scheme in any case, spaces, one token68. */
const CREDENTIALS = /^(?:bearer|(dpop))(?: +|$)/i;

/** The scheme of an `Authorization` value; Bearer for any other scheme. */
export function schemeOf(authorization: string | undefined): Scheme {
  return CREDENTIALS.exec(authorization ?? '')?.[1] === undefined ? 'Bearer' : 'DPoP';
}

/** Authenticates `Authorization` values by one configuration. Make a new one when the configuration changes. */
export class Authenticator {
  readonly #config: SidecarConfig;
  readonly #deps: AuthenticatorDependencies;
  readonly #issuers: ReadonlyMap<string, IssuerConfig>;
  readonly #bindings: BindingModes;
  readonly #cache = new TokenCache<VerifiedToken>();

  constructor(config: SidecarConfig, deps: AuthenticatorDependencies) {
    this.#config = config;
    this.#deps = deps;
    this.#issuers = new Map(config.issuers.map((issuer) => [issuer.issuer, issuer]));
    this.#bindings = { dpop: config.dpop.mode, clientCertificates: config.clientCertificates.mode };
  }

  /** Tokens in the cache. */
  get cached(): number {
    return this.#cache.size;
  }

  /**
   * Authenticates a request by the value of its only `Authorization` field, or by its absence.
   * Synchronous for an unbound token in the cache; a promise where a signature has to be verified.
   * @param gate decides whether a token that is not in the cache is looked at: until then it costs one digest
   */
  authenticate<Shows extends Presentation>(
    authorization: string | undefined,
    presentation: Shows,
    gate: Gate<Shows> = OPEN,
  ): Authentication | Promise<Authentication> {
    return this.#authenticate(authorization, presentation, FIRST_LOOK, gate);
  }

  /**
   * Whether what was found out about a principal is so now: found by this configuration, within the token's life, with a
   * key that is trusted, and not too long ago.
   */
  holds({ expiresAt, basis }: Principal): boolean {
    const now = this.#deps.clock();
    return now < expiresAt && this.#stands(basis, now);
  }

  /**
   * Whether the right of a request under way has to be found out again, which is more than its token's expiry. Cheap: asked
   * for every stream, every second.
   */
  isOutdated({ basis }: Principal): boolean {
    return !this.#stands(basis, this.#deps.clock());
  }

  #stands({ authenticator, trust, askAgainAt }: Basis, now: number): boolean {
    return authenticator === this && now < askAgainAt && trust?.holds(now) !== false;
  }

  /**
   * Authenticates a request under way by this configuration: what a fresh request with its token would get, though the
   * proof that it came with is not too old for it.
   */
  async authenticateAgain(
    { principal, authorization, isCall }: UnderWay,
    presentation: Presentation,
  ): Promise<Authentication> {
    const isKnownHere = principal.basis.authenticator === this;
    // A key that was withdrawn is not asked for: the issuer has just said that it is gone.
    const look: Look = { isExpiryIgnored: isCall, isOffline: isKnownHere };
    const authentication = await this.#authenticate(authorization, presentation, look, OPEN);
    if (authentication.ok || !isKnownHere) return authentication;
    const extended = this.#extended(principal, authentication.denial, isCall);
    return extended === undefined ? authentication : { ok: true, principal: extended };
  }

  /** What an authorization server that gives no answer, or says no more than that a token has expired, does not end. */
  #extended(principal: Principal, denial: Denial, isCall: boolean): Principal | undefined {
    const { basis, expiresAt } = principal;
    const now = this.#deps.clock();
    if (basis.trust !== undefined) return undefined;
    const isUnasked = denial.kind === 'introspection_unavailable' && now - basis.askedAt < MAX_UNASKED_MS;
    if (isUnasked) return { ...principal, basis: { ...basis, askAgainAt: now + ASK_PAUSE_MS } };
    // Its clock may be ahead by the skew, and the token's life is shorter by the skew than `expiresAt` says.
    const isAtItsEnd = now >= expiresAt - 2 * this.#config.clockSkewSeconds * 1000;
    const hasExpired = denial.kind === 'invalid_token' && ENDS.has(denial.reason) && isAtItsEnd;
    if (isCall && hasExpired) return { ...principal, basis: { ...basis, askAgainAt: Infinity } };
    return undefined;
  }

  #authenticate<Shows extends Presentation>(
    authorization: string | undefined,
    presentation: Shows,
    look: Look,
    gate: Gate<Shows>,
  ): Authentication | Promise<Authentication> {
    if (authorization === undefined) return NO_CREDENTIALS;
    const start = CREDENTIALS.exec(authorization);
    // A scheme that is not supported counts as no credentials (RFC 6750 section 3.1), and so does an empty token.
    if (start === null) return NO_CREDENTIALS;
    const scheme = start[1] === undefined ? 'Bearer' : 'DPoP';
    if (this.#bindings.dpop === (scheme === 'DPoP' ? 'Off' : 'Require')) return NO_CREDENTIALS;
    const token = authorization.slice(start[0].length);
    if (token === '') return NO_CREDENTIALS;
    if (/[ ,]/.test(token)) return deny({ kind: 'invalid_request', reason: 'several_credentials' });
    const digest = digestOf(token);
    const known = this.#cached(digest);
    if (known !== undefined) return this.#confirm(known, { digest, scheme, presentation, look });
    const entered = gate.enter(presentation);
    if ('kind' in entered) return deny(entered);
    return this.#verify(token, { digest, scheme, presentation: entered, look });
  }

  /** A token in the cache never outlives its expiry or its key: both are checked on every hit. */
  #cached(digest: string): VerifiedToken | undefined {
    const known = this.#cache.get(digest);
    if (known === undefined) return undefined;
    const now = this.#deps.clock();
    const { trust } = known.authentication.principal.basis;
    if (now < known.expiresAt && trust?.holds(now) !== false) return known;
    this.#cache.delete(digest);
    return undefined;
  }

  async #verify(token: string, shown: Shown): Promise<Authentication> {
    const result = await this.#verifyToken(token, shown);
    if (typeof result === 'string') {
      this.#deps.onVerified(result);
      return deny({ kind: denialKind(result), reason: result });
    }
    this.#deps.onVerified('ok');
    this.#cache.set(shown.digest, result);
    return this.#confirm(result, shown);
  }

  /** Whether the client holds the key that the token is bound to. An unbound token as Bearer needs no promise. */
  #confirm(
    { authentication, confirmation }: VerifiedToken,
    { digest, scheme, presentation }: Shown,
  ): Authentication | Promise<Authentication> {
    if (confirmation === undefined && scheme === 'Bearer') return authentication;
    const answer = (denial: Denial | undefined) => (denial === undefined ? authentication : deny(denial));
    const { owner } = authentication.principal;
    const problem = possessionProblem({ scheme, digest, owner, confirmation }, presentation, this.#deps.dpop);
    return problem instanceof Promise ? problem.then(answer) : answer(problem);
  }

  /**
   * Verifies one token: shape, issuer, algorithm, key, signature, claims, in this order. The strict checks come before the
   * signature because jose, like most libraries, is lenient where parsers differ (RESOURCE_SERVER section K).
   */
  async #verifyToken(token: string, shown: Shown): Promise<VerifiedToken | TokenProblem | Unavailable> {
    const { look } = shown;
    const { introspector } = this.#deps;
    if (introspector !== undefined && !isCompactJws(token))
      return this.#verifyOpaque(token, shown, introspector);
    const jws = parseCompactJws(token);
    if (jws === undefined) return 'malformed';
    const { header, claims } = jws;
    const issuer = typeof claims.iss === 'string' ? this.#issuers.get(claims.iss) : undefined;
    if (issuer === undefined) return 'unknown_issuer';
    const algorithm = issuer.algorithms.find((name) => name === header.alg);
    if (algorithm === undefined) return 'algorithm_not_allowed';
    if (header.crit !== undefined || header.b64 !== undefined) return 'unsupported_crit';
    if (header.kid !== undefined && typeof header.kid !== 'string') return 'bad_kid';

    const key = await this.#verifySignature(token, jws, { issuer, algorithm, look });
    // Where the key is not known yet, the claims may say already that no key makes it a good token.
    if (typeof key === 'string' && key !== 'key_not_known_yet') return key;
    const valid = this.#validate(jws, issuer, look);
    if (!valid.ok) return valid.reason;
    if (typeof key === 'string') return key;
    return this.#verified(valid.claims, { issuer, jws, trust: key.trust, askedAt: 0, askAgainAt: Infinity });
  }

  #validate({ header, claims }: CompactJws, issuer: IssuerConfig, look: Look): ClaimsValidation {
    const skew = this.#config.clockSkewSeconds;
    const time = this.#deps.clock() / 1000;
    const now =
      look.isExpiryIgnored && typeof claims.exp === 'number' ? Math.min(time, claims.exp - 1) : time;
    return validateClaims({ header, claims, issuer, bindings: this.#bindings, now, skew });
  }

  #verified(
    claims: AccessTokenClaims,
    { issuer, jws, ...basis }: { issuer: IssuerConfig; jws: CompactJws } & Omit<Basis, 'authenticator'>,
  ): VerifiedToken {
    const expiresAt = (claims.expiry + this.#config.clockSkewSeconds) * 1000;
    const { subject, client, scopes, confirmation } = claims;
    const principal: Omit<Principal, typeof verified> = {
      issuer: issuer.issuer,
      subject,
      client,
      owner: digestOf(JSON.stringify([issuer.issuer, subject, client])),
      scopes,
      expiresAt,
      headerLines: claimHeaderLines(this.#config.claimToHeaders, jws.claims),
      basis: { authenticator: this, ...basis },
    };
    // The brand has no run-time value.
    return { authentication: { ok: true, principal: principal as Principal }, confirmation, expiresAt };
  }

  /**
   * A token that is not a JWT: its claims come from the authorization server, and the same rules apply to them. `iss` may
   * be absent (RFC 7662 section 2.2), since the issuer itself answers; `aud` and `exp` may not.
   */
  async #verifyOpaque(
    token: string,
    { digest, presentation }: Shown,
    introspector: Introspector,
  ): Promise<VerifiedToken | TokenProblem | Unavailable> {
    if (token.length > MAX_TOKEN_LENGTH) return 'malformed';
    const issuer = this.#issuers.get(introspector.issuer);
    if (issuer === undefined) return 'unknown_issuer';
    const source = sourceOf(presentation.req.socket);
    const found = await introspector.introspect(token, digest, source);
    if (found.kind === 'unavailable') return found.reason;
    if (found.kind === 'inactive') return 'inactive';
    const jws = { header: {}, claims: found.claims };
    const now = this.#deps.clock();
    const isOwn = found.claims.iss === undefined || found.claims.iss === issuer.issuer;
    // RFC 9068 is about the form of JWTs: for an opaque token only its rules for claims apply.
    const valid: ClaimsValidation = isOwn
      ? this.#validate(jws, { ...issuer, tokenProfile: 'Compat' }, FIRST_LOOK)
      : { ok: false, reason: 'unknown_issuer' };
    if (!valid.ok) {
      introspector.refuse(digest, source);
      return valid.reason;
    }
    const askAgainAt = now + MAX_INTROSPECTED_MS;
    const basis = { trust: undefined, askedAt: now, askAgainAt };
    const expiresAt = Math.min(valid.claims.expiry * 1000, askAgainAt);
    return { ...this.#verified(valid.claims, { issuer, jws, ...basis }), expiresAt };
  }

  async #verifySignature(
    token: string,
    { header, claims }: CompactJws,
    { issuer, algorithm, look }: SignatureChecks,
  ): Promise<VerificationKey | TokenProblem | Unavailable> {
    const kid = typeof header.kid === 'string' ? header.kid : undefined;
    const keys = this.#deps.keys.get(issuer.issuer);
    const found = look.isOffline
      ? keys?.known(kid, algorithm)
      : await keys?.find(kid, algorithm, this.#signedBy(claims));
    if (found === undefined || found.kind === 'unavailable') return 'keys_unavailable';
    if (found.kind === 'undecided') return 'key_not_known_yet';
    if (found.kind === 'unknown') return 'unknown_key';
    for (const key of found.keys) {
      if (await isSignedBy(token, key, algorithm)) {
        // It may have been revoked while the signature was verified.
        return key.trust.holds(this.#deps.clock()) ? key : 'unknown_key';
      }
    }
    return 'bad_signature';
  }

  /** By `iat`, which nothing vouches for yet: forged, it decides between two refusals and no more. */
  #signedBy({ iat }: CompactJws['claims']): number | undefined {
    return typeof iat === 'number' ? (iat + this.#config.clockSkewSeconds) * 1000 : undefined;
  }
}

/** What a signature is verified by. */
interface SignatureChecks {
  readonly issuer: IssuerConfig;
  readonly algorithm: SignatureAlgorithm;
  readonly look: Look;
}

function denialKind(
  problem: TokenProblem | Unavailable,
): 'invalid_token' | 'keys_unavailable' | 'introspection_unavailable' {
  switch (problem) {
    case 'keys_unavailable':
    case 'key_not_known_yet':
      return 'keys_unavailable';
    case 'introspection_failed':
    case 'introspection_limited':
      return 'introspection_unavailable';
    default:
      return 'invalid_token';
  }
}

function deny(denial: Denial): Authentication {
  return { ok: false, denial };
}
