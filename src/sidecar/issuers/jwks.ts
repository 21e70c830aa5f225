// The signing keys of one issuer: fetches them, refreshes them in the background, keeps them through outages. Verifies
// nothing itself.
import type { Clock } from '../../base/clock.ts';
import { isObject } from '../../protocol/json.ts';
import type { IssuerFailure } from '../../protocol/sidecar-status.ts';
import type { SignatureAlgorithm } from '../config/algorithms.ts';
import type { IssuerConfig } from '../config/config.ts';
import type { FetchJson } from './fetch.ts';
import { IssuerError, issuerFailure } from './issuer-error.ts';
import { discoveredEndpoint, type IssuerMetadataSource } from './metadata.ts';
import { COOLDOWN_MS, hasPassed, RefetchAllowance } from './refetch-allowance.ts';
import { isWeakKey, verificationKey, type VerificationKey } from '../tokens/jwk.ts';

/** Between refreshes while all is well (milliseconds); a withdrawn key stops working within this time. */
export const REFRESH_INTERVAL_MS = 5 * 60_000;
/** First pause between attempts while no key was ever loaded; doubled up to the cool-down. */
const FIRST_RETRY_MS = 500;
/** How long keys are trusted that could not be refreshed. */
export const MAX_STALE_MS = 24 * 60 * 60_000;
/** Further keys of a set are ignored: each costs memory. */
const MAX_KEYS = 100;
/** Keys tried for a token without a key id. */
const MAX_CANDIDATES = 4;

/** Keys that fit a token, or why there are none. */
type KeyLookup =
  | { readonly kind: 'found'; readonly keys: readonly VerificationKey[] }
  /** The issuer was asked after the token was signed, or came, and has no such key. */
  | { readonly kind: 'unknown' }
  /** The key may have been published since the issuer was asked, and it may not be asked again yet. */
  | { readonly kind: 'undecided' }
  /** The issuer could not be asked whether there is such a key. */
  | { readonly kind: 'unavailable' };

export interface KeySetStatus {
  readonly issuer: string;
  readonly keys: number;
  /** Milliseconds since the epoch of the last good fetch. */
  readonly loadedAt: number | undefined;
  readonly lastError: IssuerFailure | undefined;
  /** Ids of published keys that are too weak to be used. */
  readonly weakKeys: readonly string[];
}

interface KeySetDependencies {
  readonly clock: Clock;
  readonly fetchJson: FetchJson;
  /** Names the key endpoint where none is configured, and is looked at where one is. */
  readonly metadata: IssuerMetadataSource;
  /** PEM bundle for the issuer's hosts. */
  readonly ca: string | undefined;
  readonly signal: AbortSignal;
  /** Called after every attempt; `lastError` is undefined when it succeeded. */
  readonly onAttempt: (status: KeySetStatus) => void;
}

