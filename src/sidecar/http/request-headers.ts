// Request header fields: one pass that reads what decisions need and writes down what is forwarded. Decides nothing itself.
import type { SidecarConfig } from '../config/config.ts';
import { trimOws } from './field-value.ts';
import { boundedMemo } from './memo.ts';

/** RFC 9110 section 7.6.1: fields of one hop. `Connection` names more. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  ...['keep-alive', 'te', 'trailer', 'upgrade', 'http2-settings', 'expect'],
]);

interface Spoofable {
  /** A regular expression for whole names in lower case. */
  readonly pattern: string;
  /** Who sets such fields, and whose servers therefore believe them. */
  readonly setBy: string;
}

/**
 * Fields that servers take for the word of a proxy they trust: identity, original address, original URL. The sidecar's
 * own are added after these are gone (RFC 9700 section 4.13).
 */
const SPOOFABLE: readonly Spoofable[] = [
  // Where a request came from.
  { pattern: 'proxy-.*', setBy: 'forward proxies (RFC 9110 section 11.7)' },
  { pattern: 'via-proxy', setBy: 'forward proxies' },
  { pattern: 'forwarded', setBy: 'proxies that follow RFC 7239' },
  { pattern: 'forwarded-.*', setBy: 'older reverse proxies' },
  { pattern: 'x-forwarded', setBy: 'older reverse proxies' },
  { pattern: 'x-forwarded-.*', setBy: 'nearly every reverse proxy; oauth2-proxy for users and groups' },
  { pattern: 'x-real-ip', setBy: 'nginx, Traefik' },
  { pattern: 'x-client-.*', setBy: 'load balancers: address, port and certificate of the client' },
  { pattern: 'x-cluster-client-ip', setBy: 'Rackspace, Riverbed' },
  { pattern: 'true-client-ip', setBy: 'Akamai, Cloudflare' },
  { pattern: 'cf-connecting-.*', setBy: 'Cloudflare' },
  { pattern: 'fastly-client-ip', setBy: 'Fastly' },
  { pattern: 'fly-client-ip', setBy: 'Fly.io' },
  { pattern: 'x-azure-.*', setBy: 'Azure Front Door' },
  { pattern: 'x-appengine-.*', setBy: 'Google App Engine' },
  { pattern: 'x-originating-ip', setBy: 'mail and web gateways' },
  { pattern: 'x-remote-.*', setBy: 'Kubernetes API aggregation; older reverse proxies' },
  { pattern: 'x-proxyuser-ip', setBy: 'Google front ends' },
  { pattern: 'x-envoy-.*', setBy: 'Envoy and meshes built on it' },
  { pattern: 'x-scheme', setBy: 'ingress-nginx' },
  { pattern: 'x-url-scheme', setBy: 'older reverse proxies' },
  { pattern: 'front-end-https', setBy: 'Microsoft gateways' },
  { pattern: 'x-host', setBy: 'reverse proxies; frameworks that build URLs from it' },
  { pattern: 'x-http-host-override', setBy: 'reverse proxies; frameworks that build URLs from it' },
  // What it asked for before it was changed, or is to be taken for.
  { pattern: 'x-original-.*', setBy: 'IIS URL Rewrite, ingress-nginx' },
  { pattern: 'x-rewrite-.*', setBy: 'IIS, ISAPI_Rewrite' },
  { pattern: 'x-http-method', setBy: 'clients of frameworks with a method override' },
  { pattern: 'x-http-method-override', setBy: 'clients of frameworks with a method override' },
  { pattern: 'x-method-override', setBy: 'clients of frameworks with a method override' },
  { pattern: 'x-middleware-subrequest', setBy: 'Next.js' },
  // Who it comes from.
  { pattern: 'x-auth-.*', setBy: 'oauth2-proxy, ingress-nginx' },
  { pattern: 'x-authenticated-.*', setBy: 'Kong' },
  { pattern: 'x-authentik-.*', setBy: 'authentik' },
  { pattern: 'x-pomerium-.*', setBy: 'Pomerium' },
  { pattern: 'x-vouch-.*', setBy: 'Vouch Proxy' },
  { pattern: 'x-oidc-.*', setBy: 'gateways with OpenID Connect' },
  { pattern: 'x-jwt-.*', setBy: 'gateways that verify JWTs' },
  { pattern: 'x-mcp-.*', setBy: 'this sidecar, as the examples configure it' },
  { pattern: 'x-webauth-.*', setBy: 'authenticating proxies in front of Grafana' },
  { pattern: 'x-user', setBy: 'authenticating proxies' },
  { pattern: 'x-user-.*', setBy: 'authenticating proxies' },
  { pattern: 'x-userid', setBy: 'authenticating proxies' },
  { pattern: 'x-userinfo', setBy: 'Kong, APISIX' },
  { pattern: 'x-username', setBy: 'authenticating proxies' },
  { pattern: 'x-email', setBy: 'authenticating proxies' },
  { pattern: 'x-groups', setBy: 'authenticating proxies' },
  { pattern: 'x-roles', setBy: 'authenticating proxies' },
  { pattern: 'x-identity', setBy: 'authenticating proxies' },
  { pattern: 'x-identity-.*', setBy: 'authenticating proxies' },
  { pattern: 'x-consumer-.*', setBy: 'Kong' },
  { pattern: 'x-credential-.*', setBy: 'Kong' },
  { pattern: 'x-anonymous-consumer', setBy: 'Kong' },
  { pattern: 'x-id-token', setBy: 'gateways with OpenID Connect' },
  { pattern: 'x-access-token', setBy: 'gateways with OpenID Connect' },
  { pattern: 'x-spiffe-.*', setBy: 'meshes with SPIFFE identities' },
  { pattern: 'remote-.*', setBy: 'Authelia; web servers (REMOTE_USER)' },
  { pattern: 'tailscale-.*', setBy: 'Tailscale Serve' },
  { pattern: 'cf-access-.*', setBy: 'Cloudflare Access' },
  { pattern: 'x-amzn-oidc-.*', setBy: 'AWS Application Load Balancer' },
  { pattern: 'x-ms-client-.*', setBy: 'Azure App Service' },
  { pattern: 'x-ms-token-.*', setBy: 'Azure App Service' },
  { pattern: 'x-goog-authenticated-.*', setBy: 'Google Identity-Aware Proxy' },
  { pattern: 'x-goog-iap-.*', setBy: 'Google Identity-Aware Proxy' },
  { pattern: 'impersonate-.*', setBy: 'proxies in front of the Kubernetes API server' },
  // The certificate of a client.
  { pattern: 'ssl-.*', setBy: 'nginx, Apache' },
  { pattern: 'x-ssl-.*', setBy: 'HAProxy, nginx' },
  { pattern: 'x-tls-.*', setBy: 'TLS terminators' },
  { pattern: 'x-client-cert.*', setBy: 'TLS terminators' },
  { pattern: 'client-cert.*', setBy: 'TLS terminators that follow RFC 9440' },
  { pattern: 'x-arr-clientcert', setBy: 'Azure App Service' },
];

