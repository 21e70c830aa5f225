// What is stripped, kept and added, in both directions: a table, and the one pass over the fields that applies it.
import { boundedMemo } from './memo.ts';
import type { SidecarConfig } from '../config/config.ts';
import { trimBlanks } from './field-value.ts';

/**
 * What becomes of a request field:
 * pass    forwarded as it came
 * strip   dropped: hop-by-hop, ours to set, or something a server might take for a proxy's word
 * others  read by the gateway, then dropped
 */
type RequestTreatment =
  | 'pass'
  | 'strip'
  | 'authorization'
  | 'host'
  | 'origin'
  | 'dpop'
  | 'connection'
  | 'content-length'
  | 'transfer-encoding'
  | 'via'
  | 'preflight-method'
  | 'preflight-headers'
  | 'content-type'
  | 'content-encoding'
  | 'session-id'
  | 'last-event-id'
  | 'protocol-version'
  | 'mcp-method'
  | 'mcp-name';

/** RFC 9110 section 7.6.1: fields of one hop. `Connection` names more. */
const HOP_BY_HOP = ['keep-alive', 'te', 'trailer', 'upgrade', 'http2-settings', 'expect'];

const REQUEST_FIELDS = new Map<string, RequestTreatment>([
  ...HOP_BY_HOP.map((name) => [name, 'strip'] as const),
  ['authorization', 'authorization'],
  ['host', 'host'],
  ['origin', 'origin'],
  ['connection', 'connection'],
  ['content-length', 'content-length'],
  ['transfer-encoding', 'transfer-encoding'],
  ['via', 'via'],
  ['access-control-request-method', 'preflight-method'],
  ['access-control-request-headers', 'preflight-headers'],
  // Read, and passed on as they are: what MCP decides by.
  ['content-type', 'content-type'],
  ['content-encoding', 'content-encoding'],
  ['mcp-session-id', 'session-id'],
  ['last-event-id', 'last-event-id'],
  ['mcp-protocol-version', 'protocol-version'],
  ['mcp-method', 'mcp-method'],
  ['mcp-name', 'mcp-name'],
  // As good as a part of the token (RFC 9449 section 4.1): it does not go on either.
  ['dpop', 'dpop'],
]);

/**
 * Fields that servers take for the word of a proxy they trust: identity, original address, original URL. Ours are added
 * after these are gone (RFC 9700 section 4.13).
 */
const SPOOFABLE = new RegExp(
  `^(${[
    // Where a request came from, as proxies and CDNs write it.
    'proxy-.*|via-proxy|x-forwarded|x-forwarded-.*|forwarded|forwarded-.*|x-real-ip|x-client-.*|x-cluster-client-ip',
    'true-client-ip|cf-connecting-.*|fastly-client-ip|fly-client-ip|x-azure-.*|x-appengine-.*|x-originating-ip',
    'x-remote-.*|x-proxyuser-ip|x-envoy-.*|x-scheme|x-url-scheme|front-end-https|x-host|x-http-host-override',
    // What it asked for before somebody changed it, or is to be taken for.
    'x-original-.*|x-rewrite-.*|x-http-method|x-http-method-override|x-method-override|x-middleware-subrequest',
    // Who it comes from, as authenticating proxies, meshes and gateways write it.
    'x-auth-.*|x-authenticated-.*|x-authentik-.*|x-pomerium-.*|x-vouch-.*|x-oidc-.*|x-jwt-.*|x-mcp-.*|x-webauth-.*',
    'x-user|x-user-.*|x-userid|x-userinfo|x-username|x-email|x-groups|x-roles|x-identity|x-identity-.*|x-consumer-.*',
    'x-credential-.*|x-anonymous-consumer|x-id-token|x-access-token|x-spiffe-.*|remote-.*|tailscale-.*|cf-access-.*',
    'x-amzn-oidc-.*|x-ms-client-.*|x-ms-token-.*|x-goog-authenticated-.*|x-goog-iap-.*|impersonate-.*',
    // The certificate of a client.
    'ssl-.*|x-ssl-.*|x-tls-.*|x-client-cert.*|client-cert.*|x-arr-clientcert',
  ].join('|')})$`,
);

/** Spellings seen and what becomes of them. Bounded: what does not fit is looked up again. */
const MAX_SPELLINGS = 1024;

