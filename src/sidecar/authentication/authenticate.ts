// Token -> Principal, or a Denial. The only maker of principals; what they may do is decided in authorize.ts.
import type { Clock } from '../../base/clock.ts';
import { isFilledText } from '../../protocol/json.ts';
import { CLIENT_CLAIMS, claimsProblem, grantedScopes, type TokenProblem } from '../tokens/claims.ts';
import { isCompactJws, MAX_TOKEN_LENGTH, parseCompactJws, type CompactJws } from '../tokens/compact-jws.ts';
import type { SignatureAlgorithm } from '../config/algorithms.ts';
import type { IssuerConfig, SidecarConfig } from '../config/config.ts';
import { parseConfirmation, type BindingModes, type Confirmation } from '../tokens/confirmation.ts';
import type { Scheme } from '../denial/challenge.ts';
import type { Denial } from '../denial/denial.ts';
import type { DpopVerifier } from './dpop.ts';
import { claimHeaderLines } from '../tokens/claim-headers.ts';
import type { Introspector } from '../issuers/introspection.ts';
import type { VerificationKey } from '../tokens/jwk.ts';
import type { IssuerKeys } from '../issuers/jwks.ts';
import { possessionProblem, type Presentation } from './proof-of-possession.ts';
import { isSignedBy } from '../tokens/signature.ts';
import { digestOf, TokenCache } from '../tokens/token-cache.ts';

/** Only this module can make one: a principal in hand is the proof that a token was verified. */
declare const verified: unique symbol;

/** Who calls, as the verified token says. Holds what decisions and forwarding need, not the claims. */
export interface Principal {
  readonly [verified]: true;
  readonly issuer: string;
  readonly subject: string;
  readonly client: string | undefined;
  /** Digest of issuer, subject and client: the same for every token of theirs. Sessions belong to it. */
  readonly owner: string;
  readonly scopes: readonly string[];
  /** When the token is worth nothing any more: `exp` plus skew (milliseconds since the epoch). */
  readonly expiresAt: number;
  /** Header lines for the server made from claims (`claimToHeaders`); empty for none. */
  readonly headerLines: string;
}

export type Authentication =
  { readonly ok: true; readonly principal: Principal } | { readonly ok: false; readonly denial: Denial };

export interface AuthenticatorDependencies {
  readonly clock: Clock;
  /** By issuer identifier: a token is judged with the keys of the issuer it names, and no others. */
  readonly keys: ReadonlyMap<string, IssuerKeys>;
  readonly dpop: DpopVerifier;
  /** Undefined where opaque tokens are not taken. */
  readonly introspector: Introspector | undefined;
  /** Told of each verification that was not answered from the cache. */
  readonly onVerified: (outcome: 'ok' | TokenProblem | Unavailable) => void;
}

/**
 * A remembered good verdict, and what ends it. It is about the token alone: whether the client holds what the token is
 * bound to is judged with every request.
 */
interface Verdict {
  readonly authentication: Authentication;
  readonly confirmation: Confirmation | undefined;
  /** Milliseconds since the epoch: `exp` plus skew, or when an introspected token is to be asked for again. */
  readonly expiresAt: number;
  readonly key: Pick<VerificationKey, 'trustedUntil'>;
}

/** Why nobody can say what a token is worth: no fault of the client's. */
type Unavailable = 'keys_unavailable' | 'introspection_failed' | 'introspection_limited';

/** An introspected token may be revoked any time: its verdict is not trusted for longer than this (milliseconds). */
const MAX_INTROSPECTED_MS = 60_000;
/** There is no key to withdraw. */
const NO_KEY = { trustedUntil: Number.POSITIVE_INFINITY };

const NO_CREDENTIALS: Authentication = { ok: false, denial: { kind: 'no_credentials' } };

/** RFC 9110 section 11.4, RFC 6750 section 2.1, RFC 9449 section 7.1: the scheme in any case, spaces, one token68. */
const SCHEME = /^(?:bearer|dpop)(?: +|$)/i;

/** The scheme of an `Authorization` value; Bearer for what is neither. */
export function schemeOf(authorization: string | undefined): Scheme {
  return authorization !== undefined && /^dpop(?: |$)/i.test(authorization) ? 'DPoP' : 'Bearer';
}

