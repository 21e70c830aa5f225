// A scripted MCP server on loopback that records what reaches it.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RecordedRequest {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly headers: IncomingMessage['headers'];
}

export type Script = (req: IncomingMessage, res: ServerResponse) => void;

/** What the default script answers. */
export const RESULT = '{"jsonrpc":"2.0","id":1,"result":{}}';

/** Answers every request with `script`; the default is a small JSON-RPC result after the whole body was read. */
export class TestUpstream {
  readonly server: Server;
  readonly requests: RecordedRequest[] = [];
  script: Script = answerJson;

  private constructor() {
    this.server = createServer((req, res) => {
      const { method = '', url = '', rawHeaders, headers } = req;
      this.requests.push({ method, url, rawHeaders, headers });
      this.script(req, res);
    });
  }

  /** @param host an address of this machine */
  static async start(host = '127.0.0.1'): Promise<TestUpstream> {
    const upstream = new TestUpstream();
    await new Promise<void>((resolve) => upstream.server.listen(0, host, resolve));
    return upstream;
  }

  get url(): string {
    const { address, family, port } = this.server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}/mcp`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** Writes the bytes of a response as they are, then closes: for answers that no HTTP library would send. */
export function answerRaw(response: string | Buffer): Script {
  return (req) => {
    req.resume();
    req.socket.end(response, 'latin1');
  };
}

/** Begins an event stream and leaves it open. */
export const openEventStream: Script = (req, res) => {
  req.resume();
  res.writeHead(200, { 'Content-Type': 'text/event-stream' });
  res.flushHeaders();
};

export function answerJson(req: IncomingMessage, res: ServerResponse): void {
  req.resume();
  req.on('end', () => {
    res.writeHead(200, { 'Content-Type': 'application/json' });
    res.end(RESULT);
  });
}
