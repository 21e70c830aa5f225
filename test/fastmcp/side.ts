// One arrangement as its users see it: a URL that answers. Its address is taken out of what it says, so that two can be compared.
import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';

export interface SendOptions {
  readonly method?: string;
  /** Default: the MCP endpoint's. With the query, if any. */
  readonly path?: string;
  /** A list of values is that many lines. */
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const DEADLINE_MS = 20_000;

export class Side {
  readonly name: string;
  readonly #port: number;
  readonly #ca: string;

  /** @param ca PEM */
  constructor(name: string, port: number, ca: string) {
    this.name = name;
    this.#port = port;
    this.#ca = ca;
  }

  get url(): string {
    return `https://localhost:${this.#port}/mcp`;
  }

  /** Sends one request and reads the answer; the side's own port is written as 8001 in it. */
  send({ method = 'POST', path = '/mcp', headers = {}, body }: SendOptions = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const address = {
        host: 'localhost',
        servername: 'localhost',
        port: this.#port,
        ca: this.#ca,
        agent: false,
      };
      const outgoing = request({ ...address, method, path, headers: headers as Record<string, string> });
      outgoing.on('error', reject);
      outgoing.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: this.#neutral(response.headers),
            body: this.neutral(text),
          }),
        );
      });
      const tooLate = () => outgoing.destroy(new Error(`${method} ${path}: no answer from ${this.name}`));
      outgoing.setTimeout(DEADLINE_MS, tooLate);
      outgoing.end(body);
    });
  }

  neutral(text: string): string {
    return text.replaceAll(`localhost:${this.#port}`, 'localhost:8001');
  }

  #neutral(headers: IncomingHttpHeaders): IncomingHttpHeaders {
    return JSON.parse(this.neutral(JSON.stringify(headers))) as IncomingHttpHeaders;
  }
}
