// Keeps back what a client pipelines: while a request in front is not authenticated, and while the server has much to do.
// Looks at none of the requests.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

type Step = () => void;

interface Waiting {
  /** Its connection is its own when its turn comes to be answered. */
  readonly res: ServerResponse;
  readonly step: Step;
}

/** One connection with requests that wait. */
interface Queue {
  /** Of the request that waits for its authentication, if one does. */
  onClose: Step | undefined;
  readonly waiting: Waiting[];
  readonly end: Step;
}

/**
 * Of one connection a single request at a time is authenticated, and no more is read from it meanwhile: an attacker could
 * have thousands of requests wait, one after another in a few packets, before any credentials have been verified
 * (docs/adr/0027). Requests behind one then go on one by one, each in its own turn of the event loop; where they may not
 * run ahead, each when its answer is the next of its connection.
 */
export class RequestQueue {
  readonly #queues = new Map<Socket, Queue>();
  readonly #mayRunAhead: () => boolean;

  /** @param mayRunAhead whether a request may begin before those in front of it on its connection are answered */
  constructor(mayRunAhead: () => boolean) {
    this.#mayRunAhead = mayRunAhead;
  }

  /** Runs the first step of a request: at once, or when its turn comes; never if the connection is closed before. */
  run(socket: Socket, res: ServerResponse, step: Step): void {
    // The usual case costs no look-up.
    const queue = this.#queues.size === 0 ? undefined : this.#queues.get(socket);
    if (queue === undefined && this.#mayBegin(res)) return step();
    const own = queue ?? this.#add(socket);
    own.waiting.push({ res, step });
    // What Node has read is served, and it reads no more. It resumes by itself when it needs the body of a request.
    socket.pause();
    if (queue === undefined) this.#continue(socket, own);
  }

  #mayBegin(res: ServerResponse): boolean {
    return res.socket !== null || this.#mayRunAhead();
  }

  /**
   * The request that is being run waits: those behind it do, too, until `release`.
   * @param onClose called if the connection is closed meanwhile; `release` has no effect then
   */
  hold(socket: Socket, onClose: Step): void {
    const queue = this.#queues.get(socket) ?? this.#add(socket);
    queue.onClose = onClose;
  }

  /** The request that waited goes on. */
  release(socket: Socket): void {
    const queue = this.#queues.get(socket);
    if (queue === undefined) return;
    queue.onClose = undefined;
    this.#continue(socket, queue);
  }

  #add(socket: Socket): Queue {
    const queue: Queue = { onClose: undefined, waiting: [], end: () => this.#end(socket, queue) };
    socket.once('close', queue.end);
    this.#queues.set(socket, queue);
    return queue;
  }

  #end(socket: Socket, { onClose }: Queue): void {
    this.#queues.delete(socket);
    onClose?.();
  }

  #continue(socket: Socket, queue: Queue): void {
    if (queue.onClose !== undefined || this.#queues.get(socket) !== queue) return;
    const [first] = queue.waiting;
    if (first === undefined) return this.#delete(socket, queue);
    if (this.#mayBegin(first.res)) setImmediate(() => this.#next(socket, queue));
    else first.res.once('socket', () => this.#next(socket, queue));
  }

  #next(socket: Socket, queue: Queue): void {
    if (this.#queues.get(socket) !== queue) return; // it was closed
    queue.waiting.shift()?.step();
    this.#continue(socket, queue);
  }

  #delete(socket: Socket, queue: Queue): void {
    socket.off('close', queue.end);
    this.#queues.delete(socket);
    if (socket.isPaused()) socket.resume();
  }
}
