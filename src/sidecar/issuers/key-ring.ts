// Signing keys and metadata of every configured issuer, across reloads. Which tokens they verify is not decided here.
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { IssuerStatus } from '../../protocol/sidecar-status.ts';
import type { IssuerConfig } from '../config/config.ts';
import type { FetchJson, FetchText } from './fetch.ts';
import { IssuerKeys, type KeySetStatus } from './jwks.ts';
import { IssuerMetadataSource } from './metadata.ts';

/** An issuer as it is configured, with the PEM bundle that it names. */
export interface TrustedIssuer {
  readonly config: Pick<IssuerConfig, 'issuer' | 'jwks'>;
  readonly ca: string | undefined;
}

/** What is held of one issuer. */
interface IssuerState {
  readonly keys: IssuerKeys;
  readonly metadata: IssuerMetadataSource;
  /** Everything that decides where the keys come from: while it stays the same, so do the keys. */
  readonly source: string;
  /** Ends the refreshing of the keys. */
  readonly stop: AbortController;
}

interface KeyRingDependencies {
  readonly clock: Clock;
  readonly fetchJson: FetchJson;
  readonly fetchText: FetchText;
  readonly logger: Logger;
  /** Ends the refreshing of all keys. */
  readonly stop: AbortSignal;
  /** Called after every attempt to fetch keys. */
  readonly onAttempt: (status: KeySetStatus) => void;
}

/** Fetches nothing before `start`. */
export class KeyRing {
  readonly #deps: KeyRingDependencies;
  /** By issuer identifier. */
  #states: ReadonlyMap<string, IssuerState>;

  constructor(issuers: readonly TrustedIssuer[], deps: KeyRingDependencies) {
    this.#deps = deps;
    this.#states = this.#statesOf(issuers, new Map());
  }

  get(issuer: string): IssuerState | undefined {
    return this.#states.get(issuer);
  }

  /** By issuer identifier: what tokens are verified with. */
  get keys(): ReadonlyMap<string, IssuerKeys> {
    return new Map([...this.#states].map(([issuer, { keys }]) => [issuer, keys]));
  }

  /** Begins to fetch all keys; waits for none. */
  start(): void {
    for (const { keys } of this.#states.values()) void keys.start();
  }

  /**
   * Takes over a changed configuration. Keys whose source is the same are kept, so that none is lost; the others stop being
   * refreshed once the keys of new issuers were fetched, or could not be.
   */
  async replace(issuers: readonly TrustedIssuer[]): Promise<void> {
    const previous = this.#states;
    this.#states = this.#statesOf(issuers, previous);
    const added = [...this.#states].filter(([issuer, state]) => previous.get(issuer) !== state);
    await Promise.all(added.map(([, { keys }]) => keys.start()));
    // Compared with what is held now: a later change may have overtaken this one.
    for (const [issuer, state] of previous) if (this.#states.get(issuer) !== state) state.stop.abort();
  }

  get statuses(): readonly IssuerStatus[] {
    return [...this.#states.values()].map(({ keys: { status }, metadata: { mismatch } }) => ({
      ...status,
      loadedAt: status.loadedAt === undefined ? undefined : new Date(status.loadedAt).toISOString(),
      mismatch,
    }));
  }

  /** What keeps tokens of an issuer from being verified, or its clients from logging in. */
  get problems(): readonly string[] {
    return [...this.#states.values()].flatMap(issuerProblems);
  }

  /** When the keys of each issuer were last fetched (seconds since the epoch). */
  get loadedAt(): readonly { readonly issuer: string; readonly seconds: number }[] {
    return [...this.#states.values()].flatMap(({ keys: { status } }) =>
      status.loadedAt === undefined ? [] : { issuer: status.issuer, seconds: status.loadedAt / 1000 },
    );
  }

  #statesOf(
    issuers: readonly TrustedIssuer[],
    previous: ReadonlyMap<string, IssuerState>,
  ): ReadonlyMap<string, IssuerState> {
    return new Map(
      issuers.map((trusted) => {
        const { issuer, jwks } = trusted.config;
        const source = JSON.stringify([jwks.uri, trusted.ca]);
        const kept = previous.get(issuer);
        return [issuer, kept?.source === source ? kept : this.#newState(trusted, source)];
      }),
    );
  }

  #newState({ config, ca }: TrustedIssuer, source: string): IssuerState {
    const { clock, fetchJson, fetchText } = this.#deps;
    const { issuer } = config;
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, this.#deps.stop]);
    const metadata = new IssuerMetadataSource(issuer, {
      fetchText,
      ca,
      signal,
      onMismatch: (mismatch) => this.#logMismatch(issuer, mismatch),
    });
    const onAttempt = (status: KeySetStatus) => {
      this.#logAttempt(status);
      this.#deps.onAttempt(status);
    };
    const keys = new IssuerKeys(config, { clock, fetchJson, metadata, ca, signal, onAttempt });
    return { keys, metadata, source, stop };
  }

  #logMismatch(issuer: string, mismatch: string | undefined): void {
    const { logger } = this.#deps;
    if (mismatch === undefined) logger.info({ issuer }, 'issuer metadata valid again');
    else logger.error({ issuer, reason: 'issuer_mismatch', err: mismatch }, 'issuer mismatch in metadata');
  }

  #logAttempt({ issuer, keys, lastError, weakKeys }: KeySetStatus): void {
    const { logger } = this.#deps;
    if (lastError === undefined) logger.debug({ issuer, keys }, 'JWKS fetched');
    else logger.warn({ issuer, keys, reason: lastError.code, err: lastError.message }, 'JWKS fetch failed');
    if (weakKeys.length > 0) logger.warn({ issuer, weakKeys }, 'weak keys ignored');
  }
}

function issuerProblems({ keys, metadata }: IssuerState): string[] {
  const { issuer, keys: count, lastError } = keys.status;
  if (count === 0) return [`No signing keys for ${issuer}: ${lastError?.message ?? 'not fetched yet'}`];
  if (metadata.mismatch !== undefined)
    return [`Issuer mismatch in metadata of ${issuer}: ${metadata.mismatch}`];
  return metadata.looked ? [] : [`Metadata of ${issuer} not checked yet`];
}
