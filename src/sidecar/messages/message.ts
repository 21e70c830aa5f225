// The bytes of a POST body -> the messages in it, or a refusal. What they may do is decided elsewhere.
import { isAscii, isUtf8 } from 'node:buffer';
import { INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR } from '../../protocol/json-rpc.ts';
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
} from './known-members.ts';

/** MCP 2025-03-26 allows several messages in one body; more than this is refused. */
const MAX_BATCH = 100;
/** An id longer than this is not echoed (characters of JSON). */
const MAX_ECHOED_ID = 1024;

/** One JSON-RPC message, as far as decisions need it. Everything in it has exactly one reading. */
export interface Message {
  readonly kind: 'request' | 'notification' | 'response';
  /** Of requests and notifications; empty for responses. Decoded, not normalized, case-sensitive. */
  readonly method: string;
  /** The id as JSON text, exactly as it was written where numbers are large; `undefined` for notifications. */
  readonly id: string | undefined;
  /**
   * What the method acts on: the name of a tool or prompt, a resource's URI, a task's id; for `NAMED` methods only.
   * `undefined` for them, too, where a modern message names none and its revision does not have the method.
   */
  readonly name: string | undefined;
  readonly params: Readonly<Record<string, unknown>> | undefined;
  /** The version that `params._meta` names: this is what makes a message a modern one. */
  readonly version: string | undefined;
}

/** A body that was judged. */
export interface Body {
  readonly messages: readonly Message[];
  /** Whether the messages came as an array. */
  readonly isBatch: boolean;
  /** The bytes that were judged, one character a byte, where that came for free. */
  readonly latin1: string | undefined;
}

export type Reading =
  { readonly ok: true; readonly body: Body } | { readonly ok: false; readonly refusal: JsonRpcError };

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

/** MCP 2026-07-28 has these no more. A modern message of that name that names nothing is the server's to answer: 404, -32601. */
const LEGACY_ONLY: ReadonlySet<string> = new Set([
  ...['resources/subscribe', 'resources/unsubscribe', 'tasks/result'],
]);

/** Reads the whole body of a POST. */
export function readBody(bytes: Buffer): Reading {
  const ascii = isAscii(bytes);
  if (!ascii && !isUtf8(bytes)) return refused(PARSE_ERROR, 'not_utf8', 'The body is not UTF-8');
  const text = ascii ? bytes.toString('latin1') : bytes.toString('utf8');
  const isBatch = firstChar(text) === '[';
  // Before parsing: the nesting of a body within the size limit could cost a hundred times its size.
  const shapes = scan(text, isBatch ? 2 : 1);
  if (shapes === undefined)
    return refused(INVALID_REQUEST, 'too_deep', 'The message nests deeper than 64 levels');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refused(PARSE_ERROR, 'not_json', 'The body is not one JSON value');
  }
  const latin1 = ascii ? text : undefined;
  if (Array.isArray(value)) return readBatch(value, text, shapes, latin1);
  const message = readMessage(value, text, shapes[0]);
  if ('code' in message) return { ok: false, refusal: message };
  return { ok: true, body: { messages: [message], isBatch: false, latin1 } };
}

function readBatch(
  values: readonly unknown[],
  text: string,
  shapes: readonly Shape[],
  latin1: string | undefined,
): Reading {
  if (values.length === 0) return refused(INVALID_REQUEST, 'empty_batch', 'The batch is empty');
  if (values.length > MAX_BATCH)
    return refused(INVALID_REQUEST, 'batch_too_long', `The batch has more than ${MAX_BATCH} messages`);
  const messages: Message[] = [];
  for (const value of values) {
    const message = readMessage(value, text, shapes[messages.length]);
    // Of several messages, no id stands for the answer to all.
    if ('code' in message) return { ok: false, refusal: { ...message, id: undefined } };
    // MCP 2025-03-26, lifecycle: initialize is never part of a batch. The modern era has no batches.
    if (message.version !== undefined || message.method === 'initialize')
      return refused(INVALID_REQUEST, 'not_for_batches', 'The batch has a message that must come alone');
    messages.push(message);
  }
  return { ok: true, body: { messages, isBatch: true, latin1 } };
}

/** @param shape of the object in the text; there is none if the value is no object, and then it is not asked for */
function readMessage(value: unknown, text: string, shape: Shape | undefined): Message | JsonRpcError {
  if (!isObject(value) || shape === undefined)
    return refusal(INVALID_REQUEST, 'not_a_message', 'A JSON-RPC message is an object');
  const problem = memberProblem(value, shape.message, MESSAGE_MEMBERS);
  if (problem !== undefined) return refusal(INVALID_REQUEST, problem, AMBIGUOUS);
  const id = idText(value.id, text, shape.idAt);
  if (id === null)
    return refusal(INVALID_REQUEST, 'bad_id', 'The id must be a string or a number, if there is one');
  if (value.jsonrpc !== '2.0')
    return refusal(INVALID_REQUEST, 'not_json_rpc_2', 'The message must say "jsonrpc": "2.0"', id);
  const { method } = value;
  if (method === undefined) return readResponse(value, id);
  if (value.result !== undefined || value.error !== undefined)
    return refusal(INVALID_REQUEST, 'request_and_response', 'A request has no result and no error', id);
  if (typeof method !== 'string' || !method.isWellFormed())
    return refusal(INVALID_PARAMS, 'bad_method', 'The method must be a string', id);
  return readCall(method, id, value.params, shape);
}

