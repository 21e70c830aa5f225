// What a request asks for: its body, the operations in it, their era, how its answer may end. Decides nothing about rights.
import type { ReceivedRequest } from '../http/received-request.ts';
import type { RequestFields } from '../http/request-headers.ts';
import { validateHeaders } from './header-agreement.ts';
import { SUBSCRIPTION_MEMBER } from './known-members.ts';
import type { JsonRpcError } from '../denial/json-rpc-error.ts';
import { readBody, type Message, type Reading } from './message.ts';
import { echoedId } from './message-errors.ts';
import { eraOf, type Era } from '../../protocol/mcp-revision.ts';

/** The modern call whose answer is a stream of notifications without end (MCP 2026-07-28, "Subscriptions"). */
const LISTEN = 'subscriptions/listen';

/** Only this module can make one: the private member has no run-time value, and a copy with changes does not have it. */
declare class Known {
  readonly #known: true;
}

/** A method, and the tool, prompt, resource or task it names: what may be allowed or not. */
export interface Operation extends Message {
  readonly kind: 'request' | 'notification';
}

/** The body of a call: nothing else of a body is forwarded than this says. */
type CallContent =
  | {
      readonly kind: 'messages';
      /** Several in a batch; none where the client only answers requests of the server's. */
      readonly operations: readonly Operation[];
      /** Exactly the bytes that were validated. */
      readonly bytes: Buffer;
      /** The same bytes as a string, one character a byte, where that came for free. */
      readonly latin1: string | undefined;
    }
  | { readonly kind: 'none' }
  /** All of it, and nothing is known of its operations: `transport.messageChecks` is `Off`. */
  | { readonly kind: 'opaque'; readonly bytes: Buffer }
  /** The same, and it goes by as it comes. */
  | { readonly kind: 'unread' };

/** One request, and what it asks for. Holds the body: not to be kept for longer than it takes to send that. */
export interface Call extends Known {
  readonly request: ReceivedRequest;
  /** The query to forward, empty or with its `?`. */
  readonly search: string;
  readonly content: CallContent;
  readonly era: Era;
  /** The only request's id as JSON text, for answers of the sidecar's own. */
  readonly id: string | undefined;
  /** Whether the answer is a stream that the client only listens to. */
  readonly isListening: boolean;
  /** The event that ends such a stream in the modern era. */
  readonly finalEvent: string | undefined;
  /** Whether the answer may bring a new session id: then it is this principal's. */
  readonly maySetSession: boolean;
}

export type CallReading =
  { readonly ok: true; readonly call: Call } | { readonly ok: false; readonly error: JsonRpcError };

/** Reads the body of a POST at once, and compares the header fields with it. */
export function readCall(bytes: Buffer, request: ReceivedRequest, search: string): CallReading {
  return callOf(readBody(bytes), bytes, request, search);
}

/** @param reading of all of `bytes` */
export function callOf(
  reading: Reading,
  bytes: Buffer,
  request: ReceivedRequest,
  search: string,
): CallReading {
  if (!reading.ok) return reading;
  const agreement = validateHeaders(reading.body, request.fields);
  if (!agreement.ok) return agreement;
  const { messages, isBatch, latin1 } = reading.body;
  const { era } = agreement;
  const single = isBatch || messages[0]?.kind !== 'request' ? undefined : messages[0];
  const isListening = era === 'modern' && single?.method === LISTEN;
  const call = makeCall({
    request,
    search,
    content: { kind: 'messages', operations: messages.filter(isOperation), bytes, latin1 },
    era,
    id: echoedId(single?.id),
    isListening,
    finalEvent: isListening && single.id !== undefined ? finalEventOf(single.id) : undefined,
    maySetSession: era === 'legacy' && single?.method === 'initialize',
  });
  return { ok: true, call };
}

/** A GET or DELETE: listening and ending a session, of the legacy era whatever a field says (RESOURCE_SERVER D36). */
export function callWithoutBody(request: ReceivedRequest, search: string): Call {
  return makeCall({
    request,
    search,
    content: { kind: 'none' },
    era: 'legacy',
    id: undefined,
    isListening: request.req.method === 'GET',
    finalEvent: undefined,
    maySetSession: false,
  });
}

/**
 * A request whose body is not looked at: what its fields say, where that can only cost rights.
 * @param _checks `transport.messageChecks`: only where it is `Off` may a body be forwarded unread
 * @param bytes the body, where all of it is there; without it, a body that is announced goes by as it comes
 */
export function uninspectedCall(
  request: ReceivedRequest,
  search: string,
  _checks: 'Off',
  bytes?: Buffer,
): Call {
  const { req, fields } = request;
  const isPost = req.method === 'POST';
  const era = (isPost && fields.protocolVersion !== undefined && eraOf(fields.protocolVersion)) || 'legacy';
  return makeCall({
    request,
    search,
    content:
      bytes === undefined ? { kind: announcesBody(fields) ? 'unread' : 'none' } : { kind: 'opaque', bytes },
    era,
    id: undefined,
    isListening: req.method === 'GET' || (isPost && fields.mcpMethod === LISTEN),
    finalEvent: undefined,
    maySetSession: isPost && era === 'legacy',
  });
}

/** Bodies up to this are forwarded when all of it is there, also where they are not looked at (bytes). */
const SHORT_BODY_BYTES = 64 * 1024;

/** Whether a body follows that is short. */
export function announcesShortBody({ chunked, contentLength }: RequestFields): boolean {
  const length = Number(contentLength ?? 0);
  return !chunked && length > 0 && length <= SHORT_BODY_BYTES;
}

/** Whether a body follows (RFC 9112 section 6). */
export function announcesBody({ chunked, contentLength }: RequestFields): boolean {
  return chunked || Number(contentLength ?? 0) > 0;
}

function isOperation(message: Message): message is Operation {
  return message.kind !== 'response';
}

function makeCall(call: Pick<Call, keyof Call>): Call {
  return call as Call; // the private member has no run-time value
}

/** @param id as JSON text */
function finalEventOf(id: string): string {
  return (
    `event: message\ndata: {"jsonrpc":"2.0","id":${id},` +
    `"result":{"resultType":"complete","_meta":{"${SUBSCRIPTION_MEMBER}":${id}}}}\n\n`
  );
}
