// What a sidecar says of itself: at /status, and by its exit code. Read by the operator, whose image may be older or newer, so
// members are added and never taken away or given another meaning; the operator reads what it knows (docs/adr/0044).

/** The admin port's paths (plain HTTP, pod network). */
export const ADMIN_PATHS = {
  live: '/livez',
  ready: '/readyz',
  metrics: '/metrics',
  status: '/status',
  jwks: '/jwks',
} as const;

/** How a sidecar ends that cannot use its configuration. */
export const CONFIG_EXIT_CODE = 2;

/**
 * Why something could not be had of an issuer. Stable: conditions take their reasons from it.
 *
 * unreachable                no connection: refused, reset, name not resolved
 * tls                        no TLS, or a certificate that is not trusted for the host
 * timeout                    no whole answer in time
 * unavailable                status 429 or 5xx
 * refused_address            a URL of the metadata leads to an address that is not allowed, or is not https
 * redirect                   status 3xx: redirects are not followed
 * bad_status                 any other status but 200
 * not_http                   the answer is not HTTP
 * too_large                  the answer exceeds the limit
 * not_utf8, not_json         the answer cannot be read
 * not_metadata               JSON, but no metadata of an authorization server (RFC 8414 section 2)
 * issuer_mismatch            metadata of another issuer (RFC 8414 section 3.3)
 * no_jwks_uri                metadata without a usable https `jwks_uri`
 * no_introspection_endpoint  metadata without a usable https `introspection_endpoint`
 * not_jwks                   JSON, but no JWK set (RFC 7517 section 5)
 * no_usable_key              a JWK set in which no key can verify signatures
 * not_introspection          no introspection response (RFC 7662 section 2.2)
 * stopped                    the sidecar was stopping
 * unexpected                 none of these: a defect of the sidecar
 */
export const ISSUER_ERROR_CODES = [
  'unreachable',
  'tls',
  'timeout',
  'unavailable',
  'refused_address',
  'redirect',
  'bad_status',
  'not_http',
  'too_large',
  'not_utf8',
  'not_json',
  'not_metadata',
  'issuer_mismatch',
  'no_jwks_uri',
  'no_introspection_endpoint',
  'not_jwks',
  'no_usable_key',
  'not_introspection',
  'stopped',
  'unexpected',
] as const;

export type IssuerErrorCode = (typeof ISSUER_ERROR_CODES)[number];

/** The last failure of an issuer. */
export interface IssuerFailure {
  readonly code: IssuerErrorCode;
  /** For people: what was asked for, and what came instead. */
  readonly message: string;
}

export interface IssuerStatus {
  readonly issuer: string;
  /** Keys that verify signatures now. */
  readonly keys: number;
  /** When keys were last fetched, ISO 8601. */
  readonly loadedAt?: string | undefined;
  /** Why the last attempt to fetch keys failed; absent when it did not. */
  readonly lastError?: IssuerFailure | undefined;
  /** Ids of published keys that are too weak to be used. */
  readonly weakKeys: readonly string[];
  /** What the metadata says that contradicts the configuration (RFC 8414 section 3.3): the code is `issuer_mismatch`. */
  readonly mismatch?: string | undefined;
}

/**
 * What the MCP server's endpoint answers to a message. Stable: conditions take their reasons from it.
 *
 * unknown             it was not asked yet, or gave an answer that says nothing of the path, such as a 500
 * usable              it takes messages
 * not_found           404, and no JSON-RPC message in it: nothing is served at the path
 * method_not_allowed  405: something else is served at the path
 * redirect            3xx: redirects are not followed (RESOURCE_SERVER D2)
 * unauthorized        401 or 407: the server wants credentials, and gets none
 */
export const ENDPOINT_STATES = [
  'unknown',
  'usable',
  'not_found',
  'method_not_allowed',
  'redirect',
  'unauthorized',
] as const;

export type EndpointState = (typeof ENDPOINT_STATES)[number];

/** The MCP server, as seen from the sidecar. */
interface ServerStatus {
  /** Whether it accepts connections. */
  readonly reachable: boolean;
  readonly endpoint: EndpointState;
}

/** Holds nothing that a client sent and no key material. */
export interface SidecarStatus {
  readonly resource: string;
  readonly ready: boolean;
  /** What keeps it from being ready, for people; empty when it is. */
  readonly problems: readonly string[];
  readonly issuers: readonly IssuerStatus[];
  readonly certificate: { readonly subjectAltName?: string | undefined; readonly notAfter: string };
  /** SHA-256 of the configuration file that is in force, hexadecimal: tells whether a change has arrived. */
  readonly configDigest: string;
  /** Why the newest file is not in force, for people; absent when it is. */
  readonly configProblem?: string | undefined;
  /** SHA-256 of the file that `configProblem` is about, hexadecimal. Absent: it could not be read, or an earlier sidecar. */
  readonly refusedDigest?: string | undefined;
  /** Absent: a sidecar from before there was one. */
  readonly server?: ServerStatus | undefined;
  /** The release of the sidecar. Absent: as above. */
  readonly version?: string | undefined;
}
