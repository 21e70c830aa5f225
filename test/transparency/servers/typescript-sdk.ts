// A server on the TypeScript SDK: both eras on one path, as a program of its own; sessions and replay in the legacy one.
import { randomUUID } from 'node:crypto';
import type { Request, Response } from 'express';
import { createMcpExpressApp } from '@modelcontextprotocol/express';
import { NodeStreamableHTTPServerTransport, toNodeHandler, toWebRequest } from '@modelcontextprotocol/node';
import { createMcpHandler, InMemoryServerEventBus, isLegacyRequest } from '@modelcontextprotocol/server';
import { MemoryEvents } from './memory-events.ts';
import { createEverything } from './everything.ts';

const RETRY_MS = 100;
const NO_SESSION = { jsonrpc: '2.0', error: { code: -32001, message: 'Session not found' }, id: null };

const bus = new InMemoryServerEventBus();
const modern = toNodeHandler(createMcpHandler(() => createEverything(bus), { legacy: 'reject', bus }));
const sessions = new Map<string, NodeStreamableHTTPServerTransport>();

async function serve(req: Request, res: Response): Promise<void> {
  const body: unknown = req.body;
  const isLegacy = await isLegacyRequest(await toWebRequest(req, body));
  if (!isLegacy) return modern(req, res, body);
  const id = req.header('mcp-session-id');
  const transport = id === undefined ? await newSession() : sessions.get(id);
  if (transport === undefined) res.status(404).json(NO_SESSION);
  else await transport.handleRequest(req, res, body);
}

async function newSession(): Promise<NodeStreamableHTTPServerTransport> {
  const transport = new NodeStreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    eventStore: new MemoryEvents(),
    retryInterval: RETRY_MS,
    onsessioninitialized: (id) => void sessions.set(id, transport),
    onsessionclosed: (id) => void sessions.delete(id),
  });
  await createEverything(bus).connect(transport);
  return transport;
}

const app = createMcpExpressApp({ host: '127.0.0.1', jsonLimit: '4mb' });
app.all('/mcp', serve);
app.listen(Number(process.env['PORT']), '127.0.0.1');
