// Ends a response whose request body is still on its way: the rest is read and thrown away, for a while. Answers nothing.
import type { IncomingMessage, ServerResponse } from 'node:http';

/** A body that still comes after this is cut off with its connection (milliseconds). */
const MAX_DISCARD_MS = 2_000;

/** The answer is over and the request is not: the rest is thrown away for a while, then the connection is cut. */
export function discardRest(req: IncomingMessage, res: ServerResponse): void {
  const { socket } = req;
  let timer: NodeJS.Timeout | undefined;
  const done = () => clearTimeout(timer);
  req.once('end', done);
  req.once('close', done);
  req.resume();
  atItsTurn(res, () => {
    if (!req.complete) timer = setTimeout(() => socket.destroy(), MAX_DISCARD_MS);
  });
}

/**
 * Lets a client that is still sending read its answer: closing at once would reset the connection, and the answer, which
 * says that a token is missing, would be lost (RFC 9112 section 9.6). The response must say how long it is.
 */
export function endBeforeBody(
  req: IncomingMessage,
  res: ServerResponse,
  body: string | Buffer | undefined,
): void {
  if (req.complete) return void res.end(body);
  if (body === undefined) res.flushHeaders();
  else res.write(body);
  let timer: NodeJS.Timeout | undefined;
  req.once('end', () => res.end());
  res.once('close', () => clearTimeout(timer));
  req.resume();
  atItsTurn(res, () => {
    timer = setTimeout(() => res.destroy(), MAX_DISCARD_MS);
  });
}

/** When those in front of it on its connection are over: they must not be cut with it. */
function atItsTurn(res: ServerResponse, run: () => void): void {
  if (res.socket === null) res.once('socket', run);
  else run();
}
