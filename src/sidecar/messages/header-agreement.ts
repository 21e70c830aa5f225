// Whether the header fields of a POST agree with its body, and which era it is of. The body decides; fields only confirm.
import type { RequestFields } from '../http/request-headers.ts';
import {
  HEADER_MISMATCH,
  INVALID_PARAMS,
  INVALID_REQUEST,
  UNSUPPORTED_VERSION,
} from '../../protocol/json-rpc.ts';
import type { JsonRpcError } from '../denial/json-rpc-error.ts';
import { NAMED, echoedId, type Body, type Message } from './message.ts';
import { VERSION_MEMBER } from './known-members.ts';
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
export type StandardFields = Pick<
  RequestFields,
  'protocolVersion' | 'mcpMethod' | 'mcpName' | 'repeatedField'
>;

export type Agreement =
  { readonly ok: true; readonly era: Era } | { readonly ok: false; readonly refusal: JsonRpcError };

const LEGACY: Agreement = { ok: true, era: 'legacy' };
const MODERN: Agreement = { ok: true, era: 'modern' };

/** MCP 2026-07-28, Streamable HTTP, "Server Validation": methods whose `Mcp-Name` is required. */
const NAME_REQUIRED: ReadonlySet<string> = new Set([
  ...['tools/call', 'prompts/get', 'resources/read', 'tasks/get', 'tasks/update', 'tasks/cancel'],
]);

/** Compares the fields with the body and decides the era of the request. */
export function agree(body: Body, fields: StandardFields): Agreement {
  const [message] = body.messages;
  if (message === undefined) throw new Error('a body without messages was not refused');
  const only = body.isBatch ? undefined : message;
  if (fields.repeatedField !== undefined)
    return mismatch(only, 'repeated_field', 'A header field that must be unique came twice');
  if (body.isBatch) return batch(fields);
  return message.version === undefined
    ? unversioned(message, fields)
    : modern(message, message.version, fields);
}

function batch({ protocolVersion }: StandardFields): Agreement {
  // Where no version is named, servers assume this one (MCP 2025-06-18, "Protocol Version Header").
  if (protocolVersion === undefined || protocolVersion === BATCHING_VERSION) return LEGACY;
  return refuse(undefined, {
    code: INVALID_REQUEST,
    reason: 'batch_in_other_version',
    message: `Only MCP ${BATCHING_VERSION} has batches`,
  });
}

/** The body names a version: a modern message. */
function modern(message: Message, version: string, fields: StandardFields): Agreement {
  const { protocolVersion, mcpMethod } = fields;
  if (protocolVersion !== undefined && protocolVersion !== version)
    return mismatch(message, 'version_mismatch', 'MCP-Protocol-Version and the body name different versions');
  if (eraOf(version) !== 'modern') return unsupported(message, version, MODERN_VERSIONS);
  // The revision defines no field rules for notifications: what is there is compared.
  const required = message.kind === 'request';
  if (required && protocolVersion === undefined)
    return mismatch(message, 'version_missing', 'MCP-Protocol-Version is missing');
  if (required && mcpMethod === undefined)
    return mismatch(message, 'method_missing', 'Mcp-Method is missing');
  return mirrored(message, fields, required) ?? MODERN;
}

/** The body names no version: a legacy message, unless a field says otherwise. */
function unversioned(message: Message, fields: StandardFields): Agreement {
  const { protocolVersion } = fields;
  const era = protocolVersion === undefined ? 'legacy' : eraOf(protocolVersion);
  if (era === undefined) return unsupported(message, protocolVersion ?? '', KNOWN_VERSIONS);
  if (era === 'modern' && message.kind !== 'notification') return modernFieldOnly(message);
  return mirrored(message, fields, false) ?? (era === 'modern' ? MODERN : LEGACY);
}

function modernFieldOnly(message: Message): Agreement {
  if (message.kind === 'response')
    return refuse(undefined, {
      code: INVALID_REQUEST,
      reason: 'response_in_modern_era',
      message: 'MCP 2026-07-28 has no responses from clients',
    });
  if (message.method === 'initialize')
    return mismatch(message, 'version_mismatch', 'initialize is not of the version that the header names');
  return refuse(message, {
    code: INVALID_PARAMS,
    reason: 'version_not_in_body',
    message: `params._meta["${VERSION_MEMBER}"] is missing`,
  });
}

/** `Mcp-Method` and `Mcp-Name`, where they are there or have to be. */
function mirrored(message: Message, fields: StandardFields, required: boolean): Agreement | undefined {
  if (message.kind === 'response') return undefined;
  const { mcpMethod, mcpName } = fields;
  if (mcpMethod !== undefined && mcpMethod !== message.method)
    return mismatch(message, 'method_mismatch', 'Mcp-Method and the body name different methods');
  if (!NAMED.has(message.method)) return undefined;
  if (mcpName === undefined) {
    return required && NAME_REQUIRED.has(message.method)
      ? mismatch(message, 'name_missing', 'Mcp-Name is missing')
      : undefined;
  }
  const name = decodeFieldValue(mcpName);
  return name !== undefined && name === message.name
    ? undefined
    : mismatch(message, 'name_mismatch', 'Mcp-Name and the body name different things');
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
function unsupported(message: Message, version: string, supported: readonly string[]): Agreement {
  return refuse(message, {
    code: UNSUPPORTED_VERSION,
    reason: 'unknown_version',
    message: 'Unsupported protocol version',
    data: { supported, requested: version.slice(0, MAX_ECHOED_VERSION) },
  });
}

function mismatch(message: Message | undefined, reason: string, text: string): Agreement {
  return refuse(message, { code: HEADER_MISMATCH, reason, message: text });
}

function refuse(message: Message | undefined, refusal: JsonRpcError): Agreement {
  // A response's id is an id of the server's: nobody waits for an answer to it.
  const id = message?.kind === 'request' ? echoedId(message.id) : undefined;
  return { ok: false, refusal: { ...refusal, id } };
}
