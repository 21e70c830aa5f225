// Preloaded into a Node process to move its clock from outside: time-outs of hours are judged in a moment. Messages
// over the process channel say by how much. Knows nothing of the program it is loaded into.

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

// The promisified form and the overloads of the real one are not used by programs that are judged here.
globalThis.setTimeout = movableSetTimeout as unknown as typeof globalThis.setTimeout;
globalThis.clearTimeout = movableClearTimeout;

process.on('message', ({ advance }: { advance: number }) => {
  offset += advance;
  for (const [handle, { dueAt, fire }] of [...timers].sort(([, a], [, b]) => a.dueAt - b.dueAt)) {
    if (dueAt > Date.now() || !timers.has(handle)) continue;
    movableClearTimeout(handle);
    fire();
  }
  process.send?.({ advanced: offset });
});
process.channel?.unref();
