// Every refusal and its answer: status, WWW-Authenticate, body. The only place that writes a challenge.
import { randomUUID } from 'node:crypto';

/** What a request is refused for. Never holds a token or text that the client sent. */
export type Denial =
  /** No credentials, or none of a kind that is understood (RFC 6750 section 3.1: no error code in the challenge). */
  | { readonly kind: 'no_credentials' }
  /** Credentials sent in a way that is not allowed: two fields, several values. */
  | { readonly kind: 'invalid_request'; readonly reason: string }
  | { readonly kind: 'invalid_token'; readonly reason: string }
  /** A good token that lacks a scope of the operation; `scopes` are all that the operation needs. */
  | { readonly kind: 'insufficient_scope'; readonly scopes: readonly string[] }
  /** No keys to judge a token with: our trouble, not the client's. */
  | { readonly kind: 'keys_unavailable'; readonly reason: string }
  | { readonly kind: 'bad_request'; readonly reason: string }
  | { readonly kind: 'origin_not_allowed' }
  | { readonly kind: 'misdirected' }
  | { readonly kind: 'not_found' }
  | { readonly kind: 'method_not_allowed'; readonly allow: string }
  | { readonly kind: 'header_fields_too_large' }
  | { readonly kind: 'loop_detected' }
  | { readonly kind: 'upstream_unreachable'; readonly reason: string }
  | { readonly kind: 'upstream_timeout' }
  | { readonly kind: 'internal_error' };

export interface DenialResponse {
  readonly status: number;
  /** Name, value, name, value …, as `ServerResponse.writeHead` takes them. */
  readonly headers: readonly string[];
  readonly body: string;
  /** Stands in body and log, so that a user's report finds its line. Absent where the body is a constant. */
  readonly requestId: string | undefined;
}

/** What a challenge names: where the metadata is and which scopes to ask for. */
export interface ChallengeParameters {
  /** Absolute URL of the RFC 9728 document. */
  readonly resourceMetadata: string;
  /** Scopes that a first authorization should ask for; none when empty. */
  readonly scopes: readonly string[];
  /** The public URL, for people who came by another name. */
  readonly resource: string;
}

/** The body that the original arrangement sends, word for word: people with curl read it. */
const NO_CREDENTIALS_BODY = '{"error":"invalid_token","error_description":"Authentication required"}';

/** Seconds after which a client may try again when keys are missing: the refresh that will find them runs by then. */
const RETRY_AFTER_SECONDS = '10';

/** Turns a denial into its answer. */
export function denialResponse(denial: Denial, parameters: ChallengeParameters): DenialResponse {
  switch (denial.kind) {
    case 'no_credentials':
      // No error parameter: the request carried no authentication information (RFC 6750 section 3.1).
      return response(401, NO_CREDENTIALS_BODY, undefined, [
        'WWW-Authenticate',
        challenge(undefined, parameters.scopes, parameters),
      ]);
    case 'invalid_token':
      return failure(401, 'invalid_token', 'The access token is invalid or has expired', [
        'WWW-Authenticate',
        challenge('invalid_token', parameters.scopes, parameters),
      ]);
    case 'invalid_request':
      return failure(
        400,
        'invalid_request',
        'Send exactly one Authorization header field: Bearer and one token',
        ['WWW-Authenticate', challenge('invalid_request', parameters.scopes, parameters)],
      );
    case 'insufficient_scope':
      return failure(403, 'insufficient_scope', `This needs the scope ${denial.scopes.join(' ')}`, [
        'WWW-Authenticate',
        challenge('insufficient_scope', denial.scopes, parameters),
      ]);
    case 'keys_unavailable':
      // No challenge: a client would throw a good token away (RESOURCE_SERVER B21).
      return failure(
        503,
        'temporarily_unavailable',
        'The keys of the authorization server are not available',
        ['Retry-After', RETRY_AFTER_SECONDS],
      );
    case 'bad_request':
      return failure(400, 'bad_request', 'The request is not well-formed', ['Connection', 'close']);
    case 'origin_not_allowed':
      return failure(
        403,
        'origin_not_allowed',
        'This Origin is not allowed: list it in spec.network.allowedOrigins',
      );
    case 'misdirected':
      return failure(421, 'misdirected_request', `This server is ${parameters.resource}: use that host name`);
    case 'not_found':
      return failure(404, 'not_found', 'Nothing is here');
    case 'method_not_allowed':
      return failure(405, 'method_not_allowed', `Use ${denial.allow}`, ['Allow', denial.allow]);
    case 'header_fields_too_large':
      return failure(431, 'header_fields_too_large', 'Too many header fields', ['Connection', 'close']);
    case 'loop_detected':
      return failure(508, 'loop_detected', 'This request has already passed here');
    case 'upstream_unreachable':
      return failure(502, 'bad_gateway', 'The MCP server did not give a usable answer');
    case 'upstream_timeout':
      return failure(504, 'gateway_timeout', 'The MCP server did not answer in time');
    case 'internal_error':
      return failure(500, 'internal_error', 'The request could not be judged');
    default:
      return denial satisfies never;
  }
}

/**
 * A Bearer challenge in the one form that every known client parser reads: one field, `name="value"` joined by `, `,
 * nothing to escape, machine parameters first (RFC 6750 section 3, RFC 9728 section 5.1).
 */
function challenge(
  error: string | undefined,
  scopes: readonly string[],
  parameters: ChallengeParameters,
): string {
  const parts: string[] = [];
  if (error !== undefined) parts.push(`error="${error}"`);
  if (scopes.length > 0) parts.push(`scope="${scopes.join(' ')}"`);
  parts.push(`resource_metadata="${parameters.resourceMetadata}"`);
  return `Bearer ${parts.join(', ')}`;
}

function failure(
  status: number,
  error: string,
  description: string,
  headers: readonly string[] = [],
): DenialResponse {
  const requestId = randomUUID();
  const body = JSON.stringify({ error, error_description: description, request_id: requestId });
  return response(status, body, requestId, headers);
}

function response(
  status: number,
  body: string,
  requestId: string | undefined,
  headers: readonly string[],
): DenialResponse {
  return {
    status,
    body,
    requestId,
    headers: [
      ...headers,
      'Content-Type',
      'application/json',
      'Content-Length',
      String(Buffer.byteLength(body)),
      'Cache-Control',
      'no-store',
      'X-Content-Type-Options',
      'nosniff',
    ],
  };
}
