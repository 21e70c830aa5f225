// Ties a response that waits for its turn to its connection: Node leaves out some ends of either. Answers nothing itself.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Responses of one connection that are behind others, answered or not (number). A client that sends more is cut off. */
const MAX_OF_CONNECTION = 512;
/** The same of all connections together: some 10 KB each, whatever becomes of the request. */
const MAX_TOTAL = 2_048;

/** The pipelined responses of one listener, in bounded number. */
export class PipelinedResponses {
  #total = 0;
  /** Responses that were behind another one when their requests came, until they are closed. */
  readonly #byConnection = new WeakMap<Socket, Set<ServerResponse>>();

  /**
   * To be called for a response behind others, before anything else happens to it. Without this
   * - Node tells only the response whose turn it is that the connection is gone: the others would be under way for ever;
   * - a response that was destroyed before its turn would get the connection all the same, and keep it.
   *
   * A connection with more of them than there is room for others is cut off: a refusal would have to wait for its turn, and
   * take as much memory (docs/adr/0027).
   * @returns whether there was room; if not, the connection is closed
   */
  tie(res: ServerResponse, socket: Socket): boolean {
    const responses = this.#byConnection.get(socket) ?? this.#follow(socket);
    if (responses.size >= Math.min(MAX_OF_CONNECTION, MAX_TOTAL - this.#total)) {
      cutOff(socket);
      return false;
    }
    responses.add(res);
    this.#total++;
    res.once('close', () => {
      if (responses.delete(res)) this.#total--;
    });
    res.once('socket', () => {
      if (res.destroyed) socket.destroy();
    });
    return true;
  }

  #follow(socket: Socket): Set<ServerResponse> {
    const responses = new Set<ServerResponse>();
    this.#byConnection.set(socket, responses);
    socket.once('close', () => {
      for (const res of responses) res.destroy();
    });
    return responses;
  }
}

/** Node would go on with what it has read of a closed connection: thousands of requests, each kept until it is gone. */
function cutOff(socket: Socket & { readonly parser?: { pause?(): void } | null }): void {
  // Node keeps its parser in this member, and only there; the types are silent about it.
  socket.parser?.pause?.();
  socket.destroy();
}
