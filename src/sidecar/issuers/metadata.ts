// The metadata of one authorization server (RFC 8414, OpenID Connect Discovery): finds it, and compares its issuer.
import { isObject } from '../../protocol/json.ts';
import { AUTHORIZATION_SERVER_METADATA_PATH, OPENID_CONFIGURATION_PATH } from '../../protocol/oauth.ts';
import type { IssuerErrorCode, IssuerFailure } from '../../protocol/sidecar-status.ts';
import { parseJson, type FetchText } from './fetch.ts';
import { IssuerError, issuerFailure } from './issuer-error.ts';

/** Longer texts of a document are cut before an error quotes them (characters). */
const MAX_QUOTED = 200;

/** The members that are used; the document has more. */
interface IssuerMetadata {
  readonly issuer: string;
  readonly jwksUri: string | undefined;
  /** RFC 7662. */
  readonly introspectionEndpoint: string | undefined;
  /** The document as it came. */
  readonly text: string;
}

interface IssuerMetadataDependencies {
  readonly fetchText: FetchText;
  /** PEM bundle for the issuer's host. */
  readonly ca: string | undefined;
  readonly signal: AbortSignal;
  /** Called when the metadata begins to name another issuer, or ceases to. */
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

  /** Whether an attempt has ended, successful or not. */
  get looked(): boolean {
    return this.#looked;
  }

  /**
   * What is wrong when the metadata names another issuer: clients refuse such an authorization server (RFC 8414 section
   * 3.3), so that no client could log in. Metadata that cannot be fetched is no mismatch: pods may not reach the public
   * name.
   */
  get mismatch(): string | undefined {
    return this.#mismatch;
  }

  /** What was last found; undefined before that, and while the metadata names another issuer. */
  get last(): IssuerMetadata | undefined {
    return this.#last;
  }

  /** The last good document, as it came. */
  get text(): string | undefined {
    return this.#last?.text;
  }

  /**
   * Fetches the metadata now; concurrent callers share one fetch.
   * @throws IssuerError naming every URL that was tried, and what was wrong there
   */
  find(): Promise<IssuerMetadata> {
    this.#running ??= this.#find().finally(() => {
      this.#looked = true;
      this.#running = undefined;
    });
    return this.#running;
  }

  async #find(): Promise<IssuerMetadata> {
    const failures: IssuerFailure[] = [];
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
        const message = `GET ${url}: the metadata names the issuer ${quote(found.issuer)}, not "${this.#issuer}"`;
        mismatch ??= message;
        failures.push({ code: 'issuer_mismatch', message });
      } catch (error) {
        failures.push(issuerFailure(error));
      }
    }
    if (withoutKeys !== undefined) return this.#accept(withoutKeys);
    // An outage says nothing about the name: what was last seen stands.
    if (mismatch !== undefined) this.#settle(mismatch);
    throw new IssuerError(decisive(failures), failures.map(({ message }) => message).join('; '));
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
    `${origin}${AUTHORIZATION_SERVER_METADATA_PATH}${path}`,
    `${origin}${path}${OPENID_CONFIGURATION_PATH}`,
  ];
}

/**
 * One code for the failures at all places: another issuer's metadata before all; a 404 only says that it may be at the other
 * place, so what went wrong there counts for more.
 */
function decisive(failures: readonly IssuerFailure[]): IssuerErrorCode {
  const codes = failures.map(({ code }) => code);
  const [first = 'unexpected'] = codes;
  return codes.includes('issuer_mismatch')
    ? 'issuer_mismatch'
    : (codes.find((code) => code !== 'bad_status') ?? first);
}

/** @throws IssuerError when the text is no metadata at all */
function parseMetadata(url: string, text: string): IssuerMetadata & { readonly issuer: string } {
  const document = parseJson(url, text);
  const members = isObject(document) ? document : {};
  const { issuer, jwks_uri: jwksUri, introspection_endpoint: introspectionEndpoint } = members;
  if (typeof issuer !== 'string')
    throw new IssuerError('not_metadata', `GET ${url}: response is not metadata: it has no "issuer"`);
  const textOf = (member: unknown) => (typeof member === 'string' ? member : undefined);
  return { issuer, jwksUri: textOf(jwksUri), introspectionEndpoint: textOf(introspectionEndpoint), text };
}

/**
 * An endpoint that metadata names, if it is one that may be asked.
 * @returns `discovered`: the host is not the issuer's, which is configured, but named by the document alone
 */
export function discoveredEndpoint(
  issuer: string,
  url: string | undefined,
): { readonly url: string; readonly discovered: boolean } | undefined {
  if (url === undefined || !URL.canParse(url) || !url.startsWith('https://')) return undefined;
  return { url, discovered: new URL(url).hostname !== new URL(issuer).hostname };
}

function quote(text: string): string {
  return JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text);
}
