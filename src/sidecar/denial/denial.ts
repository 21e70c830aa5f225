// Every refusal and its answer: status, WWW-Authenticate, body. The only place that writes a challenge.
import { randomUUID } from 'node:crypto';
import { INTERNAL_ERROR } from '../../protocol/json-rpc.ts';
import type { JsonRpcError } from './json-rpc-error.ts';

/** What a request is refused for. Never holds a token or text that the client sent. */
export type Denial =
  /** No credentials, or none of a kind that is understood (RFC 6750 section 3.1: no error code in the challenge). */
  | { readonly kind: 'no_credentials' }
  /** Credentials sent in a way that is not allowed: two fields, several values. */
  | { readonly kind: 'invalid_request'; readonly reason: string }
  | { readonly kind: 'invalid_token'; readonly reason: string }
  /** A token that may be good, without a good proof that its key is there (RFC 9449 section 7.1). */
  | { readonly kind: 'invalid_dpop_proof'; readonly reason: string }
  /** A good proof without a nonce of ours that is fresh; the nonce goes out with the answer (RFC 9449 section 9). */
  | { readonly kind: 'use_dpop_nonce' }
  /** A good token that lacks a scope of the operation; `scopes` are what to ask for, all at once. */
  | { readonly kind: 'insufficient_scope'; readonly scopes: readonly string[] }
  /** No keys to judge a token with: our trouble, not the client's. */
  | { readonly kind: 'keys_unavailable'; readonly reason: string }
  /** The authorization server did not say what an opaque token is: not the client's fault either. */
  | { readonly kind: 'introspection_unavailable'; readonly reason: string }
  /** Something bounded is full, and to make room would be to let something pass: our trouble too. */
  | { readonly kind: 'overloaded'; readonly reason: string }
  /** The authorization server's metadata, which is asked for here, could not be had. */
  | { readonly kind: 'metadata_unavailable' }
  /** Too many bad tokens from one address; `seconds` until the next will be judged as usual. */
  | { readonly kind: 'too_many_failures'; readonly seconds: number }
  | { readonly kind: 'bad_request'; readonly reason: string }
  /** The body of a POST is no message that has exactly one meaning, or its header fields say something else. */
  | { readonly kind: 'message_refused'; readonly reason: string; readonly refusal: JsonRpcError }
  | { readonly kind: 'unsupported_media_type'; readonly reason: string }
  | { readonly kind: 'content_too_large'; readonly maxBytes: number }
  /** A session that is not this principal's, or is nobody's. */
  | { readonly kind: 'session_not_found'; readonly reason: string }
  | { readonly kind: 'origin_not_allowed' }
  | { readonly kind: 'misdirected' }
  | { readonly kind: 'not_found' }
  | { readonly kind: 'method_not_allowed'; readonly allow: string }
  | { readonly kind: 'header_fields_too_large' }
  | { readonly kind: 'loop_detected' }
  | { readonly kind: 'upstream_unreachable'; readonly reason: string }
  | { readonly kind: 'upstream_timeout' }
  | { readonly kind: 'draining' }
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
  /** RFC 9449; `only`: Bearer tokens are refused. Absent where proofs are not looked at. */
  readonly dpop: { readonly algorithms: readonly string[]; readonly only: boolean } | undefined;
}

/** Authentication schemes that tokens come with: an error stands in the challenge of the one that was used. */
export type Scheme = 'Bearer' | 'DPoP';

/** The body that the original arrangement sends, word for word: people with curl read it. */
const NO_CREDENTIALS_BODY = '{"error":"invalid_token","error_description":"Authentication required"}';

/** Seconds after which a client may try again when keys are missing: the refresh that will find them runs by then. */
const RETRY_AFTER_SECONDS = '10';

/**
 * Turns a denial into its answer.
 * @param used the scheme of the credentials
 * @param id of the JSON-RPC request that is not answered by the server, as JSON text; `undefined` if it was not read
 */
