// The sidecar's one configuration file: its only schema, how it is read, checked and frozen. Nothing here acts on it. Operators
// of other versions write it: a member that is added is optional, and without it everything is as it was before; one that is not
// known is refused, since it may forbid something (docs/adr/0044).
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { originOf } from '../../protocol/resource-identifier.ts';
import { VERSION } from '../../protocol/version.ts';
import { SIGNATURE_ALGORITHMS } from './algorithms.ts';
import { foldedName } from './reserved-fields.ts';
import {
  address,
  forwardedHeader,
  headerName,
  httpsUrl,
  humanReadable,
  languageTag,
  OFFLINE_ACCESS,
  resourceIdentifier,
  scopeToken,
  upstreamUrl,
} from './fields.ts';

/** A working day. */
const MAX_STREAM_SECONDS = 8 * 60 * 60;

const issuer = z.strictObject({
  /** Compared with the `iss` claim byte for byte (RFC 9068 section 4). */
  issuer: httpsUrl,
  /** Accepted `aud` values, compared exactly; never by prefix (RFC 9068 section 4). */
  audiences: z.array(z.string().min(1).max(1024)).min(1).max(16),
  /** Sole: a token that names another audience besides is refused. */
  audiencePolicy: z.enum(['Any', 'Sole']),
  algorithms: z.array(z.enum(SIGNATURE_ALGORITHMS)).min(1),
  /** Strict: RFC 9068 (`typ: at+jwt`). Compat: also `JWT` or none, as Keycloak and Entra send. */
  tokenProfile: z.enum(['Compat', 'Strict']),
  jwks: z.strictObject({
    /** Where the keys are; discovered from the issuer when absent. May be on another host than the issuer. */
    uri: httpsUrl.optional(),
    /** PEM bundle that the key endpoint's certificate must chain to; the system's roots when absent. */
    caFile: z.string().min(1).optional(),
  }),
  /** Where opaque tokens are introspected (RFC 7662). */
  introspection: z
    .strictObject({
      /** Discovered from the issuer when absent. */
      endpoint: httpsUrl.optional(),
      clientIdFile: z.string().min(1),
      clientSecretFile: z.string().min(1),
    })
    .optional(),
});

/** Off: bound tokens are refused. Accept: their binding is verified. Require: others are refused. */
const bindingMode = z.enum(['Off', 'Accept', 'Require']);

