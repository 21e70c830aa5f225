// What a permitted request asks for, as far as it was read: the messages in its body, their era, how its answer may end.
import type { IncomingMessage } from 'node:http';
import type { RequestFields } from '../http/request-headers.ts';
import { validateHeaders } from './header-agreement.ts';
import { SUBSCRIPTION_MEMBER } from './known-members.ts';
import type { JsonRpcError } from '../denial/json-rpc-error.ts';
import { readBody, type Message } from './message.ts';
import { echoedId } from './message-errors.ts';
import { eraOf, type Era } from '../../protocol/mcp-revision.ts';

/** The modern call whose answer is a stream of notifications without end (MCP 2026-07-28, "Subscriptions"). */
const LISTEN = 'subscriptions/listen';

/** Only this module can make one. */
declare const known: unique symbol;

/** What is kept of it for as long as it is under way: not the body. */
export interface Call {
  readonly [known]: true;
  readonly era: Era;
  /** The only request's id as JSON text, for answers of ours. */
  readonly id: string | undefined;
  /** Whether the answer is a stream that the client only listens to. */
  readonly isListening: boolean;
  /** The event that ends such a stream in the modern era. */
  readonly completion: string | undefined;
  /** Whether the answer may bring a new session id: then it is this principal's. */
  readonly maySetSession: boolean;
}

/** Nothing else may be sent than these bytes. */
export interface JudgedBody {
  readonly bytes: Buffer;
  /** The same bytes as a string, one character a byte, where that came for free. */
  readonly latin1: string | undefined;
}

export type CallReading =
  | {
      readonly ok: true;
      readonly call: Call;
      readonly messages: readonly Message[];
      readonly body: JudgedBody;
    }
  | { readonly ok: false; readonly refusal: JsonRpcError };

/** Reads the body of a POST and compares the header fields with it. */
export function readCall(bytes: Buffer, fields: RequestFields): CallReading {
  const reading = readBody(bytes);
  if (!reading.ok) return reading;
  const agreement = validateHeaders(reading.body, fields);
  if (!agreement.ok) return agreement;
  const { messages, isBatch, latin1 } = reading.body;
  const { era } = agreement;
  const request = isBatch || messages[0]?.kind !== 'request' ? undefined : messages[0];
  const isListening = era === 'modern' && request?.method === LISTEN;
  const call: Omit<Call, typeof known> = {
    era,
    id: echoedId(request?.id),
    isListening,
    completion: isListening && request.id !== undefined ? completionEvent(request.id) : undefined,
    maySetSession: era === 'legacy' && request?.method === 'initialize',
  };
  // The brand has no run-time value.
  return { ok: true, call: call as Call, messages, body: { bytes, latin1 } };
}

/**
 * A request without a body, or with one that is not looked at: what its fields say, where that can only cost rights.
 */
export function unreadCall({ method }: Pick<IncomingMessage, 'method'>, fields: RequestFields): Call {
  const isPost = method === 'POST';
  // Listening by GET and ending a session are of the legacy era whatever a field says (RESOURCE_SERVER D36).
  const era = (isPost && fields.protocolVersion !== undefined && eraOf(fields.protocolVersion)) || 'legacy';
  const call: Omit<Call, typeof known> = {
    era,
    id: undefined,
    isListening: method === 'GET' || (isPost && fields.mcpMethod === LISTEN),
    completion: undefined,
    maySetSession: isPost && era === 'legacy',
  };
  return call as Call; // the brand has no run-time value
}

/** @param id as JSON text */
function completionEvent(id: string): string {
  return (
    `event: message\ndata: {"jsonrpc":"2.0","id":${id},` +
    `"result":{"resultType":"complete","_meta":{"${SUBSCRIPTION_MEMBER}":${id}}}}\n\n`
  );
}
