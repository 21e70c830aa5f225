// What an authorization server says of itself (RFC 8414, OpenID Connect Discovery): found, and held to its own name.
import type { FetchText } from './fetch.ts';

/** Longer texts of others are cut before they are repeated (characters). */
const MAX_QUOTED = 200;

/** The members that are used; the document has more. */
export interface IssuerMetadata {
  readonly issuer: string;
  readonly jwksUri: string | undefined;
  /** RFC 7662. */
  readonly introspectionEndpoint: string | undefined;
  /** The document as it came. */
  readonly text: string;
}

export interface IssuerMetadataDependencies {
  readonly fetchText: FetchText;
  /** PEM bundle for the issuer's host. */
  readonly ca: string | undefined;
  readonly signal: AbortSignal;
  /** Told when the metadata begins to name another issuer, or ceases to. */
  readonly onMismatch: (mismatch: string | undefined) => void;
}

/** The metadata of one configured issuer, as last seen. */
export class IssuerMetadataSource {
  readonly #issuer: string;
  readonly #deps: IssuerMetadataDependencies;
  #last: IssuerMetadata | undefined;
  #mismatch: string | undefined;
  #looked = false;
  #running: Promise<IssuerMetadata> | undefined;

  constructor(issuer: string, deps: IssuerMetadataDependencies) {
    this.#issuer = issuer;
    this.#deps = deps;
  }

  /** Whether an attempt has come to its end, well or badly. */
  get looked(): boolean {
    return this.#looked;
  }

  /**
   * What is wrong when the metadata names another issuer: clients refuse such an authorization server (RFC 8414 section
   * 3.3), so that nobody could log in. Metadata that cannot be had is no mismatch: pods may not reach the public name.
   */
  get mismatch(): string | undefined {
    return this.#mismatch;
  }

  /** What was last found; undefined while nothing was, or when it has come to name another issuer. */
  get last(): IssuerMetadata | undefined {
    return this.#last;
  }

  /** The last good document, as it came. */
  get text(): string | undefined {
    return this.#last?.text;
  }

  /**
   * Fetches the metadata now; shared by all who ask at the same time.
   * @throws Error naming every place that was tried, and what was wrong there
   */
  find(): Promise<IssuerMetadata> {
    this.#running ??= this.#find().finally(() => {
      this.#looked = true;
      this.#running = undefined;
    });
    return this.#running;
  }

  async #find(): Promise<IssuerMetadata> {
    const problems: string[] = [];
    let mismatch: string | undefined;
    let withoutKeys: IssuerMetadata | undefined;
    for (const url of metadataUrls(this.#issuer)) {
      try {
        const found = parseMetadata(url, await this.#deps.fetchText(url, this.#deps));
        if (found.issuer === this.#issuer) {
          if (found.jwksUri !== undefined) return this.#accept(found);
          withoutKeys ??= found;
          continue;
        }
        mismatch ??= `GET ${url}: the metadata names the issuer ${quote(found.issuer)}, not "${this.#issuer}"`;
        problems.push(mismatch);
      } catch (error) {
        problems.push((error as Error).message);
      }
    }
    if (withoutKeys !== undefined) return this.#accept(withoutKeys);
    // An outage says nothing about the name: what was last seen stands.
    if (mismatch !== undefined) this.#settle(mismatch);
    throw new Error(problems.join('; '));
  }

  #accept(found: IssuerMetadata): IssuerMetadata {
    this.#last = found;
    this.#settle(undefined);
    return found;
  }

  #settle(mismatch: string | undefined): void {
    if (mismatch === this.#mismatch) return;
    this.#mismatch = mismatch;
    if (mismatch !== undefined) this.#last = undefined;
    this.#deps.onMismatch(mismatch);
  }
}

/** RFC 8414 section 3.1 puts the well-known part between host and path; OpenID Connect Discovery section 4 appends it. */
function metadataUrls(issuer: string): string[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  return [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ];
}

/** @throws Error when the text is no metadata at all */
function parseMetadata(url: string, text: string): IssuerMetadata & { readonly issuer: string } {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw new Error(`GET ${url}: the answer is not JSON`, { cause });
  }
  const members = (document ?? {}) as Record<string, unknown>;
  const { issuer, jwks_uri: jwksUri, introspection_endpoint: introspectionEndpoint } = members;
  if (typeof issuer !== 'string') throw new Error(`GET ${url}: the answer names no issuer`);
  const textOf = (member: unknown) => (typeof member === 'string' ? member : undefined);
  return { issuer, jwksUri: textOf(jwksUri), introspectionEndpoint: textOf(introspectionEndpoint), text };
}

function quote(text: string): string {
  return JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text);
}