const IS_SPOOFABLE = new RegExp(`^(?:${SPOOFABLE.map(({ pattern }) => pattern).join('|')})$`);

/** Spellings whose treatment is remembered. */
const MAX_SPELLINGS = 1024;

/** The request fields, read once. */
export interface RequestFields {
  /** The last of each; the counts say whether there was more than one. */
  readonly authorization: string | undefined;
  readonly authorizations: number;
  readonly host: string | undefined;
  readonly hosts: number;
  readonly origin: string | undefined;
  readonly origins: number;
  readonly proof: string | undefined;
  readonly proofs: number;
  readonly contentLength: string | undefined;
  readonly chunked: boolean;
  /** A transfer coding other than `chunked`: it would be lost on the way (RFC 9112 section 6.1). */
  readonly unknownCoding: boolean;
  readonly preflightMethod: string | undefined;
  readonly preflightHeaders: string | undefined;
  /** Whether the request has already passed this very process (RFC 9110 section 7.6.3). */
  readonly looped: boolean;
  /** What the body is said to be; several of one name are joined by commas, and so are no type at all. */
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  /** Of the legacy era (MCP 2025-11-25, "Session Management"). */
  readonly sessionId: string | undefined;
  readonly lastEventId: string | undefined;
  /** Without blanks around them. */
  readonly protocolVersion: string | undefined;
  readonly mcpMethod: string | undefined;
  readonly mcpName: string | undefined;
  /** A field of MCP that came twice: Node would join the values, others take the first or the last. */
  readonly repeatedField: string | undefined;
  /** `Name: value` lines to forward, each with its line end. */
  readonly forwarded: string;
  /** The same for `Mcp-Session-Id` and `Last-Event-ID`, which only legacy requests keep. */
  readonly sessionLines: string;
}

