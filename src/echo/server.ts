// The echo server's one tool. Knows nothing of HTTP.
import { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';

/** A new server with the tool `echo(message, repeat_count = 3)`: the message, repeated. */
export function createEchoServer(): McpServer {
  const server = new McpServer({ name: 'echo', version: '0.1.0' });
  server.registerTool(
    'echo',
    {
      title: 'Echo',
      description: 'Repeats a message.',
      inputSchema: z.object({
        message: z.string().describe('The message to repeat.'),
        repeat_count: z.int().min(1).max(10).default(3).describe('How many times, 1 to 10.'),
      }),
      annotations: { readOnlyHint: true, idempotentHint: true, openWorldHint: false },
    },
    ({ message, repeat_count }) => ({
      content: [{ type: 'text', text: message.repeat(repeat_count) }],
    }),
  );
  return server;
}