const sidecarConfigFields = z.strictObject({
  /** The resource identifier (RFC 9728 section 1.2): the URL that clients type. Its path is the only one served. */
  resource: resourceIdentifier,
  /** Host names accepted in `Host` besides the resource's own; everything else gets 421. */
  publicHosts: z.array(z.string().min(1).max(253)).max(32),
  listen: address,
  admin: address,
  tls: z.strictObject({ certificateFile: z.string().min(1), keyFile: z.string().min(1) }),
  upstream: z.strictObject({
    url: upstreamUrl,
    /** Requests that may be with the server at once, each on a connection of its own; the limit's default when absent. */
    maxRequests: z.int().min(2).max(16_384).optional(),
  }),
  metadata: z.strictObject({
    ...humanReadable,
    /** The same in other languages, published as `resource_name#it` and so on (RFC 9728 section 2.1). */
    localized: z
      .array(z.strictObject({ language: languageTag, ...humanReadable }))
      .max(16)
      .optional(),
    scopesSupported: z.array(scopeToken).max(64),
    /** Private key (PEM) that signs the document (RFC 9728 section 2.2). */
    signingKeyFile: z.string().min(1).optional(),
  }),
  /** What stands at the well-known path without the resource's: the same document, one for the origin, or nothing. */
  rootDocument: z.enum(['Alias', 'Origin', 'Off']),
  /** Answer MCP 2025-03-26 clients, which look for the authorization server here, with a copy of its metadata. */
  mirrorAuthorizationServerMetadata: z.boolean(),
  issuers: z
    .array(issuer)
    .min(1)
    .max(8)
    .refine(
      (issuers) => issuers.filter(({ introspection }) => introspection !== undefined).length <= 1,
      'at most one may have introspection: an opaque token does not name its issuer',
    ),
  clockSkewSeconds: z.number().min(0).max(300),
  /** Tokens bound to a key that the client signs each request with (RFC 9449). */
  dpop: z.strictObject({
    mode: bindingMode,
    /** How far `iat` of a proof may be from now, either way. */
    proofLifetimeSeconds: z.number().min(1).max(300),
    nonces: z.enum(['Off', 'Required']),
  }),
  /** Tokens bound to the client's TLS certificate (RFC 8705 section 3). */
  clientCertificates: z.strictObject({ mode: bindingMode }),
  claimToHeaders: z.array(z.strictObject({ claim: z.string().min(1).max(256), header: headerName })).max(16),
  /** Fields of clients that the server gets besides those of HTTP and MCP: names, or beginnings of names with `-*`. */
  forwardHeaders: z.array(forwardedHeader).max(32).optional(),
  /** Hand the client's token on to the server. Off: MCP forbids transit of tokens ("Token Passthrough"). */
  forwardOriginalToken: z.boolean(),
  /** Assert the principal to the server in a JWT, signed with this private key (PEM). */
  identityAssertion: z.strictObject({ header: headerName, keyFile: z.string().min(1) }).optional(),
  /** Failed authentications that one source address may cause in a minute; any number when absent. */
  failureLimit: z.strictObject({ perMinute: z.int().min(1).max(100_000) }).optional(),
  requiredScopes: z
    .array(scopeToken.refine((scope) => scope !== OFFLINE_ACCESS, 'must not be offline_access'))
    .max(64),
  /** What the challenge of a first 401 names: the baseline, or all scopes that this configuration knows. */
  initialScopes: z.enum(['Baseline', 'All']),
  /** A scope and those that it stands for as well; what is included may include more. */
  scopeHierarchy: z
    .array(z.strictObject({ scope: scopeToken, includes: z.array(scopeToken).min(1).max(32) }))
    .max(32),
  /** What a challenge after a shortfall names: the operation's scopes, or those that the token has as well. */
  stepUpScopes: z.enum(['Operation', 'IncludeGranted']),
  /** Origins of browser clients, compared as scheme, host and port. */
  allowedOrigins: z.array(z.string().min(1).max(256)).max(32),
  /** What is required of messages and of the connections that they come by. */
  transport: z.strictObject({
    /** A message longer than this is refused (bytes). */
    maxMessageBytes: z.int().min(1024).max(67_108_864),
    /** Off: bodies are forwarded unread, of any size and any type (docs/adr/0012). */
    messageChecks: z.enum(['Enforced', 'Off']),
    /** A session that this process does not know: refused, or bound to the first principal that names it. */
    unknownSessions: z.enum(['NotFound', 'TrustOnFirstUse']),
    /** A comment goes out on an event stream that was silent for this long; 0: never. */
    eventStreamKeepAliveSeconds: z.number().min(0).max(3600),
    /** How long a call may go on after its token's expiry. */
    callGraceSeconds: z.number().min(0).max(86_400),
    /** How long a listening stream may go on, whatever its token allows. Files of before it was a setting lack it. */
    maxStreamSeconds: z.number().min(1).max(604_800).default(MAX_STREAM_SECONDS),
  }),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']),
  /** How long running requests may go on after SIGTERM, in seconds. */
  drainSeconds: z.number().min(0).max(3600),
});

/** A field that the sidecar sets is no client's to send, in any spelling. */
const sidecarConfig = sidecarConfigFields.superRefine(
  ({ forwardHeaders = [], claimToHeaders, identityAssertion }, context) => {
    const own = [...claimToHeaders, ...(identityAssertion ? [identityAssertion] : [])].map(({ header }) =>
      foldedName(header),
    );
    for (const [index, name] of forwardHeaders.entries())
      if (own.includes(foldedName(name)))
        context.addIssue({
          code: 'custom',
          path: ['forwardHeaders', index],
          message: 'must not be a header of claimToHeaders or identityAssertion, which the sidecar sets',
        });
  },
);