/** The request fields, read once. */
export interface RequestFields {
  /** The last of each; the counts say whether there was more than one. */
  authorization: string | undefined;
  authorizations: number;
  host: string | undefined;
  hosts: number;
  origin: string | undefined;
  origins: number;
  proof: string | undefined;
  proofs: number;
  contentLength: string | undefined;
  chunked: boolean;
  /** A transfer coding other than `chunked`: it would be lost on the way (RFC 9112 section 6.1). */
  unknownCoding: boolean;
  preflightMethod: string | undefined;
  preflightHeaders: string | undefined;
  /** Whether the request has already passed this very process (RFC 9110 section 7.6.3). */
  looped: boolean;
  /** What the body is said to be; several of one name are joined by commas, and so are no type at all. */
  contentType: string | undefined;
  contentEncoding: string | undefined;
  /** Of the legacy era (MCP 2025-11-25, "Session Management"). */
  sessionId: string | undefined;
  lastEventId: string | undefined;
  /** Without blanks around them. */
  protocolVersion: string | undefined;
  mcpMethod: string | undefined;
  mcpName: string | undefined;
  /** A field of MCP that came twice: Node would join the values, others take the first or the last. */
  repeatedField: string | undefined;
  /** `Name: value` lines to forward, each with its line end. */
  forwarded: string;
  /** The same for `Mcp-Session-Id` and `Last-Event-ID`, which only legacy requests keep. */
  sessionLines: string;
}

/** Applies the table to request fields. One per configuration: the claim headers to strip are part of it. */
export class RequestHeaders {
  readonly #treatments = new Map<string, RequestTreatment>();
  readonly #owned: ReadonlySet<string>;
  readonly #forwardToken: boolean;
  readonly #pseudonym: string;

  /** @param pseudonym the name this process uses in `Via` */
  constructor(
    config: Pick<SidecarConfig, 'claimToHeaders' | 'identityAssertion' | 'forwardOriginalToken'>,
    pseudonym: string,
  ) {
    const { claimToHeaders, identityAssertion } = config;
    this.#owned = new Set(
      [...claimToHeaders, identityAssertion ?? []].flat().map(({ header }) => folded(header)),
    );
    this.#forwardToken = config.forwardOriginalToken;
    this.#pseudonym = pseudonym;
  }

  /** Reads `IncomingMessage.rawHeaders`: name, value, name, value … Only there are repeated fields still visible. */
  read(rawHeaders: readonly string[]): RequestFields {
    const fields = this.#pass(rawHeaders, undefined);
    return fields.named === undefined ? fields : this.#pass(rawHeaders, fields.named);
  }

  /** @param named fields that `Connection` names: they belong to this hop and are dropped */
  #pass(rawHeaders: readonly string[], named: ReadonlySet<string> | undefined): RequestFields & Named {
    const fields = emptyFields();
    for (let i = 0; i < rawHeaders.length; i += 2) {
      // rawHeaders has an even number of entries: a value stands behind each name.
      const name = rawHeaders[i] as string;
      const value = rawHeaders[i + 1] as string;
      switch (this.#treatment(name)) {
        case 'pass':
          if (!named?.has(name.toLowerCase())) fields.forwarded += `${name}: ${value}\r\n`;
          break;
        case 'strip':
          break;
        case 'authorization':
          fields.authorization = value;
          fields.authorizations++;
          if (this.#forwardToken) fields.forwarded += `Authorization: ${value}\r\n`;
          break;
        case 'host':
          fields.host = value;
          fields.hosts++;
          break;
        case 'origin':
          fields.origin = value;
          fields.origins++;
          break;
        case 'dpop':
          fields.proof = value;
          fields.proofs++;
          break;
        case 'connection':
          if (!isPlainConnection(value)) fields.named = addNames(fields.named, value);
          break;
        case 'content-length':
          fields.contentLength = value;
          break;
        case 'transfer-encoding':
          fields.chunked = true;
          fields.unknownCoding ||= value.toLowerCase() !== 'chunked';
          break;
        case 'via':
          if (value.includes(this.#pseudonym)) fields.looped = true;
          fields.forwarded += `Via: ${value}\r\n`;
          break;
        case 'preflight-method':
          fields.preflightMethod = value;
          break;
        case 'preflight-headers':
          fields.preflightHeaders = value;
          break;
        default:
          // What `Connection` names was not meant for us to forward: neither is it to judge by.
          if (!named?.has(name.toLowerCase())) this.#mcpField(fields, name, value);
      }
    }
    return fields;
  }

  /** A field that decisions are made by and that is forwarded. */
  #mcpField(fields: RequestFields, name: string, value: string): void {
    const line = `${name}: ${value}\r\n`;
    switch (this.#treatment(name)) {
      case 'content-type':
        fields.contentType = join(fields.contentType, value);
        break;
      case 'content-encoding':
        fields.contentEncoding = join(fields.contentEncoding, value);
        break;
      case 'session-id':
        if (fields.sessionId !== undefined) fields.repeatedField = 'Mcp-Session-Id';
        fields.sessionId = value;
        fields.sessionLines += line;
        return;
      case 'last-event-id':
        if (fields.lastEventId !== undefined) fields.repeatedField = 'Last-Event-ID';
        fields.lastEventId = value;
        fields.sessionLines += line;
        return;
      case 'protocol-version':
        if (fields.protocolVersion !== undefined) fields.repeatedField = 'MCP-Protocol-Version';
        fields.protocolVersion = trimBlanks(value);
        break;
      case 'mcp-method':
        if (fields.mcpMethod !== undefined) fields.repeatedField = 'Mcp-Method';
        fields.mcpMethod = trimBlanks(value);
        break;
      case 'mcp-name':
        if (fields.mcpName !== undefined) fields.repeatedField = 'Mcp-Name';
        fields.mcpName = trimBlanks(value);
        break;
      default:
    }
    fields.forwarded += line;
  }

  #treatment(name: string): RequestTreatment {
    const known = this.#treatments.get(name);
    if (known !== undefined) return known;
    const treatment = this.#judge(name.toLowerCase());
    if (this.#treatments.size < MAX_SPELLINGS) this.#treatments.set(name, treatment);
    return treatment;
  }

  #judge(name: string): RequestTreatment {
    // CGI and WSGI fold `_` and `-`: a name with an underscore could become one of ours behind us.
    // Parameters of tools keep their names (MCP 2026-07-28): none of ours begins so.
    if (name.includes('_') && !name.startsWith('mcp-param-')) return 'strip';
    if (this.#owned.has(folded(name))) return 'strip';
    return REQUEST_FIELDS.get(name) ?? (SPOOFABLE.test(name) ? 'strip' : 'pass');
  }
}

