// Gives requests the token that the conformance package cannot send, and hands them on to the sidecar; changes nothing else.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface Target {
  /** Where the sidecar listens, and what its certificate is trusted by. */
  readonly tls: {
    readonly host: string;
    readonly port: number;
    readonly servername: string;
    readonly ca: string;
  };
  readonly token: string;
}

/** RFC 9110 section 7.6.1: these belong to one connection only. */
const OF_A_CONNECTION = ['connection', 'keep-alive', 'transfer-encoding'];

/** Listens without TLS: the package trusts no private authority. Host and Origin go on as they came. */
export class Injector {
  #target: Target | undefined;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((req, res) => this.#forward(req, res));
  }

  static async start(): Promise<Injector> {
    const injector = new Injector();
    injector.#server.listen(0, '127.0.0.1');
    await once(injector.#server, 'listening');
    return injector;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  forwardTo(target: Target): void {
    this.#target = target;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #forward(req: IncomingMessage, res: ServerResponse): void {
    if (this.#target === undefined) throw new Error('there is no sidecar to forward to yet');
    const { tls, token } = this.#target;
    const headers = [...ofMessage(req.rawHeaders), 'Authorization', `Bearer ${token}`];
    const outgoing = request({ ...tls, agent: false, method: req.method, path: req.url, headers });
    outgoing.on('response', (answer) => {
      res.writeHead(answer.statusCode ?? 502, ofMessage(answer.rawHeaders));
      res.flushHeaders(); // the head of a stream comes before its first event
      answer.pipe(res);
      answer.once('error', () => res.destroy()); // cut short: the client must see that, too
    });
    outgoing.once('error', () => res.destroy());
    res.once('close', () => outgoing.destroy());
    req.pipe(outgoing);
  }
}

/** @param rawHeaders names and values in turn, as they were on the wire */
function ofMessage(rawHeaders: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const [name = '', value = ''] = rawHeaders.slice(i, i + 2);
    if (!OF_A_CONNECTION.includes(name.toLowerCase())) kept.push(name, value);
  }
  return kept;
}
