// Validates the header fields of a POST against its body, and finds the era. The body decides; fields only confirm.
import type { RequestFields } from '../http/request-headers.ts';
import type { JsonRpcError } from '../denial/json-rpc-error.ts';
import { NAMED, type Body, type Message } from './message.ts';
import { messageError, type MessageProblem } from './message-errors.ts';
import { decodeUtf8 } from '../../protocol/json.ts';
import {
  BATCHING_VERSION,
  eraOf,
  KNOWN_VERSIONS,
  MODERN_VERSIONS,
  type Era,
} from '../../protocol/mcp-revision.ts';

/** A version longer than this is not echoed (characters). */
const MAX_ECHOED_VERSION = 64;

/** The fields that repeat what the body says. */
type StandardFields = Pick<RequestFields, 'protocolVersion' | 'mcpMethod' | 'mcpName' | 'repeatedField'>;

type HeaderValidation =
  { readonly ok: true; readonly era: Era } | { readonly ok: false; readonly error: JsonRpcError };

const LEGACY: HeaderValidation = { ok: true, era: 'legacy' };
const MODERN: HeaderValidation = { ok: true, era: 'modern' };

/** MCP 2026-07-28, Streamable HTTP, "Server Validation": methods whose `Mcp-Name` is required. */
const NAME_REQUIRED: ReadonlySet<string> = new Set([
  ...['tools/call', 'prompts/get', 'resources/read', 'tasks/get', 'tasks/update', 'tasks/cancel'],
]);

/** Compares the fields with the body and decides the era of the request. */
export function validateHeaders(body: Body, fields: StandardFields): HeaderValidation {
  const [message] = body.messages;
  if (message === undefined) throw new Error('readBody accepted a body without messages');
  const only = body.isBatch ? undefined : message;
  if (fields.repeatedField !== undefined)
    return invalid('repeated_field', only, { message: `Duplicate header field ${fields.repeatedField}` });
  if (body.isBatch) return batch(fields);
  return message.version === undefined
    ? unversioned(message, fields)
    : modern(message, message.version, fields);
}

function batch({ protocolVersion }: StandardFields): HeaderValidation {
  // Where no version is named, servers assume this one (MCP 2025-06-18, "Protocol Version Header").
  if (protocolVersion === undefined || protocolVersion === BATCHING_VERSION) return LEGACY;
  return invalid('batch_in_other_version');
}

/** The body names a version: a modern message. */
function modern(message: Message, version: string, fields: StandardFields): HeaderValidation {
  const { protocolVersion, mcpMethod } = fields;
  if (protocolVersion !== undefined && protocolVersion !== version)
    return invalid('version_mismatch', message);
  if (eraOf(version) !== 'modern') return unsupported(message, version, MODERN_VERSIONS);
  // The revision defines no field rules for notifications: fields that are present are compared.
  if (message.kind === 'request') {
    if (protocolVersion === undefined) return invalid('version_missing', message);
    if (mcpMethod === undefined) return invalid('method_missing', message);
    if (fields.mcpName === undefined && NAME_REQUIRED.has(message.method))
      return validateMirroredHeaders(message, fields) ?? invalid('name_missing', message);
  }
  return validateMirroredHeaders(message, fields) ?? MODERN;
}

/** The body names no version: a legacy message, unless a field says otherwise. */
function unversioned(message: Message, fields: StandardFields): HeaderValidation {
  const { protocolVersion } = fields;
  const era = protocolVersion === undefined ? 'legacy' : eraOf(protocolVersion);
  if (era === undefined) return unsupported(message, protocolVersion ?? '', KNOWN_VERSIONS);
  if (era === 'modern' && message.kind !== 'notification') return modernFieldOnly(message);
  return validateMirroredHeaders(message, fields) ?? (era === 'modern' ? MODERN : LEGACY);
}

function modernFieldOnly(message: Message): HeaderValidation {
  if (message.kind === 'response') return invalid('response_in_modern_era', message);
  if (message.method !== 'initialize') return invalid('version_not_in_body', message);
  return invalid('version_mismatch', message, {
    message: 'MCP-Protocol-Version is a version without initialize',
  });
}

/** Compares `Mcp-Method` and `Mcp-Name` with the body, where they are present. */
function validateMirroredHeaders(message: Message, fields: StandardFields): HeaderValidation | undefined {
  if (message.kind === 'response') return undefined;
  const { mcpMethod, mcpName } = fields;
  if (mcpMethod !== undefined && mcpMethod !== message.method) return invalid('method_mismatch', message);
  if (mcpName === undefined || !NAMED.has(message.method)) return undefined;
  const name = decodeFieldValue(mcpName);
  return name !== undefined && name === message.name ? undefined : invalid('name_mismatch', message);
}

const SENTINEL_PREFIX = '=?base64?';
const SENTINEL_SUFFIX = '?=';
const SENTINEL_LENGTH = SENTINEL_PREFIX.length + SENTINEL_SUFFIX.length;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const VISIBLE = /^[\x20-\x7E\t]*$/;

/**
 * The text that a field value stands for (SEP-2243, "Value Encoding").
 * @returns `undefined` for a value that stands for none
 */
export function decodeFieldValue(value: string): string | undefined {
  if (
    value.length < SENTINEL_LENGTH ||
    !value.startsWith(SENTINEL_PREFIX) ||
    !value.endsWith(SENTINEL_SUFFIX)
  ) {
    return VISIBLE.test(value) ? value : undefined;
  }
  const encoded = value.slice(SENTINEL_PREFIX.length, -SENTINEL_SUFFIX.length);
  if (!BASE64.test(encoded)) return undefined;
  const bytes = Buffer.from(encoded, 'base64');
  // One text has one encoding: bits that no byte takes must be zero.
  if (bytes.toString('base64') !== encoded) return undefined;
  return decodeUtf8(bytes);
}

/** @param supported what the client can name instead, in the place where it named this one */
function unsupported(message: Message, version: string, supported: readonly string[]): HeaderValidation {
  const requested = version.slice(0, MAX_ECHOED_VERSION);
  return invalid('unknown_version', message, { data: { supported, requested } });
}

function invalid(
  reason: MessageProblem,
  message?: Message,
  details?: Parameters<typeof messageError>[2],
): HeaderValidation {
  // A response carries an id of the server's: the client does not wait for an answer to it.
  const id = message?.kind === 'request' ? message.id : undefined;
  return { ok: false, error: messageError(reason, id, details) };
}
