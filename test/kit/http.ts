// The suite's HTTP client: one TLS connection a request, any fields in any order, and answers with fields as they came.
import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { ConnectionOptions } from 'node:tls';

/** Fields by name, or name, value, name, value … where a name comes twice. */
export type Fields = Readonly<Record<string, string>> | readonly string[];

export interface CallOptions {
  readonly method?: string;
  readonly path?: string;
  /** Besides Host and, for POST, Content-Type and Accept; these can be replaced. */
  readonly headers?: Fields;
  readonly body?: string | Buffer;
  /** For a client certificate. */
  readonly tls?: ConnectionOptions;
  readonly signal?: AbortSignal;
}

/** A response, read to its end. */
export class Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: string;

  constructor(res: IncomingMessage, body: string) {
    this.status = res.statusCode ?? 0;
    this.headers = res.headers;
    this.rawHeaders = res.rawHeaders;
    this.body = body;
  }

  /** The values of all field lines of this name, one each. */
  lines(name: string): string[] {
    return this.rawHeaders.filter(
      (_, index) => index % 2 === 1 && this.rawHeaders[index - 1]?.toLowerCase() === name.toLowerCase(),
    );
  }

  /** Its status, and the beginning of what it says of itself: for a message. */
  get summary(): string {
    const body = this.body.replaceAll(/\s+/g, ' ');
    return `${this.status}${body === '' ? '' : ` ${body.length > 90 ? `${body.slice(0, 90)}…` : body}`}`;
  }

  /** All of it as text: to look for what must not be there. */
  get text(): string {
    return `${this.status}\n${this.rawHeaders.join('\n')}\n${this.body}`;
  }
}

/** The response as soon as its head is there. Its errors, a cut connection, show in reading it. */
export async function open(
  tls: ConnectionOptions,
  host: string,
  options: CallOptions,
): Promise<IncomingMessage> {
  const { method = 'POST', path = '/', headers = {}, body, signal } = options;
  const pairs = Array.isArray(headers)
    ? (headers as string[])
    : Object.entries(headers as Record<string, string>).flat();
  const named = new Set(pairs.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase()));
  const defaults: Record<string, string> = { Host: host };
  if (method === 'POST') {
    defaults['Content-Type'] = 'application/json';
    defaults['Accept'] = 'application/json, text/event-stream';
  }
  if (body !== undefined) defaults['Content-Length'] = String(Buffer.byteLength(body));
  const added = Object.entries(defaults).filter(
    ([name]) =>
      !named.has(name.toLowerCase()) && !(name === 'Content-Length' && named.has('transfer-encoding')),
  );
  const req = request({
    ...tls,
    ...options.tls,
    method,
    path,
    agent: false,
    headers: [...added.flat(), ...pairs],
    ...(signal && { signal }),
  });
  req.end(body);
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  req.on('error', () => undefined);
  return res;
}

/** Reads a response to its end. @throws when it is cut short */
export async function readAll(res: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of res) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
