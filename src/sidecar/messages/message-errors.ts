// The JSON-RPC error for each reason that a message is refused for, in one table. docs/errors.md lists the same.
import {
  HEADER_MISMATCH,
  INVALID_PARAMS,
  INVALID_REQUEST,
  PARSE_ERROR,
  UNSUPPORTED_VERSION,
} from '../../protocol/json-rpc.ts';
import { MAX_DEPTH } from '../../base/json-tokens.ts';
import type { JsonRpcError } from '../denial/json-rpc-error.ts';
import { BATCHING_VERSION } from '../../protocol/mcp-revision.ts';
import { VERSION_MEMBER } from './known-members.ts';

/** MCP 2025-03-26 allows several messages in one body; more than this is refused. */
export const MAX_BATCH = 100;
/** An id longer than this is not echoed (characters of JSON). */
const MAX_ECHOED_ID = 1024;

/** By reason: the value of the `reason` log field. */
export const MESSAGE_ERRORS = {
  // The bytes (JSON-RPC 2.0 section 5.1).
  not_utf8: { code: PARSE_ERROR, message: 'Request body is not valid UTF-8' },
  not_json: { code: PARSE_ERROR, message: 'Request body is not valid JSON' },
  too_deep: { code: INVALID_REQUEST, message: `JSON nesting exceeds ${MAX_DEPTH} levels` },

  too_many_members: {
    code: INVALID_REQUEST,
    message: 'More than 4096 members in the message, its params and its _meta',
  },
  members_too_long: {
    code: INVALID_REQUEST,
    message: 'Names and values that MCP defines exceed 65536 bytes',
  },

  // One message with one meaning.
  not_a_message: {
    code: INVALID_REQUEST,
    message: 'JSON-RPC message must be a request, a notification or a response',
  },
  not_json_rpc_2: { code: INVALID_REQUEST, message: 'jsonrpc must be "2.0"' },
  bad_id: { code: INVALID_REQUEST, message: 'id must be a string or a number' },
  request_and_response: {
    code: INVALID_REQUEST,
    message: 'A request must not contain "result" or "error"',
  },
  duplicate_member: { code: INVALID_REQUEST, message: 'Duplicate member name' },
  member_spelled_otherwise: {
    code: INVALID_REQUEST,
    message: 'Member name differs from an MCP member name only in case',
  },
  lone_surrogate: { code: INVALID_REQUEST, message: 'Member name contains an unpaired surrogate' },

  // What decisions depend on.
  bad_method: { code: INVALID_PARAMS, message: 'method must be a string' },
  bad_params: { code: INVALID_PARAMS, message: 'params must be an object' },
  bad_name: { code: INVALID_PARAMS, message: 'params.name must be a string' },
  bad_uri: { code: INVALID_PARAMS, message: 'params.uri must be a string' },
  bad_taskId: { code: INVALID_PARAMS, message: 'params.taskId must be a string' },
  bad_version: { code: INVALID_PARAMS, message: `params._meta["${VERSION_MEMBER}"] must be a string` },

  // Batches.
  empty_batch: { code: INVALID_REQUEST, message: 'JSON-RPC batch is empty' },
  batch_too_long: { code: INVALID_REQUEST, message: `JSON-RPC batch exceeds ${MAX_BATCH} messages` },
  not_for_batches: {
    code: INVALID_REQUEST,
    message: 'initialize and messages of MCP 2026-07-28 must not be sent in a batch',
  },
  batch_in_other_version: {
    code: INVALID_REQUEST,
    message: `Batching is only supported in MCP ${BATCHING_VERSION}`,
  },

  // Header fields and the body (MCP 2026-07-28, Streamable HTTP, "Server Validation").
  repeated_field: { code: HEADER_MISMATCH, message: 'Duplicate header field' },
  version_missing: { code: HEADER_MISMATCH, message: 'MCP-Protocol-Version is missing' },
  version_mismatch: {
    code: HEADER_MISMATCH,
    message: 'MCP-Protocol-Version does not match the request body',
  },
  method_missing: { code: HEADER_MISMATCH, message: 'Mcp-Method is missing' },
  method_mismatch: { code: HEADER_MISMATCH, message: 'Mcp-Method does not match the request body' },
  name_missing: { code: HEADER_MISMATCH, message: 'Mcp-Name is missing' },
  name_mismatch: { code: HEADER_MISMATCH, message: 'Mcp-Name does not match the request body' },

  // Versions.
  unknown_version: { code: UNSUPPORTED_VERSION, message: 'Unsupported protocol version' },
  version_not_in_body: { code: INVALID_PARAMS, message: `params._meta["${VERSION_MEMBER}"] is missing` },
  response_in_modern_era: {
    code: INVALID_REQUEST,
    message: 'Client-to-server responses are not allowed in MCP 2026-07-28',
  },
} as const satisfies Readonly<Record<string, Pick<JsonRpcError, 'code' | 'message'>>>;

/** Why a message is refused. Stable. */
export type MessageProblem = keyof typeof MESSAGE_ERRORS;

/**
 * @param id of the request, as JSON text
 * @param details a `message` that is more exact than that of the table, and `data`
 */
export function messageError(
  reason: MessageProblem,
  id?: string,
  details: Partial<Pick<JsonRpcError, 'message' | 'data'>> = {},
): JsonRpcError {
  return { ...MESSAGE_ERRORS[reason], reason, id: echoedId(id), ...details };
}

/** The id for an answer: one that is too long is left out. */
export function echoedId(id: string | undefined): string | undefined {
  return id !== undefined && id.length <= MAX_ECHOED_ID ? id : undefined;
}
