// The bytes of a POST body -> the JSON-RPC messages in it, or an error. What they may do is decided elsewhere.
import { isAscii, isUtf8 } from 'node:buffer';
import { isObject, isWellFormedText as isText, type Members } from '../../protocol/json.ts';
import type { JsonRpcError } from '../denial/json-rpc-error.ts';
import { scan, type Shape } from './json-scan.ts';
import {
  memberProblem,
  MESSAGE_MEMBERS,
  META_MEMBERS,
  NOTIFICATIONS_MEMBERS,
  PARAMS_MEMBERS,
  REF_MEMBERS,
  VERSION_MEMBER,
  type MemberNames,
  type MemberProblem,
} from './known-members.ts';
import { MAX_BATCH, messageError, type MessageProblem } from './message-errors.ts';

/** One JSON-RPC message, as far as decisions need it. All parsers read the same in what stands here. */
export interface Message {
  readonly kind: 'request' | 'notification' | 'response';
  /** Of requests and notifications; empty for responses. Decoded, not normalized, case-sensitive. */
  readonly method: string;
  /** The id as JSON text, exactly as it was written where numbers are large; `undefined` for notifications. */
  readonly id: string | undefined;
  /**
   * What the method acts on: the name of a tool or prompt, a resource's URI, a task's id; for `NAMED` methods only.
   * `undefined` for them, too, where a modern message has no target and its revision does not have the method.
   */
  readonly name: string | undefined;
  /** Of a long body only the members that decisions depend on have their value (`outline.ts`). */
  readonly params: Readonly<Record<string, unknown>> | undefined;
  /** The version in `params._meta`: a message with one is a modern message. */
  readonly version: string | undefined;
}

/** A body whose form was validated. */
export interface Body {
  readonly messages: readonly Message[];
  /** Whether the messages came as an array. */
  readonly isBatch: boolean;
  /** The bytes that were validated, one character a byte, where that came for free. */
  readonly latin1: string | undefined;
}

export type Reading =
  { readonly ok: true; readonly body: Body } | { readonly ok: false; readonly error: JsonRpcError };

/** The member of `params` that says what a method acts on. */
export const NAMED: ReadonlyMap<string, 'name' | 'uri' | 'taskId'> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
  ['resources/subscribe', 'uri'],
  ['resources/unsubscribe', 'uri'],
  ['tasks/get', 'taskId'],
  ['tasks/update', 'taskId'],
  ['tasks/result', 'taskId'],
  ['tasks/cancel', 'taskId'],
]);

/** Removed in MCP 2026-07-28: without a target they are forwarded and the server rejects them (404, -32601). */
const LEGACY_ONLY: ReadonlySet<string> = new Set([
  ...['resources/subscribe', 'resources/unsubscribe', 'tasks/result'],
]);

/** Reads the whole body of a POST at once: for a short one (`long-body.ts`). */
export function readBody(bytes: Buffer): Reading {
  const ascii = isAscii(bytes);
  if (!ascii && !isUtf8(bytes)) return failed('not_utf8');
  const text = ascii ? bytes.toString('latin1') : bytes.toString('utf8');
  return readText(text, ascii ? text : undefined);
}

/** @param latin1 the bytes that were validated, one character a byte, where that came for free */
export function readText(text: string, latin1: string | undefined): Reading {
  const isBatch = firstChar(text) === '[';
  // Before parsing: the nesting of a body within the size limit could cost a hundred times its size.
  const shapes = scan(text, isBatch ? 2 : 1);
  if (shapes === undefined) return failed('too_deep');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return failed('not_json');
  }
  if (Array.isArray(value)) return readBatch(value, text, shapes, latin1);
  const message = readMessage(value, text, shapes[0]);
  if ('code' in message) return { ok: false, error: message };
  return { ok: true, body: { messages: [message], isBatch: false, latin1 } };
}

function readBatch(
  values: readonly unknown[],
  text: string,
  shapes: readonly Shape[],
  latin1: string | undefined,
): Reading {
  if (values.length === 0) return failed('empty_batch');
  if (values.length > MAX_BATCH) return failed('batch_too_long');
  const messages: Message[] = [];
  for (const value of values) {
    const message = readMessage(value, text, shapes[messages.length]);
    // The error answers the whole batch, so it carries the id of none of its messages.
    if ('code' in message) return { ok: false, error: { ...message, id: undefined } };
    // MCP 2025-03-26, lifecycle: initialize is never part of a batch. The modern era has no batches.
    if (message.version !== undefined || message.method === 'initialize') return failed('not_for_batches');
    messages.push(message);
  }
  return { ok: true, body: { messages, isBatch: true, latin1 } };
}

