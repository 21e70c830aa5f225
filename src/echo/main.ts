// The sample MCP server: one tool, `echo`, both protocol eras, no authorization of its own. Wiring only.
import { createServer } from 'node:http';
import { createMcpExpressApp } from '@modelcontextprotocol/express';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler } from '@modelcontextprotocol/server';
import { stopSignal } from '../base/shutdown.ts';
import { createEchoServer } from './server.ts';

/** Requests under way get this long after SIGTERM (milliseconds). */
const GRACE_MS = 10_000;

function main(host: string, port: number): void {
  const app = createMcpExpressApp({ host, jsonLimit: '4mb' });
  const handler = toNodeHandler(createMcpHandler(createEchoServer));
  app.all('/mcp', (req, res) => void handler(req, res, req.body));

  const server = createServer(app);
  server.on('error', (error: NodeJS.ErrnoException) => {
    const why = error.code === 'EADDRINUSE' ? `port ${port} is already in use; set PORT` : error.message;
    process.stderr.write(`echo server cannot listen on ${host} port ${port}: ${why}\n`);
    process.exit(1);
  });
  server.listen(port, host, () => process.stdout.write(`echo server on http://${host}:${port}/mcp\n`));

  stopSignal().addEventListener('abort', () => {
    server.close();
    setTimeout(() => server.closeAllConnections(), GRACE_MS).unref();
  });
}

main(process.env.HOST ?? '127.0.0.1', Number(process.env.PORT ?? 8000));
