// Opaque tokens: introspects them at the authorization server (RFC 7662). What the claims allow is evaluated elsewhere.
import { Agent } from 'node:https';
import type { Clock } from '../../base/clock.ts';
import type { IssuerFailure } from '../../protocol/sidecar-status.ts';
import type { FetchText } from './fetch.ts';
import { IssuerError, issuerFailure } from './issuer-error.ts';
import { discoveredEndpoint, type IssuerMetadataSource } from './metadata.ts';
import { parseObject } from '../tokens/strict-json.ts';
import type { Source } from '../limits/source.ts';
import { IntrospectionAllowance, type Standing } from './introspection-allowance.ts';
import { TokenCache } from '../tokens/token-cache.ts';

/** Concurrent connections to the authorization server, for each standing: slow answers to some do not keep back others. */
const MAX_CONNECTIONS = 6;
/** Negative cache: for how long (milliseconds), and how many tokens (entries of one generation). */
const MISS_MS = 5_000;
const MISSES_REMEMBERED = 1_024;

/** RFC 6750 section 2.1. */
const B64_TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

export type Introspection =
  | { readonly kind: 'active'; readonly claims: Readonly<Record<string, unknown>> }
  | { readonly kind: 'inactive' }
  /** The authorization server could not be asked, or gave no answer. `reason` is for the log. */
  | { readonly kind: 'unavailable'; readonly reason: 'introspection_failed' | 'introspection_limited' };

/** How this resource server is known to the authorization server. */
interface IntrospectionCredentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

interface IntrospectorDependencies {
  readonly clock: Clock;
  readonly fetchText: FetchText;
  /** Names the endpoint where none is configured. */
  readonly metadata: IssuerMetadataSource;
  /** PEM bundle for the issuer's hosts. */
  readonly ca: string | undefined;
  readonly signal: AbortSignal;
  /** Called after each introspection request; the failure is undefined when there was an answer. */
  readonly onAsked: (failure: IssuerFailure | undefined) => void;
}

