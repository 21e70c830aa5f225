// MCP messages with the content types that FastMCP asks for, and what is in an answer: for tests that look below any client.
import * as kit from '../kit/messages.ts';

export const JSON_TYPES = {
  'Content-Type': 'application/json',
  Accept: 'application/json, text/event-stream',
};

export const INITIALIZE = kit.INIT;

export type Message = kit.SentMessage;

/** A request of the legacy era, inside a session. */
export function legacy(sessionId: string, method: string, params: object = {}): Message {
  return withTypes(kit.legacy(method, { ...params }, sessionId));
}

/** The modern era has no session: each request says all about itself. */
export function modern(method: string, params: object = {}): Message {
  return withTypes(kit.modern(method, { ...params }));
}

export function echo(args: object): { name: string; arguments: object } {
  return { name: 'echo', arguments: args };
}

/** The JSON-RPC message in an answer, which may be JSON or one event of a stream. */
export function messageIn(body: string): { result?: Record<string, unknown>; error?: unknown } {
  const data = /^data: (.*)$/m.exec(body)?.[1] ?? body;
  return JSON.parse(data) as { result?: Record<string, unknown> };
}

function withTypes({ body, headers }: Message): Message {
  return { body, headers: { ...JSON_TYPES, ...headers } };
}