function readResponse(value: Members, id: string | undefined): Message | JsonRpcError {
  const hasResult = value.result !== undefined;
  if (
    hasResult === (value.error !== undefined) ||
    value.params !== undefined ||
    (hasResult && id === undefined)
  )
    return refusal(INVALID_REQUEST, 'not_a_message', 'This is neither a request nor a response', id);
  return { kind: 'response', method: '', id, name: undefined, params: undefined, version: undefined };
}

/** A request or a notification. */
function readCall(
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
      : missing(field, id);
  }
  if (!isObject(params)) return refusal(INVALID_PARAMS, 'bad_params', 'params must be an object', id);
  const problem =
    memberProblem(params, shape.params, PARAMS_MEMBERS) ??
    nestedProblem(params._meta, shape.meta, META_MEMBERS) ??
    nestedProblem(params.ref, shape.ref, REF_MEMBERS) ??
    nestedProblem(params.notifications, shape.notifications, NOTIFICATIONS_MEMBERS);
  if (problem !== undefined) return refusal(INVALID_REQUEST, problem, AMBIGUOUS, id);
  const version = isObject(params._meta) ? params._meta[VERSION_MEMBER] : undefined;
  const name = field === undefined ? undefined : params[field];
  const mayBeUnnamed = name === undefined && version !== undefined && LEGACY_ONLY.has(method);
  if (field !== undefined && !isText(name) && !mayBeUnnamed) return missing(field, id);
  const bad = badParams(method, params);
  if (bad !== undefined) return refusal(INVALID_PARAMS, 'bad_params', bad, id);
  if (version !== undefined && !isText(version))
    return refusal(INVALID_PARAMS, 'bad_version', `params._meta["${VERSION_MEMBER}"] must be a string`, id);
  return { kind, method, id, name: name as string | undefined, params, version }; // checked above where there is one
}

function nestedProblem(value: unknown, count: number, known: MemberNames): string | undefined {
  return isObject(value) ? memberProblem(value, count, known) : undefined;
}

/** Types of what else decisions look at. */
function badParams(method: string, params: Members): string | undefined {
  const { _meta: meta } = params;
  if (meta !== undefined && !isObject(meta)) return 'params._meta must be an object';
  if (method === 'completion/complete') {
    const { ref } = params;
    if (!isObject(ref) || !isText(ref.type)) return 'params.ref must be an object with a type';
    if (!isTextOrAbsent(ref.name) || !isTextOrAbsent(ref.uri)) return 'params.ref must name one thing';
  }
  if (method === 'subscriptions/listen') {
    const { notifications } = params;
    if (notifications === undefined) return undefined; // the server's to refuse: nothing is listened to
    if (!isObject(notifications)) return 'params.notifications must be an object';
    const { resourceSubscriptions: uris } = notifications;
    if (uris !== undefined && !(Array.isArray(uris) && uris.every(isText)))
      return 'params.notifications.resourceSubscriptions must be an array of strings';
  }
  return undefined;
}

const AMBIGUOUS = 'A member is there twice, or differs from one of MCP by case only';

function missing(field: string, id: string | undefined): JsonRpcError {
  return refusal(INVALID_PARAMS, `bad_${field}`, `params.${field} must be a string`, id);
}

/**
 * The id as JSON text for an answer of ours.
 * @returns `undefined` if there is none, `null` if it is of a wrong type
 */
function idText(id: unknown, text: string, at: number): string | undefined | null {
  if (typeof id === 'number') {
    if (Number.isSafeInteger(id)) return `${id}`;
    // Beyond what a double holds: as it was written, or the client would not know it again.
    const written =
      at < 0 ? undefined : /^\s*(-?[0-9][0-9.eE+-]{0,63})(?=[\s,}])/.exec(text.slice(at, at + 80))?.[1];
    return Number.isFinite(id) ? (written ?? JSON.stringify(id)) : null;
  }
  if (typeof id === 'string') return id.isWellFormed() ? JSON.stringify(id) : null;
  return id === undefined ? undefined : null;
}

/** The id for an answer: one that is too long is left out. */
export function echoedId(id: string | undefined): string | undefined {
  return id !== undefined && id.length <= MAX_ECHOED_ID ? id : undefined;
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

function refusal(code: number, reason: string, message: string, id?: string): JsonRpcError {
  return { code, reason, message, id: echoedId(id) };
}

function refused(code: number, reason: string, message: string): Reading {
  return { ok: false, refusal: refusal(code, reason, message) };
}
