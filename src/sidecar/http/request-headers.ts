// Request header fields: one pass that reads what decisions need and writes down what is forwarded. Decides nothing itself.
import type { SidecarConfig } from '../config/config.ts';
import { foldedName, isReservedField } from '../config/reserved-fields.ts';
import { trimOws } from './field-value.ts';
import { boundedMemo } from './memo.ts';

/** RFC 9110 section 7.6.1: fields of one hop. `Connection` names more. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  ...['keep-alive', 'te', 'trailer', 'upgrade', 'http2-settings', 'expect'],
]);

/** Fields that reach the server as they came. What is not here, or configured, is dropped (RESOURCE_SERVER G1). */
const FORWARDED: ReadonlySet<string> = new Set([
  // What concerns the message and its answer (RFC 9110, 9111, 7240, 9218, 9530).
  ...['accept', 'accept-charset', 'accept-encoding', 'accept-language', 'user-agent', 'date'],
  ...['content-language', 'content-disposition', 'content-md5', 'content-digest'],
  ...['digest', 'repr-digest', 'want-content-digest', 'want-repr-digest', 'want-digest'],
  ...['cache-control', 'pragma', 'if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since'],
  ...['if-range', 'range', 'prefer', 'priority', 'idempotency-key', 'dnt', 'save-data'],
  // Trace context: W3C, and what tracers used before it.
  ...['traceparent', 'tracestate', 'baggage', 'b3', 'x-b3-traceid', 'x-b3-spanid', 'x-b3-parentspanid'],
  ...['x-b3-sampled', 'x-b3-flags', 'uber-trace-id', 'sentry-trace', 'x-amzn-trace-id'],
  ...['x-cloud-trace-context', 'x-request-id', 'x-correlation-id'],
  // By which clients configure MCP servers: GitHub's, and those that follow it.
  ...['x-mcp-readonly', 'x-mcp-toolsets', 'x-mcp-tools', 'x-mcp-exclude-tools', 'x-mcp-features'],
  ...['x-mcp-insiders', 'x-mcp-lockdown', 'x-mcp-dynamic', 'x-mcp-enabled-tools', 'x-mcp-disabled-tools'],
]);

/** MCP's own fields pass, but for names by which a server would be told who calls: none of MCP's says that. */
const MCP_IDENTITY =
  /^mcp-(?!param-).*(?:user|subject|principal|identity|email|group|role|tenant|scope|claim|auth|token|caller|account|client|(?:^|-)sub$)/;

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
  /** Names of fields that are not forwarded, as they came; those that the sidecar itself reads are not among them. */
  readonly dropped: readonly string[] | undefined;
}

/** While the fields are being read. */
type MutableFields = { -readonly [Member in keyof Omit<RequestFields, 'dropped'>]: RequestFields[Member] } & {
  dropped: string[] | undefined;
  /** What `Connection` names besides `keep-alive` and `close`, in lower case. */
  named: Set<string> | undefined;
};

/** What becomes of a field. */
interface Treatment {
  readonly read: (fields: MutableFields, name: string, value: string) => void;
  /** Whether it is dropped unread where `Connection` names it: it was not meant to be forwarded, nor to decide by. */
  readonly isDroppable: boolean;
}

type FieldsConfig = Pick<
  SidecarConfig,
  'claimToHeaders' | 'identityAssertion' | 'forwardOriginalToken' | 'forwardHeaders'
>;

/** Reads request fields. One per configuration: what is forwarded, and the claim headers, are part of it. */
export class RequestHeaders {
  readonly #treatment: (name: string) => Treatment;

  /** @param pseudonym the name this process uses in `Via` */
  constructor(config: FieldsConfig, pseudonym: string) {
    const own = ownHeaders(config);
    const treatments = treatmentsFor(config, pseudonym);
    const isForwarded = forwardedBy(config.forwardHeaders ?? []);
    this.#treatment = boundedMemo(MAX_SPELLINGS, (name) => {
      const lower = name.toLowerCase();
      if (own.has(foldedName(lower))) return DROP;
      return treatments.get(lower) ?? (isForwarded(lower) ? PASS : DROP);
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

/** @param configured names, and beginnings of names with a `*` behind them */
function forwardedBy(configured: readonly string[]): (lower: string) => boolean {
  const lower = configured.map((name) => name.toLowerCase());
  const names = new Set(lower.filter((name) => !name.endsWith('*')));
  const prefixes = lower.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1));
  return (name) => {
    // Parameters of tools keep their names (MCP 2026-07-28), underscores among them.
    if (name.startsWith('mcp-')) return isMcpField(name);
    if (FORWARDED.has(name)) return true;
    if (isReservedField(name)) return false;
    return names.has(name) || (isPlain(name) && prefixes.some((prefix) => name.startsWith(prefix)));
  };
}

function isMcpField(lower: string): boolean {
  return lower.startsWith('mcp-param-') || (isPlain(lower) && !MCP_IDENTITY.test(lower));
}

/** With other characters it could become another name behind the sidecar (`foldedName`), a reserved one among them. */
function isPlain(lower: string): boolean {
  return /^[a-z0-9-]+$/.test(lower);
}

/** Names, folded, of the headers that name the principal to the server. */
function ownHeaders({ claimToHeaders, identityAssertion }: FieldsConfig): ReadonlySet<string> {
  return new Set([...claimToHeaders, identityAssertion ?? []].flat().map(({ header }) => foldedName(header)));
}

/** Of this hop: it ends here without a word. */
const STRIP: Treatment = { read: () => undefined, isDroppable: false };
const DROP: Treatment = {
  read: (fields, name) => {
    fields.dropped ??= [];
    fields.dropped.push(name);
  },
  isDroppable: true,
};
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
    ...[...HOP_BY_HOP].map((name) => [name, STRIP] as const),
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
    dropped: undefined,
    named: undefined,
  };
}
