// Bearer token -> Principal, or a Denial. The only maker of principals; what they may do is decided in authorize.ts.
import { compactVerify, errors } from 'jose';
import type { Clock } from '../base/clock.ts';
import { CLIENT_CLAIMS, claimsProblem, grantedScopes, isText, type TokenProblem } from './claims.ts';
import { parseCompactJws, type CompactJws } from './compact-jws.ts';
import type { IssuerConfig, SidecarConfig, SignatureAlgorithm } from './config.ts';
import type { Denial } from './denial.ts';
import { claimHeaderLines } from './headers.ts';
import type { VerificationKey } from './jwk.ts';
import type { IssuerKeys } from './keys.ts';
import { digestOf, TokenCache } from './token-cache.ts';

/** Only this module can make one: a principal in hand is the proof that a token was verified. */
declare const verified: unique symbol;

/** Who calls, as the verified token says. Holds what decisions and forwarding need, not the claims. */
export interface Principal {
  readonly [verified]: true;
  readonly issuer: string;
  readonly subject: string;
  readonly client: string | undefined;
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
  /** Told of each verification that was not answered from the cache. */
  readonly onVerified: (outcome: 'ok' | TokenProblem | 'keys_unavailable') => void;
}

/** A remembered good verdict, and what ends it. */
interface Verdict {
  readonly authentication: Authentication;
  /** Milliseconds since the epoch: `exp` plus skew. */
  readonly expiresAt: number;
  readonly key: VerificationKey;
}

const NO_CREDENTIALS: Authentication = { ok: false, denial: { kind: 'no_credentials' } };

/** RFC 9110 section 11.4 and RFC 6750 section 2.1: `Bearer` in any case, spaces, one b64token. */
const BEARER = /^bearer(?: +|$)/i;

/** Judges `Authorization` values against one configuration. Make a new one when the configuration changes. */
export class Authenticator {
  readonly #config: SidecarConfig;
  readonly #deps: AuthenticatorDependencies;
  readonly #issuers: ReadonlyMap<string, IssuerConfig>;
  readonly #cache = new TokenCache<Verdict>();

  constructor(config: SidecarConfig, deps: AuthenticatorDependencies) {
    this.#config = config;
    this.#deps = deps;
    this.#issuers = new Map(config.issuers.map((issuer) => [issuer.issuer, issuer]));
  }

  /** Verdicts remembered now. */
  get cached(): number {
    return this.#cache.size;
  }

  /**
   * Judges the value of the only `Authorization` field of a request, or its absence.
   * Answers at once for a token seen before; a promise where a signature has to be verified.
   */
  authenticate(authorization: string | undefined): Authentication | Promise<Authentication> {
    if (authorization === undefined) return NO_CREDENTIALS;
    const scheme = BEARER.exec(authorization);
    // A scheme that is not supported counts as no credentials (RFC 6750 section 3.1), and so does an empty token.
    if (scheme === null) return NO_CREDENTIALS;
    const token = authorization.slice(scheme[0].length);
    if (token === '') return NO_CREDENTIALS;
    if (/[ ,]/.test(token)) return deny({ kind: 'invalid_request', reason: 'several_credentials' });
    const digest = digestOf(token);
    return this.#remembered(digest) ?? this.#verify(token, digest);
  }

  /** A verdict never outlives the token's expiry or its key: both are looked at on every hit. */
  #remembered(digest: string): Authentication | undefined {
    const verdict = this.#cache.get(digest);
    if (verdict === undefined) return undefined;
    const now = this.#deps.clock();
    if (now < verdict.expiresAt && now <= verdict.key.trustedUntil) return verdict.authentication;
    this.#cache.delete(digest);
    return undefined;
  }

  async #verify(token: string, digest: string): Promise<Authentication> {
    const result = await this.#judge(token);
    if (typeof result === 'string') {
      this.#deps.onVerified(result);
      if (result === 'keys_unavailable') return deny({ kind: 'keys_unavailable', reason: result });
      return deny({ kind: 'invalid_token', reason: result });
    }
    this.#deps.onVerified('ok');
    this.#cache.set(digest, result);
    return result.authentication;
  }

  /**
   * The whole judgement of one token: shape, issuer, algorithm, key, signature, claims, in this order. The strict checks
   * stand before the signature because jose, like most, is lenient where parsers differ (RESOURCE_SERVER section K).
   */
  async #judge(token: string): Promise<Verdict | TokenProblem | 'keys_unavailable'> {
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

    const nowMs = this.#deps.clock();
    const skew = this.#config.clockSkewSeconds;
    const problem = claimsProblem({ header, claims, issuer, now: nowMs / 1000, skew });
    if (problem !== undefined) return problem;
    const expiresAt = ((claims.exp as number) + skew) * 1000; // checked by claimsProblem: a finite number
    return {
      authentication: { ok: true, principal: this.#principal(issuer, jws, expiresAt) },
      expiresAt,
      key,
    };
  }

  async #verifySignature(
    token: string,
    issuer: IssuerConfig,
    kid: string | undefined,
    algorithm: SignatureAlgorithm,
  ): Promise<VerificationKey | TokenProblem | 'keys_unavailable'> {
    const found = await this.#deps.keys.get(issuer.issuer)?.find(kid, algorithm);
    if (found === undefined || found.kind === 'unavailable') return 'keys_unavailable';
    if (found.kind === 'unknown') return 'unknown_key';
    for (const key of found.keys) {
      if (await isSignedBy(token, key, algorithm)) return key.trustedUntil === 0 ? 'unknown_key' : key;
    }
    return 'bad_signature';
  }

  #principal(issuer: IssuerConfig, { claims }: CompactJws, expiresAt: number): Principal {
    const client = CLIENT_CLAIMS.map((name) => claims[name]).find(isText);
    const principal: Omit<Principal, typeof verified> = {
      issuer: issuer.issuer,
      subject: claims.sub as string, // checked by claimsProblem: a non-empty string
      client,
      scopes: grantedScopes(claims),
      expiresAt,
      headerLines: claimHeaderLines(this.#config.claimToHeaders, claims),
    };
    return principal as Principal; // the brand has no run-time value
  }
}

async function isSignedBy(
  token: string,
  key: VerificationKey,
  algorithm: SignatureAlgorithm,
): Promise<boolean> {
  try {
    await compactVerify(token, key.key, { algorithms: [algorithm] });
    return true;
  } catch (error) {
    if (error instanceof errors.JOSEError) return false;
    throw error; // not a verdict on the token: the gateway answers 500 and nothing is forwarded
  }
}

function deny(denial: Denial): Authentication {
  return { ok: false, denial };
}