/** `X_User` of ours and `X-User` of a client are one name to CGI and WSGI. */
function folded(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}

interface Named {
  named: Set<string> | undefined;
}

function emptyFields(): RequestFields & Named {
  return {
    authorization: undefined,
    authorizations: 0,
    host: undefined,
    hosts: 0,
    origin: undefined,
    origins: 0,
    proof: undefined,
    proofs: 0,
    contentLength: undefined,
    chunked: false,
    unknownCoding: false,
    preflightMethod: undefined,
    preflightHeaders: undefined,
    looped: false,
    contentType: undefined,
    contentEncoding: undefined,
    sessionId: undefined,
    lastEventId: undefined,
    protocolVersion: undefined,
    mcpMethod: undefined,
    mcpName: undefined,
    repeatedField: undefined,
    forwarded: '',
    sessionLines: '',
    named: undefined,
  };
}

function join(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`;
}

function isPlainConnection(value: string): boolean {
  return value === 'keep-alive' || value === 'close' || value === 'Keep-Alive' || value === 'Close';
}

function addNames(names: Set<string> | undefined, value: string): Set<string> {
  const all = names ?? new Set<string>();
  for (const name of value.split(',')) all.add(trimBlanks(name).toLowerCase());
  return all;
}

/** What becomes of a response field: `pass`, `strip`, or read by the proxy. */
export type ResponseTreatment =
  'pass' | 'strip' | 'content-length' | 'content-type' | 'cache-control' | 'accel-buffering';

/**
 * The hop's own fields end here; redirects are not relayed at all. The server's challenge would send clients to another authorization server, its CORS answer would open what the proxy
 * judged, and its name helps nobody but an attacker (RESOURCE_SERVER B22, G17).
 */
const RESPONSE_FIELDS = new Map<string, ResponseTreatment>([
  ...['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade'].map(
    (name) => [name, 'strip'] as const,
  ),
  ...['proxy-authenticate', 'proxy-connection', 'proxy-authentication-info', 'location'].map(
    (name) => [name, 'strip'] as const,
  ),
  ...['server', 'x-powered-by', 'www-authenticate', 'via', 'alt-svc', 'x-content-type-options'].map(
    (name) => [name, 'strip'] as const,
  ),
  // A nonce of the server's would be taken for ours (RFC 9449 section 9).
  ['dpop-nonce', 'strip'],
  ['content-length', 'content-length'],
  ['content-type', 'content-type'],
  ['cache-control', 'cache-control'],
  ['x-accel-buffering', 'accel-buffering'],
]);

/** The treatment of a field of the server's answer. */
export const responseTreatment = boundedMemo(MAX_SPELLINGS, (name: string): ResponseTreatment => {
  const lower = name.toLowerCase();
  return RESPONSE_FIELDS.get(lower) ?? (lower.startsWith('access-control-') ? 'strip' : 'pass');
});
