// Messages of both eras as clients send them, with the header fields that belong to them.

export interface SentMessage {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

export const MODERN_VERSION = '2026-07-28';
export const VERSION_KEY = 'io.modelcontextprotocol/protocolVersion';

/** Members of `params` that `Mcp-Name` repeats. */
const NAME_MEMBERS = ['name', 'uri', 'taskId'] as const;

/** A request of MCP 2026-07-28 with its standard header fields. */
export function modern(
  method: string,
  params: Readonly<Record<string, unknown>> = {},
  id: unknown = 1,
): SentMessage {
  const name = NAME_MEMBERS.map((member) => params[member]).find((value) => typeof value === 'string');
  const meta = { [VERSION_KEY]: MODERN_VERSION, 'io.modelcontextprotocol/clientCapabilities': {} };
  return {
    body: JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta: meta } }),
    headers: {
      'MCP-Protocol-Version': MODERN_VERSION,
      'Mcp-Method': method,
      ...(name !== undefined && { 'Mcp-Name': name }),
    },
  };
}

/** A request of the legacy era; its session, if it has one, is named in the fields. */
export function legacy(
  method: string,
  params?: Readonly<Record<string, unknown>>,
  sessionId?: string,
): SentMessage {
  return {
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, ...(params && { params }) }),
    headers: {
      'MCP-Protocol-Version': '2025-11-25',
      ...(sessionId !== undefined && { 'Mcp-Session-Id': sessionId }),
    },
  };
}

/** How a legacy client begins: without a version. */
export const INITIALIZE: SentMessage = {
  body: JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
  }),
  headers: {},
};
