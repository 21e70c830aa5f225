// Reads, checks and freezes the sidecar's one configuration file. The only schema of it; nothing here acts on it.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';

/**
 * JWS algorithms that a resource server may allow: asymmetric signatures only.
 * `none` and the HMAC family are not expressible, so a public key can never be used as a shared secret
 * (RFC 8725 sections 2.1 and 3.1).
 */
export const SIGNATURE_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;
export type SignatureAlgorithm = (typeof SIGNATURE_ALGORITHMS)[number];

/** RFC 6749 section 3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ). */
const scopeToken = z
  .string()
  .regex(/^[\x21\x23-\x5B\x5D-\x7E]{1,256}$/, 'must be a scope token (RFC 6749 section 3.3)');

/** RFC 9110 section 5.1: a field name is a token. */
const headerName = z
  .string()
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/, 'must be an HTTP field name')
  // A claim in one of these would decide where the message ends or who is asked; the CRD refuses more.
  .refine(
    (name) =>
      !/^(authorization|connection|content[-_]length|expect|host|te|trailer|transfer[-_]encoding|upgrade)$/i.test(
        name,
      ),
    'must not be a field that frames or routes the message',
  );

const port = z.int().min(0).max(65535);
const address = z.strictObject({ host: z.string().min(1), port });

/** RFC 9728 section 1.2 and RFC 8707 section 2: https, no fragment; and for us no user info and no query. */
const resourceIdentifier = z.string().superRefine((value, context) => {
  for (const problem of resourceProblems(value)) context.addIssue({ code: 'custom', message: problem });
});

const httpsUrl = z.string().superRefine((value, context) => {
  if (!URL.canParse(value)) return context.addIssue({ code: 'custom', message: 'must be an absolute URL' });
  const url = new URL(value);
  if (url.protocol !== 'https:') context.addIssue({ code: 'custom', message: 'must start with https://' });
  if (url.username || url.password) context.addIssue({ code: 'custom', message: 'must not hold user info' });
  if (url.hash) context.addIssue({ code: 'custom', message: 'must not have a fragment' });
});

/** The server is reached on loopback only: the token is stripped before this hop and nothing authenticates it. */
const upstreamUrl = z.string().superRefine((value, context) => {
  if (!URL.canParse(value)) return context.addIssue({ code: 'custom', message: 'must be an absolute URL' });
  const url = new URL(value);
  if (url.protocol !== 'http:') context.addIssue({ code: 'custom', message: 'must start with http://' });
  if (!/^(127(\.\d{1,3}){3}|localhost|\[::1\])$/.test(url.hostname)) {
    context.addIssue({ code: 'custom', message: 'must be a loopback address (127.0.0.1, ::1 or localhost)' });
  }
  if (url.search || url.hash || url.username) {
    context.addIssue({ code: 'custom', message: 'must be scheme, host, port and path only' });
  }
});

const issuer = z.strictObject({
  /** Compared with the `iss` claim byte for byte (RFC 9068 section 4). */
  issuer: httpsUrl,
  /** Accepted `aud` values, compared exactly; never by prefix (RFC 9068 section 4). */
  audiences: z.array(z.string().min(1).max(1024)).min(1).max(16),
  algorithms: z.array(z.enum(SIGNATURE_ALGORITHMS)).min(1),
  /** Strict: RFC 9068 (`typ: at+jwt`). Compat: also `JWT` or none, as Keycloak and Entra send. */
  tokenProfile: z.enum(['Compat', 'Strict']),
  jwks: z.strictObject({
    /** Where the keys are; discovered from the issuer when absent. May be on another host than the issuer. */
    uri: httpsUrl.optional(),
    /** PEM bundle that the key endpoint's certificate must chain to; the system's roots when absent. */
    caFile: z.string().min(1).optional(),
  }),
});

const sidecarConfig = z.strictObject({
  /** The resource identifier (RFC 9728 section 1.2): the URL that clients type. Its path is the only one served. */
  resource: resourceIdentifier,
  /** Host names accepted in `Host` besides the resource's own; everything else gets 421. */
  publicHosts: z.array(z.string().min(1).max(253)).max(32),
  listen: address,
  admin: address,
  tls: z.strictObject({ certificateFile: z.string().min(1), keyFile: z.string().min(1) }),
  upstream: z.strictObject({ url: upstreamUrl }),
  metadata: z.strictObject({
    resourceName: z.string().min(1).max(256).optional(),
    scopesSupported: z.array(scopeToken).max(64),
  }),
  issuers: z.array(issuer).min(1).max(8),
  clockSkewSeconds: z.number().min(0).max(300),
  claimToHeaders: z.array(z.strictObject({ claim: z.string().min(1).max(256), header: headerName })).max(16),
  /** Hand the client's token on to the server. Off: MCP forbids transit of tokens ("Token Passthrough"). */
  forwardOriginalToken: z.boolean(),
  requiredScopes: z.array(scopeToken).max(64),
  /** Origins of browser clients, compared as scheme, host and port. */
  allowedOrigins: z.array(z.string().min(1).max(256)).max(32),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']),
  /** How long running requests may go on after SIGTERM, in seconds. */
  drainSeconds: z.number().min(0).max(3600),
});

export type SidecarConfig = Readonly<z.infer<typeof sidecarConfig>>;
export type IssuerConfig = SidecarConfig['issuers'][number];

/** What is wrong with the configuration file: every problem at once, each with its path. */
export class ConfigError extends Error {
  readonly code = 'ERR_SIDECAR_CONFIG';
  readonly problems: readonly string[];

  constructor(file: string, problems: readonly string[]) {
    super(
      [`${file}: ${problems.length} problem(s)`, ...problems.map((problem) => `  ${problem}`)].join('\n'),
    );
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

export interface ConfigFile {
  readonly config: SidecarConfig;
  /** SHA-256 of the file's bytes, hexadecimal: tells whoever wrote the file whether it is in force. */
  readonly digest: string;
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
  return { config: parseConfig(json, file), digest: createHash('sha256').update(text).digest('hex') };
}

/** Checks a configuration that was already read. `source` names it in errors. */
export function parseConfig(json: unknown, source: string): SidecarConfig {
  const result = sidecarConfig.safeParse(json);
  if (!result.success) {
    throw new ConfigError(
      source,
      result.error.issues.map((issue) => `${fieldPath(issue.path)}: ${issue.message}`),
    );
  }
  return deepFreeze(result.data);
}

function resourceProblems(value: string): string[] {
  if (!URL.canParse(value)) return ['must be an absolute URL'];
  const url = new URL(value);
  const problems: string[] = [];
  if (url.protocol !== 'https:') problems.push('must start with https:// (RFC 9728 section 1.2)');
  if (value.includes('#')) problems.push('must not have a fragment (RFC 9728 section 1.2)');
  if (value.includes('?')) problems.push('must not have a query (RFC 9728 section 1.2)');
  if (url.username || url.password) problems.push('must not hold user info');
  return problems;
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