/** While the fields are being read. */
type MutableFields = { -readonly [Member in keyof RequestFields]: RequestFields[Member] } & {
  /** What `Connection` names besides `keep-alive` and `close`, in lower case. */
  named: Set<string> | undefined;
};

/** What becomes of a field. */
interface Treatment {
  readonly read: (fields: MutableFields, name: string, value: string) => void;
  /** Whether it is dropped unread where `Connection` names it: it was not meant to be forwarded, nor to decide by. */
  readonly isDroppable: boolean;
}

type FieldsConfig = Pick<SidecarConfig, 'claimToHeaders' | 'identityAssertion' | 'forwardOriginalToken'>;

/** Reads request fields. One per configuration: the claim headers to strip are part of it. */
export class RequestHeaders {
  readonly #treatment: (name: string) => Treatment;

  /** @param pseudonym the name this process uses in `Via` */
  constructor(config: FieldsConfig, pseudonym: string) {
    const own = ownHeaders(config);
    const treatments = treatmentsFor(config, pseudonym);
    this.#treatment = boundedMemo(MAX_SPELLINGS, (name) => {
      const lower = name.toLowerCase();
      return isStripped(lower, own) ? STRIP : (treatments.get(lower) ?? PASS);
    });
  }

  /** Reads `IncomingMessage.rawHeaders`: name, value, name, value … Only there are repeated fields still visible. */
  read(rawHeaders: readonly string[]): RequestFields {
    const fields = this.#pass(rawHeaders, undefined);
    // Seldom: fields may stand in front of the `Connection` that names them.
    return fields.named === undefined ? fields : this.#pass(rawHeaders, fields.named);
  }

  /** @param named fields that `Connection` names: they belong to this hop and are dropped */
  #pass(rawHeaders: readonly string[], named: ReadonlySet<string> | undefined): MutableFields {
    const fields = emptyFields();
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const name = rawHeaders[i] as string; // names and values come in pairs
      const treatment = this.#treatment(name);
      if (named !== undefined && treatment.isDroppable && named.has(name.toLowerCase())) continue;
      treatment.read(fields, name, rawHeaders[i + 1] as string);
    }
    return fields;
  }
}

/** @param own names that the sidecar sets itself, folded */
function isStripped(lower: string, own: ReadonlySet<string>): boolean {
  // CGI and WSGI fold `_` and `-`: a name with an underscore could become one of the sidecar's behind it.
  // Parameters of tools keep their names (MCP 2026-07-28): none of the sidecar's begins so.
  if (lower.includes('_') && !lower.startsWith('mcp-param-')) return true;
  return own.has(folded(lower)) || HOP_BY_HOP.has(lower) || IS_SPOOFABLE.test(lower);
}

/** Names, folded, of the headers that name the principal to the server. */
function ownHeaders({ claimToHeaders, identityAssertion }: FieldsConfig): ReadonlySet<string> {
  return new Set([...claimToHeaders, identityAssertion ?? []].flat().map(({ header }) => folded(header)));
}

/** `X_User` of the sidecar and `X-User` of a client are one name to CGI and WSGI. */
function folded(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}

const STRIP: Treatment = { read: () => undefined, isDroppable: false };
const PASS: Treatment = { read: forward, isDroppable: true };

function forward(fields: MutableFields, name: string, value: string): void {
  fields.forwarded += `${name}: ${value}\r\n`;
}