/** Judges `Authorization` values against one configuration. Make a new one when the configuration changes. */
export class Authenticator {
  readonly #config: SidecarConfig;
  readonly #deps: AuthenticatorDependencies;
  readonly #issuers: ReadonlyMap<string, IssuerConfig>;
  readonly #bindings: BindingModes;
  readonly #cache = new TokenCache<Verdict>();

  constructor(config: SidecarConfig, deps: AuthenticatorDependencies) {
    this.#config = config;
    this.#deps = deps;
    this.#issuers = new Map(config.issuers.map((issuer) => [issuer.issuer, issuer]));
    this.#bindings = { dpop: config.dpop.mode, clientCertificates: config.clientCertificates.mode };
  }

  /** Verdicts remembered now. */
  get cached(): number {
    return this.#cache.size;
  }

  /**
   * Judges the value of the only `Authorization` field of a request, or its absence.
   * Answers at once for an unbound token seen before; a promise where a signature has to be verified.
   */
  authenticate(
    authorization: string | undefined,
    presentation: Presentation,
  ): Authentication | Promise<Authentication> {
    if (authorization === undefined) return NO_CREDENTIALS;
    const start = SCHEME.exec(authorization);
    // A scheme that is not supported counts as no credentials (RFC 6750 section 3.1), and so does an empty token.
    if (start === null) return NO_CREDENTIALS;
    const scheme = schemeOf(authorization);
    if (this.#bindings.dpop === (scheme === 'DPoP' ? 'Off' : 'Require')) return NO_CREDENTIALS;
    const token = authorization.slice(start[0].length);
    if (token === '') return NO_CREDENTIALS;
    if (/[ ,]/.test(token)) return deny({ kind: 'invalid_request', reason: 'several_credentials' });
    const digest = digestOf(token);
    const verdict = this.#remembered(digest);
    if (verdict === undefined) return this.#verify(token, digest, scheme, presentation);
    return this.#confirm(verdict, digest, scheme, presentation);
  }

  /** A verdict never outlives the token's expiry or its key: both are looked at on every hit. */
  #remembered(digest: string): Verdict | undefined {
    const verdict = this.#cache.get(digest);
    if (verdict === undefined) return undefined;
    const now = this.#deps.clock();
    if (now < verdict.expiresAt && now <= verdict.key.trustedUntil) return verdict;
    this.#cache.delete(digest);
    return undefined;
  }