/** @param shape of the object in the text; `undefined` if the value is not an object */
function readMessage(value: unknown, text: string, shape: Shape | undefined): Message | JsonRpcError {
  if (!isObject(value) || shape === undefined) return messageError('not_a_message');
  const problem = memberProblem(value, shape.message, MESSAGE_MEMBERS);
  if (problem !== undefined) return messageError(problem);
  const id = idText(value.id, text, shape.idAt);
  if (id === null) return messageError('bad_id');
  if (value.jsonrpc !== '2.0') return messageError('not_json_rpc_2', id);
  const { method } = value;
  if (method === undefined) return readResponse(value, id);
  if (value.result !== undefined || value.error !== undefined)
    return messageError('request_and_response', id);
  if (!isText(method)) return messageError('bad_method', id);
  return readMethod(method, id, value.params, shape);
}

function readResponse(value: Members, id: string | undefined): Message | JsonRpcError {
  const hasResult = value.result !== undefined;
  if (
    hasResult === (value.error !== undefined) ||
    value.params !== undefined ||
    (hasResult && id === undefined)
  )
    return messageError('not_a_message', id);
  return { kind: 'response', method: '', id, name: undefined, params: undefined, version: undefined };
}

/** A request or a notification. */
function readMethod(
  method: string,
  id: string | undefined,
  params: unknown,
  shape: Shape,
): Message | JsonRpcError {
  const kind = id === undefined ? 'notification' : 'request';
  const field = NAMED.get(method);
  if (params === undefined) {
    return field === undefined
      ? { kind, method, id, name: undefined, params, version: undefined }
      : messageError(`bad_${field}`, id);
  }
  if (!isObject(params)) return messageError('bad_params', id);
  const problem =
    memberProblem(params, shape.params, PARAMS_MEMBERS) ??
    nestedProblem(params._meta, shape.meta, META_MEMBERS) ??
    nestedProblem(params.ref, shape.ref, REF_MEMBERS) ??
    nestedProblem(params.notifications, shape.notifications, NOTIFICATIONS_MEMBERS);
  if (problem !== undefined) return messageError(problem, id);
  const version = isObject(params._meta) ? params._meta[VERSION_MEMBER] : undefined;
  const name = field === undefined ? undefined : params[field];
  const mayBeUnnamed = name === undefined && version !== undefined && LEGACY_ONLY.has(method);
  if (field !== undefined && !isText(name) && !mayBeUnnamed) return messageError(`bad_${field}`, id);
  const message = paramsProblem(method, params);
  if (message !== undefined) return messageError('bad_params', id, { message });
  if (version !== undefined && !isText(version)) return messageError('bad_version', id);
  return { kind, method, id, name: name as string | undefined, params, version }; // a string where a field is named
}

function nestedProblem(value: unknown, count: number, known: MemberNames): MemberProblem | undefined {
  return isObject(value) ? memberProblem(value, count, known) : undefined;
}

/** Types of the other members that decisions depend on. */
function paramsProblem(method: string, params: Members): string | undefined {
  const { _meta: meta } = params;
  if (meta !== undefined && !isObject(meta)) return 'params._meta must be an object';
  if (method === 'completion/complete') {
    const { ref } = params;
    if (!isObject(ref) || !isText(ref.type)) return 'params.ref must be an object with a string "type"';
    if (!isTextOrAbsent(ref.name) || !isTextOrAbsent(ref.uri))
      return 'params.ref.name and params.ref.uri must be strings';
  }
  if (method === 'subscriptions/listen') {
    const { notifications } = params;
    if (notifications === undefined) return undefined; // left to the server to reject: nothing is subscribed to
    if (!isObject(notifications)) return 'params.notifications must be an object';
    const { resourceSubscriptions: uris } = notifications;
    if (uris !== undefined && !(Array.isArray(uris) && uris.every(isText)))
      return 'params.notifications.resourceSubscriptions must be an array of strings';
  }
  return undefined;
}

/**
 * The id as JSON text, for answers that the sidecar makes itself.
 * @returns `undefined` if there is none, `null` if it is of a wrong type
 */
function idText(id: unknown, text: string, at: number): string | undefined | null {
  if (typeof id === 'number') {
    if (Number.isSafeInteger(id)) return `${id}`;
    // Beyond what a double holds: as it was written, or the client could not match the answer.
    const written =
      at < 0 ? undefined : /^\s*(-?[0-9][0-9.eE+-]{0,63})(?=[\s,}])/.exec(text.slice(at, at + 80))?.[1];
    return Number.isFinite(id) ? (written ?? JSON.stringify(id)) : null;
  }
  if (typeof id === 'string') return id.isWellFormed() ? JSON.stringify(id) : null;
  return id === undefined ? undefined : null;
}

function firstChar(text: string): string | undefined {
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char !== ' ' && char !== '\t' && char !== '\n' && char !== '\r') return char;
  }
  return undefined;
}

function isTextOrAbsent(value: unknown): boolean {
  return value === undefined || isText(value);
}

export function failed(reason: MessageProblem): Reading {
  return { ok: false, error: messageError(reason) };
}
