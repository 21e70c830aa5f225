// The reference server's keys of one issuer (RFC 7517): discovered, refreshed, kept for a day while the issuer is down.
import { createPublicKey, type KeyObject } from 'node:crypto';
import type { IssuerSetup } from '../../targets/target.ts';
import type { Wrong } from '../mutants.ts';
import type { ReferenceClock } from './clock.ts';
import { fetchJson } from './fetch.ts';

const REFRESH_MS = 5 * 60_000;
const COOLDOWN_MS = 10_000;
const STALE_MS = 24 * 3_600_000;
const RETRY_MS = 300;
const MIN_RSA_BITS = 2048;

export interface Key {
  readonly kid: unknown;
  readonly key: KeyObject;
  readonly jwk: Readonly<Record<string, unknown>>;
}

export class Unavailable extends Error {}

export class Keys {
  readonly #issuer: IssuerSetup;
  readonly #wrong: Wrong;
  readonly #clock: ReferenceClock;
  readonly #log: (line: string) => void;
  #keys: Key[] = [];
  #loadedAt = Number.NEGATIVE_INFINITY;
  #askedAt = Number.NEGATIVE_INFINITY;
  #failed = false;
  #running: Promise<void> | undefined;
  readonly #timer: NodeJS.Timeout;

  constructor(
    issuer: IssuerSetup,
    { wrong, clock, log }: { wrong: Wrong; clock: ReferenceClock; log: (line: string) => void },
  ) {
    this.#issuer = issuer;
    this.#wrong = wrong;
    this.#clock = clock;
    this.#log = log;
    const refresh = () => {
      const due = this.#clock.now() - this.#loadedAt > REFRESH_MS;
      if (due && !this.#wrong('never-retries')) void this.refresh();
    };
    this.#timer = setInterval(refresh, RETRY_MS).unref();
    clock.onAdvance(refresh);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  get available(): boolean {
    return this.#usable().length > 0;
  }

  refresh(): Promise<void> {
    const attempt = () => this.#attempt().finally(() => (this.#running = undefined));
    if (this.#wrong('fetch-per-token')) return attempt();
    this.#running ??= attempt();
    return this.#running;
  }

  /** @throws Unavailable if it is not known whether there is such a key */
  async find(kid: unknown): Promise<Key[]> {
    const found = this.#fitting(kid);
    if (found.length > 0) return found;
    const cooling = this.#clock.now() - this.#askedAt < COOLDOWN_MS;
    if (this.#running !== undefined || !cooling || this.#wrong('no-cooldown')) {
      this.#askedAt = this.#clock.now();
      await this.refresh();
    }
    const fresh = this.#fitting(kid);
    if (fresh.length === 0 && (this.#failed || !this.available)) throw new Unavailable();
    return fresh;
  }

  all(): readonly Key[] {
    return this.#usable();
  }

  #fitting(kid: unknown): Key[] {
    if (kid === undefined && this.#wrong('key-id-required')) return [];
    return this.#usable()
      .filter((key) => kid === undefined || key.kid === kid)
      .slice(0, 4);
  }

  #usable(): Key[] {
    const age = this.#clock.now() - this.#loadedAt;
    const limit = this.#wrong('forgets-stale-keys') ? 2 * REFRESH_MS : STALE_MS;
    return age < limit || (this.#wrong('stale-for-ever') && this.#keys.length > 0) ? this.#keys : [];
  }

  async #attempt(): Promise<void> {
    try {
      const metadata = await this.#metadata();
      const discovered = String(metadata['jwks_uri']);
      if (this.#issuer.jwksUri === undefined) this.#checkDiscovered(discovered);
      const set = (await this.#fetch(this.#issuer.jwksUri ?? discovered)) as {
        keys: unknown[];
      };
      const fresh = set.keys.flatMap((jwk) => this.#import(jwk) ?? []);
      const kept = this.#wrong('keeps-withdrawn-keys') ? this.#keys : [];
      this.#keys = [...kept, ...fresh];
      this.#loadedAt = this.#clock.now();
      this.#failed = false;
    } catch (error) {
      this.#failed = true;
      this.#log(`no keys: ${(error as Error).message}`);
    }
  }

  /** What a document names must not lead into the machine: the issuer's own host only, for us. */
  #checkDiscovered(url: string): void {
    const isOwn = new URL(url).origin === new URL(this.#issuer.issuer).origin;
    if (!isOwn && !this.#wrong('keys-from-anywhere')) throw new Error(`keys at ${url}`);
  }

  /** RFC 8414 section 3.3: metadata that names another issuer is worth nothing. */
  async #metadata(): Promise<Record<string, unknown>> {
    const { issuer, jwksUri } = this.#issuer;
    let metadata: Record<string, unknown>;
    try {
      metadata = (await this.#fetch(`${issuer}/.well-known/openid-configuration`)) as Record<string, unknown>;
    } catch (error) {
      if (jwksUri !== undefined) return {};
      throw error;
    }
    if (metadata['issuer'] !== issuer && !this.#wrong('trusts-any-metadata')) {
      throw new Error(`the metadata names ${String(metadata['issuer'])}, not ${issuer}`);
    }
    return metadata;
  }

  #fetch(url: string): Promise<unknown> {
    return fetchJson(url, { ca: this.#issuer.ca, wrong: this.#wrong });
  }

  /** RFC 7517 section 5: what cannot be used is skipped. */
  #import(value: unknown): Key | undefined {
    try {
      const jwk = value as Record<string, unknown>;
      const { kid, use, key_ops: operations } = jwk;
      if (!this.#wrong('ignores-use')) {
        if (use !== undefined && use !== 'sig') return undefined;
        if (operations !== undefined && !(operations as string[]).includes('verify')) return undefined;
      }
      const key = createPublicKey({ key: jwk, format: 'jwk' });
      const { modulusLength = MIN_RSA_BITS, publicExponent = 3n } = key.asymmetricKeyDetails ?? {};
      if ((modulusLength < MIN_RSA_BITS || publicExponent < 3n) && !this.#wrong('weak-keys')) {
        this.#log(`weak key ${String(kid)} skipped`);
        return undefined;
      }
      return { kid, key, jwk };
    } catch (error) {
      if (this.#wrong('odd-key-spoils-set')) throw error;
      return undefined;
    }
  }
}
