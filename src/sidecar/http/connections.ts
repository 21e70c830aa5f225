// Connections that have not made a request yet: Node does not count them among the idle ones. Decides nothing about requests.
import type { Server } from 'node:https';
import type { Socket } from 'node:net';

/** Follows the connections of one TLS server from the TCP handshake to their first request. */
export class UnusedConnections {
  /** TCP connections still in the TLS handshake, by peer: Node gives no link from a `net.Socket` to its `TLSSocket`. */
  readonly #handshakes = new Map<string, Socket>();
  /** TLS connections without a request. */
  readonly #established = new Set<Socket>();

  constructor(server: Server) {
    server.on('connection', (socket: Socket) => this.#onConnection(socket));
    server.on('secureConnection', (socket) => this.#onSecureConnection(socket));
    server.on('request', ({ socket }) => this.#established.delete(socket));
    // Requests with `Expect` come by events of their own.
    server.on('checkContinue', ({ socket }) => this.#established.delete(socket));
    server.on('checkExpectation', ({ socket }) => this.#established.delete(socket));
  }

  get size(): number {
    return this.#handshakes.size + this.#established.size;
  }

  /** Closes them: nothing was asked on them that could be lost. */
  destroy(): void {
    for (const socket of [...this.#established, ...this.#handshakes.values()]) socket.destroy();
  }

  #onConnection(socket: Socket): void {
    const peer = peerOf(socket);
    this.#handshakes.set(peer, socket);
    socket.once('close', () => {
      // The address and port may be another connection's by now.
      if (this.#handshakes.get(peer) === socket) this.#handshakes.delete(peer);
    });
  }

  #onSecureConnection(socket: Socket): void {
    this.#handshakes.delete(peerOf(socket));
    this.#established.add(socket);
    socket.once('close', () => this.#established.delete(socket));
  }
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
