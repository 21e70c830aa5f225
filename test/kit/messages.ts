// JSON-RPC messages of both eras of MCP as clients send them, with the header fields that belong to them.

export interface SentMessage {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

type Params = Readonly<Record<string, unknown>>;

/** The first modern revision: no handshake, everything in each request. */
export const MODERN = '2026-07-28';
export const VERSION_KEY = 'io.modelcontextprotocol/protocolVersion';

/** The legacy handshake (2025-11-25 and before). */
export const INIT = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
});

/** How a legacy client begins: without a version. */
export const INITIALIZE: SentMessage = { body: INIT, headers: {} };

/** The body of a legacy request. */
export function message(method: string, params: object = {}, id: number | string = 1): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params });
}

/** The legacy call of a tool. */
export function call(tool: string, args: object = {}): string {
  return message('tools/call', { name: tool, arguments: args });
}

/** A legacy request once the version is agreed upon; its session, if it has one, is named in the fields. */
export function legacy(method: string, params?: Params, sessionId?: string): SentMessage {
  return {
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, ...(params && { params }) }),
    headers: {
      'MCP-Protocol-Version': '2025-11-25',
      ...(sessionId !== undefined && { 'Mcp-Session-Id': sessionId }),
    },
  };
}

/** Members of `params` that `Mcp-Name` repeats. */
const NAME_MEMBERS = ['name', 'uri', 'taskId'] as const;

interface ModernOptions {
  readonly id?: number | string;
  readonly version?: string;
}

/** A modern request: its body, and the fields that mirror it (Streamable HTTP, "Standard headers"). */
export function modern(
  method: string,
  params: Params = {},
  { id = 1, version = MODERN }: ModernOptions = {},
): SentMessage {
  const name = NAME_MEMBERS.map((member) => params[member]).find((value) => typeof value === 'string');
  const _meta = {
    [VERSION_KEY]: version,
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  return {
    body: JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta } }),
    headers: {
      'MCP-Protocol-Version': version,
      'Mcp-Method': method,
      ...(name !== undefined && { 'Mcp-Name': name }),
    },
  };
}

/** The modern call of a tool. */
export function modernCall(tool: string, args: object = {}): SentMessage {
  return modern('tools/call', { name: tool, arguments: args });
}
