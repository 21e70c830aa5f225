// JSON-RPC messages of both eras of MCP, as the list of requirements names them.

/** The legacy handshake (2025-11-25 and before). */
export const INIT = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'conformance', version: '1' },
  },
});

/** A legacy request. */
export function message(method: string, params: object = {}, id: number | string = 1): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params });
}

/** The legacy call of a tool. */
export function call(tool: string, args: object = {}): string {
  return message('tools/call', { name: tool, arguments: args });
}

/** The first modern revision: no handshake, everything in each request. */
export const MODERN = '2026-07-28';

/** A modern request: its body, and the fields that mirror it (Streamable HTTP, "Standard headers"). */
export function modern(method: string, params: Readonly<Record<string, unknown>> = {}, version = MODERN) {
  const name = params['name'] ?? params['uri'] ?? params['taskId'];
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': version,
    'io.modelcontextprotocol/clientInfo': { name: 'conformance', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  return {
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta } }),
    headers: {
      'MCP-Protocol-Version': version,
      'Mcp-Method': method,
      ...(typeof name === 'string' ? { 'Mcp-Name': name } : {}),
    },
  };
}

/** The modern call of a tool. */
export function modernCall(tool: string, args: object = {}) {
  return modern('tools/call', { name: tool, arguments: args });
}