/** Introspects tokens of one issuer. Caches inactive tokens for a moment; active ones are the caller's to cache. */
export class Introspector {
  readonly issuer: string;
  readonly #endpoint: string | undefined;
  readonly #credentials: IntrospectionCredentials;
  readonly #deps: IntrospectorDependencies;
  /** By digest: concurrent requests with the same token share one introspection. */
  readonly #running = new Map<string, Promise<Introspection>>();
  /** By digest, until when a token counts as inactive. */
  readonly #misses = new TokenCache<number>(MISSES_REMEMBERED);
  /** By digest: tokens that were active when they were last asked about. */
  readonly #active = new TokenCache<true>();
  readonly #allowance: IntrospectionAllowance;
  /**
   * No keep-alive: a request on a connection that the server is closing is lost, and a valid token with it. Not shared: a
   * request that waits in an agent gets its connection with the options, the guard of addresses among them, of another.
   */
  readonly #agents: Readonly<Record<Standing, Agent>> = {
    renewal: agent(),
    proven: agent(),
    network: agent(),
    connection: agent(),
    other: agent(),
  };

  /** @param endpoint discovered from the issuer when undefined */
  constructor(
    issuer: string,
    endpoint: string | undefined,
    credentials: IntrospectionCredentials,
    deps: IntrospectorDependencies,
  ) {
    this.issuer = issuer;
    this.#endpoint = endpoint;
    this.#credentials = credentials;
    this.#deps = deps;
    this.#allowance = new IntrospectionAllowance(deps.clock);
  }

  /**
   * @param digest of the token, by which it is remembered
   * @param source of the request that brings it
   */
  async introspect(token: string, digest: string, source: Source): Promise<Introspection> {
    const found = await this.#introspect(token, digest, source);
    if (found.kind === 'inactive') this.#allowance.blame(source);
    if (found.kind === 'active') this.#allowance.trust(source);
    return found;
  }

  /** Negative-caches a token that is active but not valid for this resource. */
  refuse(digest: string, source: Source): void {
    this.#miss(digest);
    this.#allowance.blame(source);
    this.#allowance.take('other');
  }

  #introspect(token: string, digest: string, source: Source): Promise<Introspection> {
    if (!B64_TOKEN.test(token)) return INACTIVE;
    if (this.#deps.clock() < (this.#misses.get(digest) ?? 0)) return INACTIVE;
    const running = this.#running.get(digest);
    if (running !== undefined) return running;
    const wasActive = this.#active.get(digest) !== undefined;
    const standing = wasActive ? 'renewal' : this.#allowance.standingOf(source);
    // A client that sends made-up tokens uses up its own allowance, not the authorization server (RFC 7662 section 4).
    const allowed = this.#allowance.take(standing);
    if (allowed === undefined) return LIMITED;
    const asking = this.#ask(token, digest, standing).then((answer) => {
      this.#running.delete(digest);
      if (answer.kind === 'active') allowed.give();
      return answer;
    });
    this.#running.set(digest, asking);
    return asking;
  }

  async #ask(token: string, digest: string, standing: Standing): Promise<Introspection> {
    let answer: Readonly<Record<string, unknown>>;
    try {
      answer = await this.#post(token, standing);
    } catch (error) {
      this.#deps.onAsked(issuerFailure(error));
      return { kind: 'unavailable', reason: 'introspection_failed' };
    }
    this.#deps.onAsked(undefined);
    // RFC 7662 section 2.2: a boolean; anything else is not active.
    if (answer.active !== true) {
      this.#miss(digest);
      return { kind: 'inactive' };
    }
    this.#active.set(digest, true);
    return { kind: 'active', claims: answer };
  }

  #miss(digest: string): void {
    this.#misses.set(digest, this.#deps.clock() + MISS_MS);
    this.#active.delete(digest);
  }

  async #post(token: string, standing: Standing): Promise<Readonly<Record<string, unknown>>> {
    const { fetchText, ca, signal } = this.#deps;
    const { url, discovered } = await this.#find();
    const body = new URLSearchParams({ token, token_type_hint: 'access_token' }).toString();
    const form = { authorization: basicCredentials(this.#credentials), body };
    const answer = parseObject(
      Buffer.from(await fetchText(url, { ca, signal, discovered, form, agent: this.#agents[standing] })),
    );
    if (answer === undefined)
      throw new IssuerError('not_introspection', `POST ${url}: response is not one JSON object`);
    return answer;
  }

  async #find(): Promise<{ url: string; discovered: boolean }> {
    if (this.#endpoint !== undefined) return { url: this.#endpoint, discovered: false };
    const { metadata } = this.#deps;
    const { introspectionEndpoint } = metadata.last ?? (await metadata.find());
    // The host that it names gets the client secret.
    const endpoint = discoveredEndpoint(this.issuer, introspectionEndpoint);
    if (endpoint !== undefined) return endpoint;
    throw new IssuerError(
      'no_introspection_endpoint',
      `metadata of ${this.issuer} has no usable https "introspection_endpoint"`,
    );
  }
}

function agent(): Agent {
  return new Agent({ keepAlive: false, maxSockets: MAX_CONNECTIONS });
}

const INACTIVE: Promise<Introspection> = Promise.resolve({ kind: 'inactive' });
const LIMITED: Promise<Introspection> = Promise.resolve({
  kind: 'unavailable',
  reason: 'introspection_limited',
});

/** RFC 6749 section 2.3.1: both are form-encoded before they are joined. */
function basicCredentials({ clientId, clientSecret }: IntrospectionCredentials): string {
  const encode = (text: string) => new URLSearchParams([['', text]]).toString().slice(1);
  return `Basic ${Buffer.from(`${encode(clientId)}:${encode(clientSecret)}`).toString('base64')}`;
}