/** One issuer's JWK set (RFC 7517). Keys never cross issuers: there is one of these for each. */
export class IssuerKeys {
  readonly #config: Pick<IssuerConfig, 'issuer' | 'jwks'>;
  readonly #deps: KeySetDependencies;
  #keys: readonly VerificationKey[] = [];
  #loadedAt: number | undefined;
  #lastError: IssuerFailure | undefined;
  #weakKeys: readonly string[] = [];
  /** Ids of all published keys, also of those that verify nothing. */
  #publishedIds: ReadonlySet<unknown> = new Set();
  #lastAttempt = Number.NEGATIVE_INFINITY;
  /** When the fetch began whose answer the keys are. */
  #askedAt = Number.NEGATIVE_INFINITY;
  /** What tokens with unknown key ids may cause. */
  readonly #allowance = new RefetchAllowance();
  #failures = 0;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(config: Pick<IssuerConfig, 'issuer' | 'jwks'>, deps: KeySetDependencies) {
    this.#config = config;
    this.#deps = deps;
    deps.signal.addEventListener('abort', () => clearTimeout(this.#timer), { once: true });
  }

  get status(): KeySetStatus {
    const { issuer } = this.#config;
    return {
      issuer,
      keys: this.#usable().length,
      loadedAt: this.#loadedAt,
      lastError: this.#lastError,
      weakKeys: this.#weakKeys,
    };
  }

  /** Whether there is any key to verify tokens with. */
  get available(): boolean {
    return this.#usable().length > 0;
  }

  /** Fetches the keys now and regularly until the signal. Resolves after the first attempt, successful or not. */
  start(): Promise<void> {
    return this.#refresh();
  }

  /**
   * The keys for a token. Returns a promise only where a fetch comes first: unknown key ids cause one at most within the
   * cool-down, and one more of the reserve, whether the last one went well or not; all that wait share it.
   * @param signedBy the latest moment at which the token can have been signed (milliseconds since the epoch)
   */
  find(
    kid: string | undefined,
    algorithm: SignatureAlgorithm,
    signedBy = Number.POSITIVE_INFINITY,
  ): KeyLookup | Promise<KeyLookup> {
    const keys = this.#fitting(kid, algorithm);
    if (keys.length > 0) return { kind: 'found', keys };
    // A key is published before the first token that it signs: an answer of later is the last word on this token.
    const decidedBy = Math.min(this.#deps.clock(), signedBy);
    if (this.#running === undefined && !this.#mayAsk(kid)) return this.#lookup(kid, algorithm, decidedBy);
    return this.#refresh().then(() => this.#lookup(kid, algorithm, decidedBy));
  }

  /** The keys for a token among those that are known: nothing is fetched, and no word of the issuer's is waited for. */
  known(kid: string | undefined, algorithm: SignatureAlgorithm): KeyLookup {
    return this.#lookup(kid, algorithm, Number.NEGATIVE_INFINITY);
  }

  #lookup(kid: string | undefined, algorithm: SignatureAlgorithm, decidedBy: number): KeyLookup {
    const keys = this.#fitting(kid, algorithm);
    if (keys.length > 0) return { kind: 'found', keys };
    if (this.#lastError !== undefined || !this.available) return { kind: 'unavailable' };
    const isDecided = this.#askedAt >= decidedBy || this.#publishedIds.has(kid);
    return { kind: isDecided ? 'unknown' : 'undecided' };
  }

  #fitting(kid: string | undefined, algorithm: SignatureAlgorithm): VerificationKey[] {
    return this.#usable()
      .filter((key) => key.algorithms.has(algorithm) && (kid === undefined || key.kid === kid))
      .slice(0, MAX_CANDIDATES);
  }

  /** Drops keys past MAX_STALE_MS. */
  #usable(): readonly VerificationKey[] {
    const now = this.#deps.clock();
    return this.#keys.filter(({ trust }) => trust.holds(now));
  }

  /** Scheduled refreshes do not use up the allowance: a key published since works at once. */
  #mayAsk(kid: string | undefined): boolean {
    const now = this.#deps.clock();
    if (this.#lastError === undefined) return this.#allowance.take(kid, now);
    return hasPassed(this.#lastAttempt, now, this.#retryPause());
  }

  #refresh(): Promise<void> {
    this.#running ??= this.#attempt().finally(() => {
      this.#running = undefined;
      this.#schedule();
    });
    return this.#running;
  }

  async #attempt(): Promise<void> {
    const startedAt = this.#deps.clock();
    this.#lastAttempt = startedAt;
    try {
      const { keys, uri } = await this.#fetchKeys();
      this.#loadedAt = this.#deps.clock();
      this.#askedAt = startedAt;
      this.#replace(keys, this.#loadedAt + MAX_STALE_MS);
      // The answer is the issuer's, so withdrawn keys stop working; but a set without usable keys is a mistake: retry soon.
      if (keys.length === 0)
        throw new IssuerError('no_usable_key', `GET ${uri}: no key in the set can verify signatures`);
      this.#lastError = undefined;
      this.#failures = 0;
    } catch (error) {
      this.#lastError = issuerFailure(error);
      this.#failures++;
    }
    this.#deps.onAttempt(this.status);
  }

  async #fetchKeys(): Promise<{ keys: VerificationKey[]; uri: string }> {
    const { uri, discovered } = await this.#endpoint();
    const { ca, signal } = this.#deps;
    const set = await this.#deps.fetchJson(uri, { ca, signal, discovered });
    const members = isObject(set) ? set.keys : undefined;
    if (!Array.isArray(members))
      throw new IssuerError('not_jwks', `GET ${uri}: response is not a JWK set: it has no "keys" array`);
    const published = (members.slice(0, MAX_KEYS) as unknown[]).map((jwk) => ({
      jwk,
      key: verificationKey(jwk),
    }));
    this.#publishedIds = new Set(published.map(({ jwk }) => (isObject(jwk) ? jwk.kid : undefined)));
    this.#weakKeys = published
      .filter(({ jwk, key }) => key === undefined && isWeakKey(jwk))
      .map(({ jwk }) => String((jwk as { kid?: unknown }).kid));
    return { keys: published.flatMap(({ key }) => key ?? []), uri };
  }

  /** Where the keys are, and whether only the issuer's metadata says so. The token has no say in it. */
  async #endpoint(): Promise<{ uri: string; discovered: boolean }> {
    const { issuer, jwks } = this.#config;
    if (jwks.uri !== undefined) {
      // Keys do not wait for it: where names differ inside and outside, the issuer's own may not be reachable from here.
      this.#deps.metadata.find().catch(() => undefined);
      return { uri: jwks.uri, discovered: false };
    }
    const { jwksUri } = await this.#deps.metadata.find();
    const endpoint = discoveredEndpoint(issuer, jwksUri);
    if (endpoint === undefined)
      throw new IssuerError('no_jwks_uri', `metadata of ${issuer} has no usable https "jwks_uri"`);
    return { uri: endpoint.url, discovered: endpoint.discovered };
  }

  /** Keeps the identity of keys that stay, so that verdicts reached with them stand; the others end theirs. */
  #replace(fresh: readonly VerificationKey[], trustedUntil: number): void {
    const known = new Map(this.#keys.map((key) => [key.fingerprint, key]));
    for (const { trust } of this.#keys) trust.revoke();
    this.#keys = fresh.map((key) => known.get(key.fingerprint) ?? key);
    for (const { trust } of this.#keys) trust.extend(trustedUntil);
  }

  #schedule(): void {
    if (this.#deps.signal.aborted) return;
    clearTimeout(this.#timer);
    // Up to a tenth earlier, at random: many sidecars must not ask at the same moment.
    const interval = this.#failures > 0 ? this.#retryPause() : REFRESH_INTERVAL_MS * (1 - Math.random() / 10);
    this.#timer = setTimeout(() => void this.#refresh(), interval);
    this.#timer.unref();
  }

  #retryPause(): number {
    if (this.#loadedAt !== undefined) return COOLDOWN_MS;
    return Math.min(FIRST_RETRY_MS * 2 ** Math.max(0, this.#failures - 1), COOLDOWN_MS);
  }
}
