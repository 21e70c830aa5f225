// MCP messages as they are on the wire, in both protocol eras, and what is in an answer: for tests that look below any client.

export const JSON_TYPES = {
  'Content-Type': 'application/json',
  Accept: 'application/json, text/event-stream',
};

export const INITIALIZE = message('initialize', {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'test', version: '1' },
});

/** The modern era has no session: each request says all about itself. */
const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};

export interface Message {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A request of the legacy era, inside a session. */
export function legacy(sessionId: string, method: string, params: object = {}): Message {
  const headers = { ...JSON_TYPES, 'Mcp-Session-Id': sessionId, 'Mcp-Protocol-Version': '2025-11-25' };
  return { headers, body: message(method, params) };
}

export function modern(method: string, params: { readonly name?: string } & object = {}): Message {
  const headers = {
    ...JSON_TYPES,
    'Mcp-Protocol-Version': '2026-07-28',
    'Mcp-Method': method,
    ...(params.name !== undefined && { 'Mcp-Name': params.name }),
  };
  return { headers, body: message(method, { ...params, _meta: META }) };
}

export function echo(args: object): { name: string; arguments: object } {
  return { name: 'echo', arguments: args };
}

function message(method: string, params: object): string {
  return JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
}

/** The JSON-RPC message in an answer, which may be JSON or one event of a stream. */
export function messageIn(body: string): { result?: Record<string, unknown>; error?: unknown } {
  const data = /^data: (.*)$/m.exec(body)?.[1] ?? body;
  return JSON.parse(data) as { result?: Record<string, unknown> };
}
