// An MCP server as many are: SDK v1, sessions, listening streams, events that can be replayed. No authorization.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import {
  StreamableHTTPServerTransport,
  type EventStore,
} from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';

interface Session {
  readonly transport: StreamableHTTPServerTransport;
  readonly mcp: McpServer;
}

interface SeenRequest {
  readonly method: string;
  readonly sessionId: string | undefined;
  readonly lastEventId: string | undefined;
  readonly authorization: string | undefined;
}

/**
 * The tool `count` tells of two steps, by progress and by log message, then answers. It takes each step only when
 * `proceed` is called: a test decides what has arrived before the next thing happens, and no time is waited for.
 */
export class StatefulServer {
  readonly requests: SeenRequest[] = [];
  readonly #server: Server;
  readonly #sessions = new Map<string, Session>();
  readonly #calls = new Set<ServerResponse>();
  readonly #listening = new Set<string>();
  readonly #gates: (() => void)[] = [];
  #allowed = 0;

  private constructor() {
    this.#server = createServer((req, res) => void this.#handle(req, res));
  }

  static async start(): Promise<StatefulServer> {
    const server = new StatefulServer();
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/mcp`;
  }

  async close(): Promise<void> {
    for (const { mcp } of this.#sessions.values()) await mcp.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Whether the session has a listening stream open. */
  isListening(sessionId: string): boolean {
    return this.#listening.has(sessionId);
  }

  hasSession(sessionId: string): boolean {
    return this.#sessions.has(sessionId);
  }

  /** Sends a notification that belongs to no call: it goes to the listening stream. */
  async announce(sessionId: string): Promise<void> {
    const session = this.#sessions.get(sessionId);
    assert.ok(session, 'there is no such session');
    await session.mcp.server.sendResourceUpdated({ uri: 'test://announced' });
  }

  /** Lets `count` take its next step. */
  proceed(): void {
    const gate = this.#gates.shift();
    if (gate === undefined) this.#allowed++;
    else gate();
  }

  /** Breaks the connections of all calls that are being answered, in the middle of their streams. */
  cutCalls(): void {
    assert.ok(this.#calls.size > 0, 'no call is being answered');
    for (const res of this.#calls) res.destroy();
  }

  #permission(): Promise<void> {
    if (this.#allowed === 0) return new Promise((resolve) => this.#gates.push(resolve));
    this.#allowed--;
    return Promise.resolve();
  }

  async #handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const sessionId = textHeader(req, 'mcp-session-id');
    this.requests.push({
      method: req.method ?? '',
      sessionId,
      lastEventId: textHeader(req, 'last-event-id'),
      authorization: req.headers.authorization,
    });
    if (req.method === 'GET' && sessionId !== undefined && textHeader(req, 'last-event-id') === undefined) {
      this.#listening.add(sessionId);
      res.once('close', () => this.#listening.delete(sessionId));
    }
    if (req.method === 'POST') {
      this.#calls.add(res);
      res.once('close', () => this.#calls.delete(res));
    }
    const session = sessionId === undefined ? await this.#create() : this.#sessions.get(sessionId);
    if (session !== undefined) return session.transport.handleRequest(req, res);
    res.writeHead(404, { 'Content-Type': 'application/json' });
    res.end(NO_SESSION);
  }

  async #create(): Promise<Session> {
    const mcp = this.#createMcp();
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      eventStore: new MemoryEventStore(),
      onsessioninitialized: (id) => void this.#sessions.set(id, session),
      onsessionclosed: (id) => void this.#sessions.delete(id),
    });
    const session = { transport, mcp };
    await mcp.connect(transport);
    return session;
  }

  #createMcp(): McpServer {
    const mcp = new McpServer(
      { name: 'stateful', version: '1' },
      { capabilities: { logging: {}, resources: { subscribe: true } } },
    );
    mcp.registerTool('count', { inputSchema: { label: z.string() } }, async ({ label }, extra) => {
      const progressToken = extra._meta?.progressToken;
      for (const step of [1, 2]) {
        await this.#permission();
        await extra.sendNotification({
          method: 'notifications/message',
          params: { level: 'info', data: `${label} ${step}` },
        });
        if (progressToken !== undefined) {
          await extra.sendNotification({
            method: 'notifications/progress',
            params: { progressToken, progress: step, total: 2 },
          });
        }
      }
      await this.#permission();
      return { content: [{ type: 'text', text: `${label} counted` }] };
    });
    return mcp;
  }
}

/** What the server says of a session that it does not know. */
const NO_SESSION = '{"jsonrpc":"2.0","error":{"code":-32001,"message":"Session not found"},"id":null}';

/** All events of one session, in order. */
class MemoryEventStore implements EventStore {
  readonly #events: { id: string; streamId: string; message: JSONRPCMessage }[] = [];

  storeEvent(streamId: string, message: JSONRPCMessage): Promise<string> {
    const id = String(this.#events.length + 1);
    this.#events.push({ id, streamId, message });
    return Promise.resolve(id);
  }

  getStreamIdForEventId(eventId: string): Promise<string | undefined> {
    return Promise.resolve(this.#events.find(({ id }) => id === eventId)?.streamId);
  }

  async replayEventsAfter(
    lastEventId: string,
    { send }: { send: (eventId: string, message: JSONRPCMessage) => Promise<void> },
  ): Promise<string> {
    const last = this.#events.findIndex(({ id }) => id === lastEventId);
    const streamId = this.#events[last]?.streamId ?? '';
    for (const event of this.#events.slice(last + 1)) {
      if (event.streamId === streamId) await send(event.id, event.message);
    }
    return streamId;
  }
}

function textHeader(req: IncomingMessage, name: string): string | undefined {
  const value = req.headers[name];
  return typeof value === 'string' ? value : undefined;
}
