// Preloaded into a Node process to move its clock from outside: time-outs of hours are tested in a moment, those that
// sockets keep by themselves too. Messages over the process channel say by how much. Knows nothing of the program it is
// loaded into.
import { Socket } from 'node:net';

interface Timer {
  readonly dueAt: number;
  readonly fire: () => void;
}

/** Shorter ones are left alone: sockets and deadlines live in real time (milliseconds). */
const MOVABLE_MS = 1_000;

const realNow = Date.now;
const realSetTimeout = globalThis.setTimeout;
const realClearTimeout = globalThis.clearTimeout;
const timers = new Map<NodeJS.Timeout, Timer>();
let offset = 0;

Date.now = () => realNow() + offset;

function movableSetTimeout(callback: (...args: unknown[]) => void, delay = 0, ...args: unknown[]) {
  const handle = realSetTimeout(() => {
    timers.delete(handle);
    callback(...args);
  }, delay);
  if (delay >= MOVABLE_MS) timers.set(handle, { dueAt: Date.now() + delay, fire: () => callback(...args) });
  return handle;
}

function movableClearTimeout(handle: NodeJS.Timeout | string | number | undefined): void {
  timers.delete(handle as NodeJS.Timeout); // a key that is not there is no harm
  realClearTimeout(handle);
}

// The promisified form and the overloads of the real one are not used by programs that are tested here.
globalThis.setTimeout = movableSetTimeout as unknown as typeof globalThis.setTimeout;
globalThis.clearTimeout = movableClearTimeout;

/** Idle time-outs of sockets, which Node keeps with timers of its own (milliseconds). */
const idleTimeouts = new Map<Socket, number>();
// Called with its socket as `this`, as it was found.
// eslint-disable-next-line @typescript-eslint/unbound-method
const realSocketTimeout = Socket.prototype.setTimeout;

Socket.prototype.setTimeout = function (this: Socket, timeout: number, callback?: () => void) {
  if (timeout > 0) idleTimeouts.set(this, timeout);
  else idleTimeouts.delete(this);
  return realSocketTimeout.call(this, timeout, callback);
};

/** In the time that is skipped nothing comes or goes: a program that waits for less than that has waited in vain. */
function endIdleSockets(skipped: number): void {
  for (const [socket, timeout] of idleTimeouts) {
    if (socket.destroyed) idleTimeouts.delete(socket);
    else if (timeout <= skipped) socket.emit('timeout');
  }
}

process.on('message', ({ advance }: { advance: number }) => {
  offset += advance;
  for (const [handle, { dueAt, fire }] of [...timers].sort(([, a], [, b]) => a.dueAt - b.dueAt)) {
    if (dueAt > Date.now() || !timers.has(handle)) continue;
    movableClearTimeout(handle);
    fire();
  }
  endIdleSockets(advance);
  process.send?.({ advanced: offset });
});
process.channel?.unref();
