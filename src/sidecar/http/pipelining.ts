// Ties a response that waits for its turn to its connection: Node leaves out some ends of either. Answers nothing itself.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The pipelined responses of one listener. */
export class PipelinedResponses {
  /** Responses that were behind another one when their requests came, until they are closed. */
  readonly #byConnection = new WeakMap<Socket, Set<ServerResponse>>();

  /**
   * To be called for a response behind others, before anything else happens to it. Without this
   * - Node tells only the response whose turn it is that the connection is gone: the others would be under way for ever;
   * - a response that was destroyed before its turn would get the connection all the same, and keep it.
   */
  tie(res: ServerResponse, socket: Socket): void {
    const responses = this.#byConnection.get(socket) ?? this.#follow(socket);
    responses.add(res);
    res.once('close', () => responses.delete(res));
    res.once('socket', () => {
      if (res.destroyed) socket.destroy();
    });
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