export type SidecarConfig = Readonly<z.infer<typeof sidecarConfig>>;
export type IssuerConfig = SidecarConfig['issuers'][number];

/** What is wrong with the configuration file: every problem at once, each with its path. */
export class ConfigError extends Error {
  readonly code = 'ERR_SIDECAR_CONFIG';
  readonly problems: readonly string[];

  constructor(file: string, problems: readonly string[]) {
    const title = `${file} cannot be used by this sidecar, version ${VERSION}: ${problems.length} problem(s)`;
    super([title, ...problems.map((problem) => `  ${problem}`)].join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

interface ConfigFile {
  readonly config: SidecarConfig;
  /** SHA-256 of the file's bytes, hexadecimal: tells the operator whether the file that it wrote is in force. */
  readonly digest: string;
  /** What is allowed, and yet probably a mistake or a risk. */
  readonly warnings: readonly string[];
}

/**
 * Reads and checks the configuration file.
 * @throws ConfigError naming the file and every problem by its field path
 */
export function readConfig(file: string): ConfigFile {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ConfigError(file, [
      `cannot be read: ${(cause as NodeJS.ErrnoException).code ?? 'unknown error'}`,
    ]);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new ConfigError(file, [`is not JSON: ${(cause as Error).message}`]);
  }
  return { ...validate(json, file), digest: digestOf(text) };
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The digest of the file as it is, usable or not; undefined when it cannot be read. */
export function digestOfFile(file: string): string | undefined {
  try {
    return digestOf(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * Validates a configuration that was already read.
 * @param source names it in errors
 * @throws ConfigError naming every problem by its field path
 */
export function parseConfig(json: unknown, source: string): SidecarConfig {
  return validate(json, source).config;
}

function validate(json: unknown, source: string): Pick<ConfigFile, 'config' | 'warnings'> {
  const result = sidecarConfig.safeParse(json);
  if (!result.success) {
    throw new ConfigError(source, result.error.issues.flatMap(problemsOf));
  }
  return { config: deepFreeze(derive(result.data)), warnings: warnings(result.data) };
}

/** Each with its place: of members that are not known their own, not that of the object around them. */
function problemsOf(issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map(
      (key) => `${fieldPath([...issue.path, key])}: unrecognized key, not known to this version`,
    );
  return [`${fieldPath(issue.path)}: ${issue.message}`];
}

/** What follows from the configuration, so that no writer of the file can leave it out. */
function derive(config: SidecarConfig): SidecarConfig {
  const { metadata, issuers, rootDocument, resource } = config;
  // A document for the origin sends clients to ask for tokens for the origin.
  const origin = rootDocument === 'Origin' ? [originOf(resource)] : [];
  return {
    ...config,
    metadata: {
      ...metadata,
      scopesSupported: metadata.scopesSupported.filter((scope) => scope !== OFFLINE_ACCESS),
    },
    issuers: issuers.map((issuer) => ({
      ...issuer,
      audiences: [...new Set([...issuer.audiences, ...origin])],
    })),
  };
}

/** @param given validated, before anything was derived from it */
function warnings({ metadata, forwardOriginalToken }: SidecarConfig): string[] {
  return [
    ...(metadata.scopesSupported.includes(OFFLINE_ACCESS)
      ? ['metadata.scopesSupported: offline_access is left out: clients ask for refresh tokens themselves']
      : []),
    ...(forwardOriginalToken
      ? ['forwardOriginalToken: the server receives tokens, which MCP forbids it to use for other services']
      : []),
  ];
}

function fieldPath(path: readonly PropertyKey[]): string {
  return (
    path
      .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
      .join('')
      .replace(/^\./, '') || 'file'
  );
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
}
