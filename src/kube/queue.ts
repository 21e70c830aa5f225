// A work queue of keys: one run for a key at a time, adds coalesced, failures retried with backoff.
import { exponential, type BackoffLimits } from './backoff.ts';
import { retryAfterOf } from './errors.ts';
import { systemScheduler, type Scheduler } from './scheduler.ts';

const BACKOFF: BackoffLimits = { baseMs: 5, maxMs: 60_000 };
const WORKERS = 4;

/** What a successful run asks for. */
export interface RunResult {
  /** Run again after this time (milliseconds), whatever happens. Not a failure. */
  readonly requeueAfterMs?: number;
}

export interface QueueRun {
  readonly key: string;
  /** Milliseconds between the add, or the end of its wait, and the start. */
  readonly waitedMs: number;
  readonly ranMs: number;
  readonly error?: unknown;
  /** How long until the next try, after an error. */
  readonly retryMs?: number;
}

export interface QueueOptions {
  /** The work for one key. What it throws is a failure of this key, and retried. */
  readonly run: (key: string, signal: AbortSignal) => Promise<RunResult | void>;
  readonly workers?: number;
  readonly scheduler?: Scheduler;
  /** Called after each run, for metrics and logs. */
  readonly onRun?: (run: QueueRun) => void;
}

interface Timer {
  readonly at: number;
  readonly cancel: () => void;
}

export class WorkQueue {
  readonly #options: QueueOptions;
  readonly #scheduler: Scheduler;
  readonly #workers: number;
  readonly #abort = new AbortController();
  /** Waiting keys in their order, with the time of the add. */
  readonly #waiting = new Map<string, number>();
  /** Running keys, and whether they were added meanwhile and must run once more. */
  readonly #running = new Map<string, boolean>();
  readonly #timers = new Map<string, Timer>();
  readonly #failures = new Map<string, number>();
  #state: 'new' | 'started' | 'draining' = 'new';
  #onIdle: (() => void) | undefined;
  #drained: Promise<boolean> | undefined;

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#scheduler = options.scheduler ?? systemScheduler;
    this.#workers = options.workers ?? WORKERS;
  }

  /** Keys that wait for a worker; those that wait for a time do not count. */
  get depth(): number {
    return this.#waiting.size;
  }

  /** Failures in a row of a key. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** Keys added before the start wait for it: those of a process that does not lead yet. */
  start(): void {
    if (this.#state !== 'new') return;
    this.#state = 'started';
    this.#next();
  }

  /** A run of this key will begin after this moment. A key that waits already is not added twice. */
  add(key: string): void {
    if (this.#state === 'draining') return;
    if (this.#running.has(key)) this.#running.set(key, true);
    else if (!this.#waiting.has(key)) this.#enqueue(key);
  }

  /** The same, after a time. The earliest of several wins; a run that begins before cancels it. */
  addAfter(key: string, ms: number): void {
    if (this.#state === 'draining') return;
    const at = this.#scheduler.now() + ms;
    const timer = this.#timers.get(key);
    if (timer !== undefined && timer.at <= at) return;
    timer?.cancel();
    const cancel = this.#scheduler.after(ms, () => {
      this.#timers.delete(key);
      this.add(key);
    });
    this.#timers.set(key, { at, cancel });
  }

  /**
   * Starts nothing more, and waits for what runs; after the deadline, aborts it.
   * @returns whether everything ended in time
   */
  drain(deadlineMs: number): Promise<boolean> {
    this.#drained ??= this.#drain(deadlineMs);
    return this.#drained;
  }

  #drain(deadlineMs: number): Promise<boolean> {
    this.#state = 'draining';
    this.#waiting.clear();
    for (const { cancel } of this.#timers.values()) cancel();
    this.#timers.clear();
    if (this.#running.size === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const cancel = this.#scheduler.after(deadlineMs, () => {
        this.#abort.abort();
        resolve(false);
      });
      this.#onIdle = () => {
        cancel();
        resolve(true);
      };
    });
  }

  #enqueue(key: string): void {
    this.#waiting.set(key, this.#scheduler.now());
    this.#next();
  }

  #next(): void {
    if (this.#state !== 'started') return;
    for (const [key, added] of this.#waiting) {
      if (this.#running.size >= this.#workers) return;
      this.#begin(key, added);
    }
  }

  #begin(key: string, added: number): void {
    this.#waiting.delete(key);
    this.#running.set(key, false);
    // This run sees what the timer was waiting for, and its outcome says when to come back.
    this.#timers.get(key)?.cancel();
    this.#timers.delete(key);
    void this.#execute(key, added);
  }

  async #execute(key: string, added: number): Promise<void> {
    const started = this.#scheduler.now();
    const result = await this.#attempt(key);
    const ended = this.#scheduler.now();
    this.#end(key);
    this.#options.onRun?.({ key, waitedMs: started - added, ranMs: ended - started, ...result });
  }

  async #attempt(key: string): Promise<Pick<QueueRun, 'error' | 'retryMs'>> {
    try {
      const outcome = await this.#options.run(key, this.#abort.signal);
      this.#failures.delete(key);
      if (outcome?.requeueAfterMs !== undefined) this.addAfter(key, outcome.requeueAfterMs);
      return {};
    } catch (error) {
      return { error, retryMs: this.#retryAfter(key, error) };
    }
  }

  #retryAfter(key: string, error: unknown): number {
    const failures = this.failures(key) + 1;
    this.#failures.set(key, failures);
    const ms = Math.min(BACKOFF.maxMs, Math.max(exponential(BACKOFF, failures), retryAfterOf(error) ?? 0));
    this.addAfter(key, ms);
    return ms;
  }

  #end(key: string): void {
    const dirty = this.#running.get(key) === true;
    this.#running.delete(key);
    if (dirty) this.add(key);
    if (this.#running.size === 0) this.#onIdle?.();
    this.#next();
  }
}
