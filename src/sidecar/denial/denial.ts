// Why a request is denied, and the whole answer to it: status, header fields, body. The only maker of challenges.
import { randomUUID } from 'node:crypto';
import { INTERNAL_ERROR } from '../../protocol/json-rpc.ts';
import { ANSWERS, type Answer } from './answers.ts';
import { challenges, type ChallengeParameters, type Scheme } from './challenge.ts';
import type { JsonRpcError } from './json-rpc-error.ts';

/** Why a request is denied. Never holds a token or text that the client sent. `reason` is logged, and stable. */
export type Denial = OAuthDenial | TemporaryDenial | LimitDenial | RequestDenial | ServerDenial;

/** Answered with a challenge (RFC 6750 section 3.1, RFC 9449 section 7.1). */
type OAuthDenial =
  /** No credentials, or none of a supported scheme. */
  | { readonly kind: 'no_credentials' }
  /** Credentials sent in a way that is not allowed: two fields, several values. */
  | { readonly kind: 'invalid_request'; readonly reason: string }
  | { readonly kind: 'invalid_token'; readonly reason: string }
  /** The token may be valid, but the proof that the client holds its key is not (RFC 9449 section 7.1). */
  | { readonly kind: 'invalid_dpop_proof'; readonly reason: string }
  /** A valid proof without a current nonce; every answer carries the nonce to use (RFC 9449 section 9). */
  | { readonly kind: 'use_dpop_nonce' }
  /** A valid token that lacks a scope of the operation; `scopes` are what to ask for, all at once. */
  | { readonly kind: 'insufficient_scope'; readonly scopes: readonly string[] };

/** What the sidecar needs of the authorization server could not be had: not the client's fault. */
type TemporaryDenial =
  | { readonly kind: 'keys_unavailable'; readonly reason: string }
  | { readonly kind: 'introspection_unavailable'; readonly reason: string }
  | { readonly kind: 'metadata_unavailable' };

type LimitDenial =
  /** A bounded resource is exhausted, and making room would mean to skip a check. */
  | { readonly kind: 'overloaded'; readonly reason: string }
  /** Too many failed authentications from one address; `seconds` until the next is answered as usual. */
  | { readonly kind: 'too_many_failures'; readonly seconds: number }
  | { readonly kind: 'content_too_large'; readonly maxBytes: number }
  | { readonly kind: 'header_fields_too_large' };

type RequestDenial =
  | { readonly kind: 'bad_request'; readonly reason: string }
  /** The body of a POST is not a JSON-RPC message with exactly one meaning, or its header fields contradict it. */
  | { readonly kind: 'message_refused'; readonly reason: string; readonly error: JsonRpcError }
  | { readonly kind: 'unsupported_media_type'; readonly reason: string }
  /** The session belongs to another principal, or does not exist: the answer does not say which. */
  | { readonly kind: 'session_not_found'; readonly reason: string }
  | { readonly kind: 'origin_not_allowed' }
  | { readonly kind: 'misdirected' }
  | { readonly kind: 'not_found' }
  | { readonly kind: 'method_not_allowed'; readonly allow: string }
  | { readonly kind: 'loop_detected' };

/** The MCP server or the sidecar itself failed. */
type ServerDenial =
  | { readonly kind: 'upstream_unreachable'; readonly reason: string }
  /** A response to another request than this. */
  | { readonly kind: 'mismatched_answer' }
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

/** Byte for byte the body of the reference deployment, without a request id: every client sees it first. */
const NO_CREDENTIALS_BODY = '{"error":"invalid_token","error_description":"Authentication required"}';

/** Seconds after which a client may try again when keys are missing: the next refresh has run by then. */
const RETRY_AFTER_SECONDS = 10;
/** The same where one key is not known yet: a token that comes again may cause a fetch (`RefetchAllowance`). */
const RETRY_KEY_AFTER_SECONDS = 2;

/**
 * Turns a denial into its answer.
 * @param used the scheme of the credentials
 * @param id of the JSON-RPC request that is denied, as JSON text; `undefined` if it was not read
 */
export function denialResponse(
  denial: Denial,
  parameters: ChallengeParameters,
  used: Scheme = 'Bearer',
  id?: string,
): DenialResponse {
  if (denial.kind === 'message_refused') return rpcFailure(400, denial.error, []);
  const answer: Answer = ANSWERS[denial.kind];
  const headers = headersOf(denial, answer, parameters, used);
  if (denial.kind === 'no_credentials')
    return response(answer.status, NO_CREDENTIALS_BODY, undefined, headers);
  const text = textOf(denial, answer, parameters);
  if (answer.isRpcError !== true || id === undefined)
    return failure(answer.status, answer.error, text, headers);
  // `error` of the plain form and of JSON-RPC are different things: the sidecar's code goes into `data`.
  const error = { id, code: INTERNAL_ERROR, message: text, data: { error: answer.error } };
  return rpcFailure(answer.status, error, headers);
}

/** Whatever is denied but single messages, which bring their own JSON-RPC error. */
type TableDenial = Exclude<Denial, { readonly kind: 'message_refused' }>;

function headersOf(
  denial: TableDenial,
  answer: Answer,
  parameters: ChallengeParameters,
  used: Scheme,
): readonly string[] {
  if (answer.challenge !== undefined) {
    const error = denial.kind === 'no_credentials' ? undefined : answer.error;
    const scopes = denial.kind === 'insufficient_scope' ? denial.scopes : parameters.scopes;
    const scheme = answer.challenge === 'used' ? used : answer.challenge;
    return ['WWW-Authenticate', challenges(error, scopes, parameters, scheme)];
  }
  if (denial.kind === 'too_many_failures') return ['Retry-After', String(denial.seconds)];
  if (answer.isTemporary === true) return ['Retry-After', String(retryAfterSeconds(denial))];
  return denial.kind === 'method_not_allowed' ? ['Allow', denial.allow] : [];
}

function retryAfterSeconds(denial: TableDenial): number {
  const isAboutOneKey = denial.kind === 'keys_unavailable' && denial.reason === 'key_not_known_yet';
  return isAboutOneKey ? RETRY_KEY_AFTER_SECONDS : RETRY_AFTER_SECONDS;
}

/** The text of the table with its values put in. */
function textOf(denial: TableDenial, { text }: Answer, { resource }: ChallengeParameters): string {
  const put = (name: string, value: string) => text.replace(`{${name}}`, () => value);
  switch (denial.kind) {
    case 'insufficient_scope':
      return put('scopes', denial.scopes.join(' '));
    case 'content_too_large':
      return put('maxBytes', String(denial.maxBytes));
    case 'misdirected':
      return put('resource', resource);
    case 'method_not_allowed':
      return put('allow', denial.allow);
    default:
      return text;
  }
}

function failure(
  status: number,
  error: string,
  description: string,
  headers: readonly string[],
): DenialResponse {
  const requestId = randomUUID();
  const body = JSON.stringify({ error, error_description: description, request_id: requestId });
  return response(status, body, requestId, headers);
}

function rpcFailure(
  status: number,
  { id, code, message, data }: Omit<JsonRpcError, 'reason'>,
  headers: readonly string[],
): DenialResponse {
  const requestId = randomUUID();
  const error = JSON.stringify({ code, message, data: { ...data, request_id: requestId } });
  // The id is JSON text and goes in exactly as the client wrote it.
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