/** What is read of the fields that decisions or framing need, by name in lower case. */
function treatmentsFor(
  { forwardOriginalToken }: FieldsConfig,
  pseudonym: string,
): ReadonlyMap<string, Treatment> {
  /** Read, and not forwarded as it came. */
  const taken = (read: Treatment['read']): Treatment => ({ read, isDroppable: false });
  /** Read, and forwarded as it came: what MCP decides by. */
  const mcp = (read: Treatment['read']): Treatment => ({ read, isDroppable: true });
  return new Map<string, Treatment>([
    ['authorization', taken(forwardOriginalToken ? readAndForwardAuthorization : readAuthorization)],
    ['host', taken(readHost)],
    ['origin', taken(readOrigin)],
    // Belongs to the token (RFC 9449 section 4.1): it is not forwarded either.
    ['dpop', taken(readProof)],
    ['connection', taken(readConnection)],
    ['content-length', taken((fields, _name, value) => void (fields.contentLength = value))],
    ['transfer-encoding', taken(readTransferEncoding)],
    ['access-control-request-method', taken((fields, _name, value) => void (fields.preflightMethod = value))],
    [
      'access-control-request-headers',
      taken((fields, _name, value) => void (fields.preflightHeaders = value)),
    ],
    [
      'via',
      taken((fields, _name, value) => {
        if (value.includes(pseudonym)) fields.looped = true;
        fields.forwarded += `Via: ${value}\r\n`;
      }),
    ],
    ['content-type', mcp(readContentType)],
    ['content-encoding', mcp(readContentEncoding)],
    ['mcp-session-id', mcp(readSessionId)],
    ['last-event-id', mcp(readLastEventId)],
    ['mcp-protocol-version', mcp(readProtocolVersion)],
    ['mcp-method', mcp(readMcpMethod)],
    ['mcp-name', mcp(readMcpName)],
  ]);
}

function readAuthorization(fields: MutableFields, _name: string, value: string): void {
  fields.authorization = value;
  fields.authorizations++;
}

function readAndForwardAuthorization(fields: MutableFields, name: string, value: string): void {
  readAuthorization(fields, name, value);
  fields.forwarded += `Authorization: ${value}\r\n`;
}

function readHost(fields: MutableFields, _name: string, value: string): void {
  fields.host = value;
  fields.hosts++;
}

function readOrigin(fields: MutableFields, _name: string, value: string): void {
  fields.origin = value;
  fields.origins++;
}

function readProof(fields: MutableFields, _name: string, value: string): void {
  fields.proof = value;
  fields.proofs++;
}

function readConnection(fields: MutableFields, _name: string, value: string): void {
  if (value === 'keep-alive' || value === 'close' || value === 'Keep-Alive' || value === 'Close') return;
  fields.named ??= new Set();
  for (const name of value.split(',')) fields.named.add(trimOws(name).toLowerCase());
}

function readTransferEncoding(fields: MutableFields, _name: string, value: string): void {
  fields.chunked = true;
  fields.unknownCoding ||= value.toLowerCase() !== 'chunked';
}

function readContentType(fields: MutableFields, name: string, value: string): void {
  fields.contentType = joined(fields.contentType, value);
  forward(fields, name, value);
}

function readContentEncoding(fields: MutableFields, name: string, value: string): void {
  fields.contentEncoding = joined(fields.contentEncoding, value);
  forward(fields, name, value);
}

function readSessionId(fields: MutableFields, name: string, value: string): void {
  if (fields.sessionId !== undefined) fields.repeatedField = 'Mcp-Session-Id';
  fields.sessionId = value;
  fields.sessionLines += `${name}: ${value}\r\n`;
}

function readLastEventId(fields: MutableFields, name: string, value: string): void {
  if (fields.lastEventId !== undefined) fields.repeatedField = 'Last-Event-ID';
  fields.lastEventId = value;
  fields.sessionLines += `${name}: ${value}\r\n`;
}

function readProtocolVersion(fields: MutableFields, name: string, value: string): void {
  if (fields.protocolVersion !== undefined) fields.repeatedField = 'MCP-Protocol-Version';
  fields.protocolVersion = trimOws(value);
  forward(fields, name, value);
}

function readMcpMethod(fields: MutableFields, name: string, value: string): void {
  if (fields.mcpMethod !== undefined) fields.repeatedField = 'Mcp-Method';
  fields.mcpMethod = trimOws(value);
  forward(fields, name, value);
}

function readMcpName(fields: MutableFields, name: string, value: string): void {
  if (fields.mcpName !== undefined) fields.repeatedField = 'Mcp-Name';
  fields.mcpName = trimOws(value);
  forward(fields, name, value);
}

function joined(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`;
}

function emptyFields(): MutableFields {
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