export function denialResponse(
  denial: Denial,
  parameters: ChallengeParameters,
  used: Scheme = 'Bearer',
  id?: string,
): DenialResponse {
  switch (denial.kind) {
    case 'no_credentials':
      // No error parameter: the request carried no authentication information (RFC 6750 section 3.1).
      return response(401, NO_CREDENTIALS_BODY, undefined, [
        'WWW-Authenticate',
        challenges(undefined, parameters.scopes, parameters, used),
      ]);
    case 'invalid_token':
      return failure(401, 'invalid_token', 'The access token is invalid or has expired', [
        'WWW-Authenticate',
        challenges('invalid_token', parameters.scopes, parameters, used),
      ]);
    case 'invalid_dpop_proof':
      return failure(401, 'invalid_dpop_proof', 'The DPoP proof is missing or is not good for this request', [
        'WWW-Authenticate',
        challenges('invalid_dpop_proof', parameters.scopes, parameters, 'DPoP'),
      ]);
    case 'use_dpop_nonce':
      return failure(401, 'use_dpop_nonce', 'Make a DPoP proof with the nonce of the DPoP-Nonce field', [
        'WWW-Authenticate',
        challenges('use_dpop_nonce', parameters.scopes, parameters, 'DPoP'),
      ]);
    case 'invalid_request':
      return failure(
        400,
        'invalid_request',
        'Send exactly one Authorization header field: the scheme and one token',
        ['WWW-Authenticate', challenges('invalid_request', parameters.scopes, parameters, used)],
      );
    case 'insufficient_scope':
      return failure(403, 'insufficient_scope', `This needs the scope ${denial.scopes.join(' ')}`, [
        'WWW-Authenticate',
        challenges('insufficient_scope', denial.scopes, parameters, used),
      ]);
    case 'keys_unavailable':
      // No challenge: a client would throw a good token away (RESOURCE_SERVER B21).
      return failure(
        503,
        'temporarily_unavailable',
        'The keys of the authorization server are not available',
        ['Retry-After', RETRY_AFTER_SECONDS],
      );
    case 'introspection_unavailable':
      return failure(
        503,
        'temporarily_unavailable',
        'The authorization server cannot be asked about the token',
        ['Retry-After', RETRY_AFTER_SECONDS],
      );
    case 'overloaded':
      return serverFailure(id, 503, 'temporarily_unavailable', 'Too much is under way', [
        'Retry-After',
        RETRY_AFTER_SECONDS,
      ]);
    case 'metadata_unavailable':
      return failure(
        503,
        'temporarily_unavailable',
        'The metadata of the authorization server is not available',
        ['Retry-After', RETRY_AFTER_SECONDS],
      );
    case 'too_many_failures':
      return failure(429, 'too_many_requests', 'Too many requests with bad tokens came from this address', [
        'Retry-After',
        String(denial.seconds),
      ]);
    case 'bad_request':
      return failure(400, 'bad_request', 'The request is not well-formed');
    case 'message_refused':
      return rpcFailure(400, denial.refusal);
    case 'unsupported_media_type':
      return failure(
        415,
        'unsupported_media_type',
        'Send Content-Type: application/json, and no Content-Encoding',
      );
    case 'content_too_large':
      return failure(413, 'content_too_large', `A message may have ${denial.maxBytes} bytes`);
    case 'session_not_found':
      // The status that MCP 2025-11-25 gives sessions that are over: clients begin a new one.
      return failure(404, 'session_not_found', 'There is no such session: initialize a new one');
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
      return failure(431, 'header_fields_too_large', 'Too many header fields');
    case 'loop_detected':
      return failure(508, 'loop_detected', 'This request has already passed here');
    case 'upstream_unreachable':
      return serverFailure(id, 502, 'bad_gateway', 'The MCP server did not give a usable answer');
    case 'upstream_timeout':
      return serverFailure(id, 504, 'gateway_timeout', 'The MCP server did not answer in time');
    case 'draining':
      return serverFailure(id, 503, 'temporarily_unavailable', 'This server is going away: connect again');
    case 'internal_error':
      return serverFailure(id, 500, 'internal_error', 'The request could not be judged');
    default:
      return denial satisfies never;
  }
}

/**
 * The challenges in the one form that every known client parser reads: one field, Bearer first, `name="value"` joined by
 * `, `, nothing to escape, machine parameters first (RFC 6750 section 3, RFC 9449 section 7.1, RFC 9728 section 5.1).
 */
function challenges(
  error: string | undefined,
  scopes: readonly string[],
  { dpop, resourceMetadata }: ChallengeParameters,
  used: Scheme,
): string {
  const metadata = `resource_metadata="${resourceMetadata}"`;
  const asked = scopes.length > 0 ? [`scope="${scopes.join(' ')}"`] : [];
  const failed = error === undefined ? [] : [`error="${error}"`];
  if (dpop === undefined) return `Bearer ${[...failed, ...asked, metadata].join(', ')}`;
  const algorithms = [`algs="${dpop.algorithms.join(' ')}"`, metadata];
  if (dpop.only) return `DPoP ${[...failed, ...asked, ...algorithms].join(', ')}`;
  const bearer = [...(used === 'Bearer' ? failed : []), ...asked, metadata];
  // Without an error the scopes stand once: parsers that know no second challenge take the first of each name.
  const bound = used === 'DPoP' && error !== undefined ? [...failed, ...asked, ...algorithms] : algorithms;
  return `Bearer ${bearer.join(', ')}, DPoP ${bound.join(', ')}`;
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

/**
 * What went wrong behind the client's back: a JSON-RPC error where somebody waits for the answer to a request, so that
 * its SDK can give it to the caller. `error` of the plain form and of JSON-RPC are different things: ours is in `data`.
 */
function serverFailure(
  id: string | undefined,
  status: number,
  error: string,
  description: string,
  headers: readonly string[] = [],
): DenialResponse {
  if (id === undefined) return failure(status, error, description, headers);
  return rpcFailure(status, { id, code: INTERNAL_ERROR, message: description, data: { error } }, headers);
}

function rpcFailure(
  status: number,
  { id, code, message, data }: Omit<JsonRpcError, 'reason'>,
  headers: readonly string[] = [],
): DenialResponse {
  const requestId = randomUUID();
  const error = JSON.stringify({ code, message, data: { ...data, request_id: requestId } });
  // The id is JSON already, and is put in as it was written.
  const body = `{"jsonrpc":"2.0",${id === undefined ? '' : `"id":${id},`}"error":${error}}`;
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
