// An API server that keeps ConfigMaps and Secrets, and holds writers to the versions that they have read. Nothing else.
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { ApiServer, type StoredObject } from '../../../../src/realm/development/api-server.ts';
import { selfSigned } from '../../../kit/certificate.ts';

const TOKEN = 'token-of-the-pod';

export class ObjectServer {
  /** By path, such as /api/v1/namespaces/keycloak/secrets/keycloak-tls. */
  readonly objects = new Map<string, StoredObject>();
  /** Method and path of each write. */
  readonly writes: string[] = [];
  readonly api: ApiServer;
  readonly #server: Server;
  #version = 0;

  private constructor(server: Server, ca: string) {
    this.#server = server;
    const { port } = server.address() as AddressInfo;
    this.api = new ApiServer({ host: 'localhost', port, ca, token: TOKEN });
  }

  static async start(): Promise<ObjectServer> {
    const { cert, key } = await selfSigned();
    const server = createServer({ cert, key });
    server.listen(0, 'localhost');
    await once(server, 'listening');
    const objects = new ObjectServer(server, cert);
    server.on('request', (request, response) => {
      let text = '';
      request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      request.on('end', () => {
        const authorized = request.headers.authorization === `Bearer ${TOKEN}`;
        const body = text === '' ? undefined : (JSON.parse(text) as StoredObject);
        const [status, answer] = authorized
          ? objects.#answer(request.method ?? '', request.url ?? '', body)
          : [401, { message: 'Unauthorized' }];
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
      });
    });
    return objects;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** What is in a key, decoded. */
  value(name: string, key: string): string {
    const object = [...this.objects.values()].find(({ metadata }) => metadata.name === name);
    const value = object?.data[key] ?? '';
    return object?.kind === 'Secret' ? Buffer.from(value, 'base64').toString() : value;
  }

  #answer(method: string, path: string, body: StoredObject | undefined): [number, unknown] {
    if (method === 'GET' || !body) {
      const found = this.objects.get(path);
      return found ? [200, found] : [404, { message: `${path} not found` }];
    }
    this.writes.push(`${method} ${path}`);
    const key = method === 'POST' ? `${path}/${body.metadata.name}` : path;
    const present = this.objects.get(key);
    if (method === 'POST' && present) return [409, { message: `${key} already exists` }];
    if (method === 'PUT' && present?.metadata.resourceVersion !== body.metadata.resourceVersion)
      return [409, { message: `${key} has been modified` }];
    const stored = { ...body, metadata: { ...body.metadata, resourceVersion: String(++this.#version) } };
    this.objects.set(key, stored);
    return [method === 'POST' ? 201 : 200, stored];
  }
}
