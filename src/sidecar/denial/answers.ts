// How each kind of denial is answered: status, error code and text, in one table. docs/errors.md lists the same.

export interface Answer {
  readonly status: number;
  /** The member `error` of the body: OAuth's code where a specification has one, else one of this sidecar. Stable. */
  readonly error: string;
  /**
   * The member `error_description`; a name in braces stands for a value of the request or of the configuration. Only
   * characters that RFC 6750 section 3 allows there.
   */
  readonly text: string;
  /**
   * A `WWW-Authenticate` field comes with it, and names the error in the challenge of this scheme: the one that the
   * client used, or DPoP.
   */
  readonly challenge?: 'used' | 'DPoP';
  /** A `Retry-After` field comes with it. */
  readonly isTemporary?: boolean;
  /** Sent as a JSON-RPC error where the request's id is known, so that an SDK can give it to the code that waits. */
  readonly isRpcError?: boolean;
}

/** By the `kind` of the denial. */
export const ANSWERS = {
  // OAuth errors (RFC 6750 section 3.1, RFC 9449 section 7.1).
  no_credentials: {
    status: 401,
    error: 'invalid_token',
    text: 'Authentication required',
    challenge: 'used',
  },
  invalid_request: {
    status: 400,
    error: 'invalid_request',
    text: 'Exactly one Authorization header with one credential is required',
    challenge: 'used',
  },
  invalid_token: {
    status: 401,
    error: 'invalid_token',
    text: 'The access token is invalid or has expired',
    challenge: 'used',
  },
  invalid_dpop_proof: {
    status: 401,
    error: 'invalid_dpop_proof',
    text: 'DPoP proof missing or invalid',
    challenge: 'DPoP',
  },
  use_dpop_nonce: {
    status: 401,
    error: 'use_dpop_nonce',
    text: 'Resource server requires nonce in DPoP proof',
    challenge: 'DPoP',
  },
  insufficient_scope: {
    status: 403,
    error: 'insufficient_scope',
    text: 'Insufficient scope; required: {scopes}',
    challenge: 'used',
  },

  // The authorization server is needed. No challenge: a client would discard a valid token (RESOURCE_SERVER B21).
  keys_unavailable: {
    status: 503,
    error: 'temporarily_unavailable',
    text: 'Signing keys of the authorization server are unavailable',
    isTemporary: true,
  },
  introspection_unavailable: {
    status: 503,
    error: 'temporarily_unavailable',
    text: 'Token introspection is unavailable',
    isTemporary: true,
  },
  metadata_unavailable: {
    status: 503,
    error: 'temporarily_unavailable',
    text: 'Metadata of the authorization server is unavailable',
    isTemporary: true,
  },

  // Limits.
  overloaded: {
    status: 503,
    error: 'temporarily_unavailable',
    text: 'Too many concurrent requests',
    isTemporary: true,
    isRpcError: true,
  },
  too_many_failures: {
    status: 429,
    error: 'too_many_requests',
    text: 'Too many failed authentications from this address',
    isTemporary: true,
  },
  content_too_large: {
    status: 413,
    error: 'content_too_large',
    text: 'Request body exceeds {maxBytes} bytes',
  },
  header_fields_too_large: {
    status: 431,
    error: 'header_fields_too_large',
    text: 'Too many header fields',
  },

  // The request itself.
  bad_request: { status: 400, error: 'bad_request', text: 'Malformed HTTP request' },
  unsupported_media_type: {
    status: 415,
    error: 'unsupported_media_type',
    text: 'Content-Type must be application/json, without Content-Encoding',
  },
  // The status that MCP 2025-11-25 gives sessions that are over: clients begin a new one.
  session_not_found: {
    status: 404,
    error: 'session_not_found',
    text: 'Session not found; send initialize to start a new one',
  },
  origin_not_allowed: {
    status: 403,
    error: 'origin_not_allowed',
    text: 'Origin not allowed; allowed origins are listed in spec.network.allowedOrigins',
  },
  misdirected: {
    status: 421,
    error: 'misdirected_request',
    text: 'Misdirected request; this server is {resource}',
  },
  not_found: { status: 404, error: 'not_found', text: 'Not found' },
  method_not_allowed: {
    status: 405,
    error: 'method_not_allowed',
    text: 'Method not allowed; use {allow}',
  },
  loop_detected: { status: 508, error: 'loop_detected', text: 'Proxy loop detected (Via)' },

  // The MCP server, and this process.
  upstream_unreachable: {
    status: 502,
    error: 'bad_gateway',
    text: 'No valid response from the MCP server',
    isRpcError: true,
  },
  mismatched_answer: {
    status: 502,
    error: 'bad_gateway',
    text: 'The MCP server responded to another request',
    isRpcError: true,
  },
  upstream_timeout: {
    status: 504,
    error: 'gateway_timeout',
    text: 'The MCP server did not respond in time',
    isRpcError: true,
  },
  draining: {
    status: 503,
    error: 'temporarily_unavailable',
    text: 'Server is shutting down; reconnect',
    isRpcError: true,
  },
  internal_error: {
    status: 500,
    error: 'internal_error',
    text: 'Internal error while authorizing the request',
    isRpcError: true,
  },
} as const satisfies Readonly<Record<string, Answer>>;
