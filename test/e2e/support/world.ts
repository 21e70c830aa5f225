// One test's namespace in the real cluster: resources applied, waited for, called, and removed as a whole.
import { randomBytes } from 'node:crypto';
import { request, type Agent } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';
import { addresses, kubectl } from '../../cluster/cluster.ts';
import { CommandError } from '../../cluster/run.ts';
import { selfSigned } from '../../kit/certificate.ts';
import { AUDIENCE, TestIssuer } from '../../kit/issuer.ts';
import { waitFor } from './wait.ts';

// Kubernetes objects as they come: tests look at single fields of many kinds.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Json = any;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Condition {
  readonly observedGeneration?: number;
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

/** The tool call that most tests make. */
export const ECHO = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'echo', arguments: { message: 'hello ', repeat_count: 2 } },
});

/** What a client asks before it calls a tool. */
export const LIST_TOOLS = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' });

/** A namespace under the Pod Security Standard `restricted`, and an issuer on this machine that its pods reach. */
export class World {
  readonly namespace: string;
  readonly issuer: TestIssuer;

  private constructor(namespace: string, issuer: TestIssuer) {
    this.namespace = namespace;
    this.issuer = issuer;
  }

  static async create(): Promise<World> {
    const namespace = `e2e-${randomBytes(3).toString('hex')}`;
    const { host } = await addresses();
    const certificate = await selfSigned('issuer', [host]);
    const issuer = await TestIssuer.start(certificate, host);
    const world = new World(namespace, issuer);
    await world.apply(
      {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: namespace, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
      },
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'issuer-ca', namespace },
        data: { 'ca.crt': certificate.cert },
      },
    );
    return world;
  }

  async destroy(): Promise<void> {
    await kubectl(['delete', 'namespace', this.namespace, '--wait=false']);
    await this.issuer.close();
  }

  /** The echo server as a resource; `change` edits it before it is applied. */
  echo(change: (spec: Json) => void = () => {}, name = 'echo'): Json {
    const spec = {
      replicas: 1,
      server: { image: 'mcp-echo-server:0.1.0' },
      protectedResourceMetadata: { scopesSupported: [AUDIENCE] },
      authentication: {
        issuers: [
          {
            issuer: this.issuer.issuer,
            audiences: [AUDIENCE],
            jwks: { caBundleRef: { kind: 'ConfigMap', name: 'issuer-ca', key: 'ca.crt' } },
          },
        ],
      },
    };
    change(spec);
    return {
      apiVersion: 'protectedmcp.dev/v1alpha1',
      kind: 'ProtectedMcpServer',
      metadata: { name, namespace: this.namespace },
      spec,
    };
  }

  async apply(...objects: Json[]): Promise<void> {
    const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
    await kubectl(['apply', '--filename=-'], { input });
  }

  async get(kind: string, name: string): Promise<Json> {
    return JSON.parse(await kubectl(['get', kind, name, '--namespace', this.namespace, '--output=json']));
  }

  /** Undefined when there is none. */
  async find(kind: string, name: string): Promise<Json> {
    const text = await kubectl([
      'get',
      kind,
      name,
      '--namespace',
      this.namespace,
      '--output=json',
      '--ignore-not-found',
    ]);
    return text === '' ? undefined : JSON.parse(text);
  }

  async list(kind: string, selector = ''): Promise<Json[]> {
    const args = [
      'get',
      kind,
      '--namespace',
      this.namespace,
      '--output=json',
      ...(selector ? ['--selector', selector] : []),
    ];
    return (JSON.parse(await kubectl(args)) as { items: Json[] }).items;
  }

  kubectl(...args: string[]): Promise<string> {
    return kubectl(['--namespace', this.namespace, ...args]);
  }

  async condition(type: string, name = 'echo'): Promise<Condition | undefined> {
    const server = await this.find('pmcp', name);
    return (server?.status?.conditions as Condition[] | undefined)?.find(
      (condition) => condition.type === type,
    );
  }

  /** Waits until a condition has a status. @returns it */
  async until(type: string, status: string, timeoutMs = 60_000, name = 'echo'): Promise<Condition> {
    let last: Condition | undefined;
    try {
      await waitFor(
        async () => (last = await this.condition(type, name))?.status === status,
        `${type}=${status}`,
        timeoutMs,
      );
    } catch (error) {
      throw new Error(`${type} is ${JSON.stringify(last)}, not ${status}`, { cause: error });
    }
    return last as Condition; // waitFor has seen it
  }

  /** The authority that issued the server's certificate, as clients in the namespace get it. */
  async authority(name = 'echo'): Promise<string> {
    return (await this.get('configmap', `${name}-ca`)).data['ca.crt'] as string;
  }

  async serviceAddress(name = 'echo'): Promise<string> {
    return (await this.get('service', name)).spec.clusterIP as string;
  }

  /** One request to the server's Service from this machine, with real TLS to its in-cluster name. */
  async call(options: CallOptions = {}): Promise<Answer> {
    const { name = 'echo', token, method = 'POST', path = '/mcp', agent, body } = options;
    const host = options.address ?? (await this.serviceAddress(name));
    const serverName = options.serverName ?? `${name}.${this.namespace}.svc`;
    const ca = options.ca ?? (await this.authority(name));
    return send({ host, port: options.port ?? 8001, serverName, ca, method, path, token, agent, body });
  }
}

export interface CallOptions {
  readonly name?: string;
  readonly token?: string | undefined;
  readonly method?: string;
  readonly path?: string;
  readonly address?: string;
  readonly port?: number;
  readonly serverName?: string;
  readonly ca?: string;
  readonly agent?: Agent;
  /** The tool call when absent. */
  readonly body?: string | undefined;
}

export interface SendOptions {
  readonly host: string;
  readonly port: number;
  readonly serverName: string;
  readonly ca: string;
  readonly method: string;
  readonly path: string;
  readonly token?: string | undefined;
  readonly agent?: Agent | undefined;
  readonly body?: string | undefined;
}

export function send({
  host,
  port,
  serverName,
  ca,
  method,
  path,
  token,
  agent,
  body = ECHO,
}: SendOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const isName = !/^[\d.]+$/.test(serverName);
    const req = request(
      {
        host,
        port,
        path,
        method,
        ca,
        ...(isName && { servername: serverName }),
        agent: agent ?? false,
        timeout: 10_000,
        headers: {
          Host: `${serverName}:8001`,
          Accept: 'application/json, text/event-stream',
          ...(method === 'POST' && { 'Content-Type': 'application/json' }),
          ...(token !== undefined && { Authorization: `Bearer ${token}` }),
        },
      },
      (res) => {
        let text = '';
        res.setEncoding('utf8');
        res.on('data', (chunk: string) => (text += chunk));
        res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, body: text }));
        res.on('error', reject);
      },
    );
    req.on('timeout', () => req.destroy(new Error('no answer within 10 s')));
    req.on('error', reject);
    req.end(method === 'POST' ? body : undefined);
  });
}

/** What `kubectl` said when it refused. */
export async function refusal(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof CommandError) return error.stderr;
    throw error;
  }
  throw new Error('was accepted');
}
