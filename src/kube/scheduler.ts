// Timers and a monotonic clock as one parameter, so that no test sleeps. Never the time of day.
import { performance } from 'node:perf_hooks';

export interface Scheduler {
  /** Milliseconds of a clock that is never set back. */
  now(): number;
  /** Calls `run` once after `ms`. @returns what cancels it */
  after(ms: number, run: () => void): () => void;
}

export const systemScheduler: Scheduler = {
  now: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/** A number in [0, 1), as `Math.random` gives it. */
export type Random = () => number;

/** Resolves after `ms`, or at once when `signal` aborts: the caller looks at the signal. Never rejects. */
export function sleep(scheduler: Scheduler, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = scheduler.after(ms, done);
    signal.addEventListener('abort', done, { once: true });
  });
}
