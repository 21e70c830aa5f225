// What an MCP client does with a token: lists the tools and calls one, by the official client.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Agent, fetch as undiciFetch } from 'undici';

interface ToolCall {
  readonly url: string;
  readonly token: string;
  /** PEM. */
  readonly ca: string;
}

export interface ToolResult {
  readonly tools: readonly string[];
  readonly text: string;
}

const MESSAGE = 'hello ';

export async function callEcho({ url, token, ca }: ToolCall): Promise<ToolResult> {
  const dispatcher = new Agent({ connect: { ca } });
  // Node's own fetch cannot be given a CA. undici's is the same but for the names of its types.
  const fetchWithCa = ((input: string | URL, init: object = {}) =>
    undiciFetch(input, { ...init, dispatcher })) as unknown as typeof fetch;
  const client = new Client({ name: 'protected-mcp-demo', version: '1' });
  try {
    const headers = { Authorization: `Bearer ${token}` };
    await client.connect(
      new StreamableHTTPClientTransport(new URL(url), { fetch: fetchWithCa, requestInit: { headers } }),
    );
    const { tools } = await client.listTools();
    const result = await client.callTool({ name: 'echo', arguments: { message: MESSAGE, repeat_count: 3 } });
    const texts = result.content.map((part) => (part.type === 'text' ? part.text : ''));
    return { tools: tools.map(({ name }) => name), text: texts.join('') };
  } finally {
    await client.close();
    await dispatcher.close();
  }
}
