// Ties a response that waits for its turn to its connection: Node leaves out some ends of either. Answers nothing itself.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** By connection: responses that were behind another one when their requests came, until they are closed. */
const pipelined = new WeakMap<Socket, Set<ServerResponse>>();

/**
 * To be called for a response behind others, before anything else happens to it. Without this
 * - Node tells only the response whose turn it is that the connection is gone: the others would be under way for ever;
 * - a response that was destroyed before its turn would get the connection all the same, and keep it.
 */
export function tieToConnection(res: ServerResponse, socket: Socket): void {
  const responses = pipelined.get(socket) ?? follow(socket);
  responses.add(res);
  res.once('close', () => responses.delete(res));
  res.once('socket', () => {
    if (res.destroyed) socket.destroy();
  });
}

function follow(socket: Socket): Set<ServerResponse> {
  const responses = new Set<ServerResponse>();
  pipelined.set(socket, responses);
  socket.once('close', () => {
    for (const res of responses) res.destroy();
  });
  return responses;
}
