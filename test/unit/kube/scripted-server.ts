// A server on loopback that answers as a test says, and remembers what it was asked, byte by byte.
import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { KubeConfig, type User } from '@kubernetes/client-node';
import { selfSigned } from '../../kit/certificate.ts';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export type Answer = (res: ServerResponse, asked: Asked) => void;

export interface ScriptedServer {
  readonly url: string;
  readonly ca: string;
  /** Every request so far. */
  readonly asked: Asked[];
  /** Connections accepted so far. */
  readonly connections: () => number;
  /** Answers to come, first to last; the last one stays. */
  script(...answers: Answer[]): void;
  config(user?: Partial<User>): KubeConfig;
  close(): Promise<void>;
}

export async function startScriptedServer(): Promise<ScriptedServer> {
  const { cert, key } = await selfSigned();
  const asked: Asked[] = [];
  let answers: Answer[] = [];
  let connections = 0;
  const server = createServer({ cert, key }, (req, res) => {
    void readBody(req).then((body) => {
      const { pathname, searchParams } = new URL(req.url ?? '/', 'https://localhost');
      const request = {
        method: req.method ?? '',
        path: pathname,
        query: searchParams,
        headers: req.headers,
        body,
      };
      asked.push(request);
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      (answer ?? status(500, 'no answer in the script'))(res, request);
    });
  });
  server.on('secureConnection', () => connections++);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    ca: cert,
    asked,
    connections: () => connections,
    script: (...next) => {
      answers = next;
    },
    config: (user = {}) => {
      const config = new KubeConfig();
      const caData = Buffer.from(cert).toString('base64');
      config.loadFromClusterAndUser(
        { name: 'test', server: url, caData, skipTLSVerify: false },
        { name: 'test', ...user },
      );
      return config;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function readBody(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

export function json(body: unknown, headers: Record<string, string> = {}): Answer {
  return (res) =>
    res.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

/** An error answer as the API server writes it. */
export function status(code: number, reason: string, headers: Record<string, string> = {}): Answer {
  const body = {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code,
    reason,
    message: `the server says ${reason}`,
  };
  return (res) =>
    res.writeHead(code, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

/** A watch that sends these events and stays open. Strings go out as they are. */
export function watch(...events: unknown[]): Answer {
  return (res) => {
    res.writeHead(200, { 'content-type': 'application/json' });
    res.flushHeaders();
    for (const event of events) res.write(typeof event === 'string' ? event : `${JSON.stringify(event)}\n`);
  };
}
