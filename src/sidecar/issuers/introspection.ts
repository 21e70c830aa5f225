// Opaque tokens: asks the authorization server what they are (RFC 7662). What the answer is worth is judged in claims.ts.
import { Agent } from 'node:https';
import type { Clock } from '../../base/clock.ts';
import type { FetchText } from './fetch.ts';
import type { IssuerMetadataSource } from './metadata.ts';
import { parseObject } from '../tokens/strict-json.ts';
import { TokenBucket } from '../../base/token-bucket.ts';
import { TokenCache } from '../tokens/token-cache.ts';

/** Connections to the authorization server at once. */
const MAX_CONNECTIONS = 16;
/** Tokens that are being asked for or turn out to be none: so many at once, and so many a second after that. */
const QUESTIONS_AT_ONCE = 256;
const MISSES_PER_SECOND = 10;
/** For how long, and how many of them, are not asked for again (milliseconds, entries of one generation). */
const MISS_MS = 5_000;
const MISSES_REMEMBERED = 1_024;

/** RFC 6750 section 2.1. */
const B64_TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

export type Introspection =
  | { readonly kind: 'active'; readonly claims: Readonly<Record<string, unknown>> }
  | { readonly kind: 'inactive' }
  /** Nobody knows: it could not be asked, or did not give an answer. `reason` is for the log. */
  | { readonly kind: 'unavailable'; readonly reason: 'introspection_failed' | 'introspection_limited' };

/** How this resource server is known to the authorization server. */
export interface Credentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

export interface IntrospectorDependencies {
  readonly clock: Clock;
  readonly fetchText: FetchText;
  /** Names the endpoint where none is configured. */
  readonly metadata: IssuerMetadataSource;
  /** PEM bundle for the issuer's hosts. */
  readonly ca: string | undefined;
  readonly signal: AbortSignal;
  /** Told of each question that was asked; the error is undefined when there was an answer. */
  readonly onAsked: (error: string | undefined) => void;
}

/** Asks one issuer. Remembers what is not a token for a moment; what is one, whoever asks remembers. */
export class Introspector {
  readonly issuer: string;
  readonly #endpoint: string | undefined;
  readonly #credentials: Credentials;
  readonly #deps: IntrospectorDependencies;
  /** By digest: one question for all who bring the same token at the same time. */
  readonly #running = new Map<string, Promise<Introspection>>();
  /** Until when a token is known to be none. */
  readonly #misses = new TokenCache<number>(MISSES_REMEMBERED);
  readonly #allowance: TokenBucket;
  /** None is kept open: a question on one that is just being closed would be lost, and cost a good token its answer. */
  readonly #agent = new Agent({ keepAlive: false, maxSockets: MAX_CONNECTIONS });

  /** @param endpoint discovered from the issuer when undefined */
  constructor(
    issuer: string,
    endpoint: string | undefined,
    credentials: Credentials,
    deps: IntrospectorDependencies,
  ) {
    this.issuer = issuer;
    this.#endpoint = endpoint;
    this.#credentials = credentials;
    this.#deps = deps;
    this.#allowance = new TokenBucket(QUESTIONS_AT_ONCE, MISSES_PER_SECOND / 1000, deps.clock());
  }

  /** @param digest of the token, by which it is remembered */
  introspect(token: string, digest: string): Promise<Introspection> {
    if (!B64_TOKEN.test(token)) return INACTIVE;
    const now = this.#deps.clock();
    if (now < (this.#misses.get(digest) ?? 0)) return INACTIVE;
    const running = this.#running.get(digest);
    if (running !== undefined) return running;
    // Whoever sends made-up tokens makes this one wait, and not the authorization server (RFC 7662 section 4).
    if (this.#allowance.take(now) > 0) return LIMITED;
    const asking = this.#ask(token, digest).finally(() => this.#running.delete(digest));
    this.#running.set(digest, asking);
    return asking;
  }

  /** An active token is none for this resource: it is not asked for again at once, and counts as a miss. */
  refuse(digest: string): void {
    this.#misses.set(digest, this.#deps.clock() + MISS_MS);
    this.#allowance.take(this.#deps.clock());
  }

  async #ask(token: string, digest: string): Promise<Introspection> {
    let answer: Readonly<Record<string, unknown>>;
    try {
      answer = await this.#post(token);
    } catch (error) {
      this.#deps.onAsked((error as Error).message);
      return { kind: 'unavailable', reason: 'introspection_failed' };
    }
    this.#deps.onAsked(undefined);
    // RFC 7662 section 2.2: a boolean; anything else is not the word of the authorization server.
    if (answer.active === true) {
      this.#allowance.give();
      return { kind: 'active', claims: answer };
    }
    this.#misses.set(digest, this.#deps.clock() + MISS_MS);
    return { kind: 'inactive' };
  }

  async #post(token: string): Promise<Readonly<Record<string, unknown>>> {
    const { fetchText, ca, signal } = this.#deps;
    const { url, discovered } = await this.#find();
    const body = new URLSearchParams({ token, token_type_hint: 'access_token' }).toString();
    const form = { authorization: basicCredentials(this.#credentials), body };
    const answer = parseObject(
      Buffer.from(await fetchText(url, { ca, signal, discovered, form, agent: this.#agent })),
    );
    if (answer === undefined) throw new Error(`POST ${url}: the answer is not one JSON object`);
    return answer;
  }

  async #find(): Promise<{ url: string; discovered: boolean }> {
    if (this.#endpoint !== undefined) return { url: this.#endpoint, discovered: false };
    const { metadata } = this.#deps;
    const { introspectionEndpoint: url } = metadata.last ?? (await metadata.find());
    if (url === undefined || !URL.canParse(url) || !url.startsWith('https://'))
      throw new Error(`the metadata of ${this.issuer} has no usable https "introspection_endpoint"`);
    // The issuer's own host is configured; any other is named by its document alone, and would be told our secret.
    return { url, discovered: new URL(url).hostname !== new URL(this.issuer).hostname };
  }
}

const INACTIVE: Promise<Introspection> = Promise.resolve({ kind: 'inactive' });
const LIMITED: Promise<Introspection> = Promise.resolve({
  kind: 'unavailable',
  reason: 'introspection_limited',
});

/** RFC 6749 section 2.3.1: both are form-encoded before they are joined. */
function basicCredentials({ clientId, clientSecret }: Credentials): string {
  const encode = (text: string) => new URLSearchParams([['', text]]).toString().slice(1);
  return `Basic ${Buffer.from(`${encode(clientId)}:${encode(clientSecret)}`).toString('base64')}`;
}
