// What the reference server does not wait for or take without end: bodies that drip, requests of one connection that are
// under way, and what is no request behind one that is.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import type { Duplex } from 'node:stream';
import type { Wrong } from '../mutants.ts';
import { at } from './answer.ts';
import type { ReferenceContext } from './token.ts';

/** From the first byte of the body to the last (milliseconds). */
const BODY_MS = 300_000;
const UNDER_WAY = 100;

/** Ends the connection on which a body does not come to its end in time. */
export function limitBody(
  req: IncomingMessage,
  { clock, wrong }: Pick<ReferenceContext, 'clock' | 'wrong'>,
): void {
  if (req.complete || wrong('patient-with-bodies')) return;
  const stop = at(clock, clock.now() + BODY_MS, () => req.socket.destroy());
  req.once('end', stop);
  req.once('close', stop);
}

/** How many requests of each connection are with the MCP server. */
export class UnderWay {
  readonly #counts = new WeakMap<object, number>();
  readonly #wrong: Wrong;

  constructor(wrong: Wrong) {
    this.#wrong = wrong;
  }

  /** @returns false where there are too many already */
  enter({ socket }: IncomingMessage, res: ServerResponse): boolean {
    const count = this.#counts.get(socket) ?? 0;
    if (count >= UNDER_WAY && !this.#wrong('any-number-under-way')) return false;
    this.#counts.set(socket, count + 1);
    res.once('close', () => this.#counts.set(socket, (this.#counts.get(socket) ?? 1) - 1));
    return true;
  }
}

/** Refuses what is no request, after the answers to the requests before it. Node by itself does not wait for them. */
export function refuseUnreadable(server: Server, wrong: Wrong): void {
  if (wrong('refusal-overtakes')) return;
  const seen = new WeakSet<Duplex>();
  const end = (socket: Duplex & { _httpMessage?: ServerResponse | null }, status: string): void => {
    const current = socket._httpMessage;
    if (current?.req.complete) return void current.once('close', () => end(socket, status));
    if (current?.headersSent || !socket.writable) socket.destroy();
    else socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  };
  server.on('clientError', ({ code }: NodeJS.ErrnoException, socket) => {
    if (seen.has(socket)) return;
    seen.add(socket);
    const status = STATUS[code ?? ''] ?? '400 Bad Request';
    end(socket, status);
  });
}

const STATUS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};