  async #verify(
    token: string,
    digest: string,
    scheme: Scheme,
    presentation: Presentation,
  ): Promise<Authentication> {
    const result = await this.#judge(token, digest);
    if (typeof result === 'string') {
      this.#deps.onVerified(result);
      return deny({ kind: denialKind(result), reason: result });
    }
    this.#deps.onVerified('ok');
    this.#cache.set(digest, result);
    return this.#confirm(result, digest, scheme, presentation);
  }

  /** A plain token as Bearer is done here, without a promise. */
  #confirm(
    { authentication, confirmation }: Verdict,
    digest: string,
    scheme: Scheme,
    presentation: Presentation,
  ): Authentication | Promise<Authentication> {
    if (confirmation === undefined && scheme === 'Bearer') return authentication;
    const answer = (denial: Denial | undefined) => (denial === undefined ? authentication : deny(denial));
    const problem = possessionProblem({ scheme, digest, confirmation }, presentation, this.#deps.dpop);
    return problem instanceof Promise ? problem.then(answer) : answer(problem);
  }

  /**
   * The whole judgement of one token: shape, issuer, algorithm, key, signature, claims, in this order. The strict checks
   * stand before the signature because jose, like most, is lenient where parsers differ (RESOURCE_SERVER section K).
   */
  async #judge(token: string, digest: string): Promise<Verdict | TokenProblem | Unavailable> {
    const { introspector } = this.#deps;
    if (introspector !== undefined && !isCompactJws(token))
      return this.#judgeOpaque(token, digest, introspector);
    const jws = parseCompactJws(token);
    if (jws === undefined) return 'malformed';
    const { header, claims } = jws;
    const issuer = typeof claims.iss === 'string' ? this.#issuers.get(claims.iss) : undefined;
    if (issuer === undefined) return 'unknown_issuer';
    const algorithm = issuer.algorithms.find((name) => name === header.alg);
    if (algorithm === undefined) return 'algorithm_not_allowed';
    if (header.crit !== undefined || header.b64 !== undefined) return 'unsupported_crit';
    if (header.kid !== undefined && typeof header.kid !== 'string') return 'bad_kid';

    const key = await this.#verifySignature(token, issuer, header.kid, algorithm);
    if (typeof key === 'string') return key;

    return this.#verdict(jws, issuer, key);
  }

  #verdict(jws: CompactJws, issuer: IssuerConfig, key: Verdict['key']): Verdict | TokenProblem {
    const { header, claims } = jws;
    const nowMs = this.#deps.clock();
    const skew = this.#config.clockSkewSeconds;
    const bindings = this.#bindings;
    const problem = claimsProblem({ header, claims, issuer, bindings, now: nowMs / 1000, skew });
    if (problem !== undefined) return problem;
    const confirmation = parseConfirmation(claims.cnf, bindings);
    if (typeof confirmation === 'string') return confirmation;
    const expiresAt = ((claims.exp as number) + skew) * 1000; // checked by claimsProblem: a finite number
    return {
      confirmation,
      authentication: { ok: true, principal: this.#principal(issuer, jws, expiresAt) },
      expiresAt,
      key,
    };
  }

  /**
   * A token that is no JWT: its claims come from the authorization server, and are judged by the same rules. `iss` may be
   * left out (RFC 7662 section 2.2), since it is the issuer itself that answers; `aud` and `exp` may not.
   */
  async #judgeOpaque(
    token: string,
    digest: string,
    introspector: Introspector,
  ): Promise<Verdict | TokenProblem | Unavailable> {
    if (token.length > MAX_TOKEN_LENGTH) return 'malformed';
    const issuer = this.#issuers.get(introspector.issuer);
    if (issuer === undefined) return 'unknown_issuer';
    const found = await introspector.introspect(token, digest);
    if (found.kind === 'unavailable') return found.reason;
    if (found.kind === 'inactive') return 'inactive';
    const { claims } = found;
    const now = this.#deps.clock();
    const namesUs = claims.iss === undefined || claims.iss === issuer.issuer;
    // RFC 9068 is about the form of JWTs: of an opaque token only the claims are there to be strict about.
    const verdict = namesUs
      ? this.#verdict({ header: {}, claims }, { ...issuer, tokenProfile: 'Compat' }, NO_KEY)
      : 'unknown_issuer';
    if (typeof verdict === 'string') {
      introspector.refuse(digest);
      return verdict;
    }
    const expiresAt = Math.min((claims.exp as number) * 1000, now + MAX_INTROSPECTED_MS); // a number: it was judged
    return { ...verdict, expiresAt };
  }

  async #verifySignature(
    token: string,
    issuer: IssuerConfig,
    kid: string | undefined,
    algorithm: SignatureAlgorithm,
  ): Promise<VerificationKey | TokenProblem | Unavailable> {
    const found = await this.#deps.keys.get(issuer.issuer)?.find(kid, algorithm);
    if (found === undefined || found.kind === 'unavailable') return 'keys_unavailable';
    if (found.kind === 'unknown') return 'unknown_key';
    for (const key of found.keys) {
      if (await isSignedBy(token, key, algorithm)) return key.trustedUntil === 0 ? 'unknown_key' : key;
    }
    return 'bad_signature';
  }

  #principal(issuer: IssuerConfig, { claims }: CompactJws, expiresAt: number): Principal {
    const client = CLIENT_CLAIMS.map((name) => claims[name]).find(isFilledText);
    const principal: Omit<Principal, typeof verified> = {
      issuer: issuer.issuer,
      subject: claims.sub as string, // checked by claimsProblem: a non-empty string
      client,
      owner: digestOf(JSON.stringify([issuer.issuer, claims.sub, client])),
      scopes: grantedScopes(claims),
      expiresAt,
      headerLines: claimHeaderLines(this.#config.claimToHeaders, claims),
    };
    return principal as Principal; // the brand has no run-time value
  }
}

function denialKind(
  problem: TokenProblem | Unavailable,
): 'invalid_token' | 'keys_unavailable' | 'introspection_unavailable' {
  switch (problem) {
    case 'keys_unavailable':
      return problem;
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
