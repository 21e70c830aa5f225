// A work queue of keys: one run for a key at a time, adds coalesced, failures retried with backoff. Namespaces take turns, so
// that one with many keys or slow runs does not keep others waiting.
import { exponential, type BackoffLimits } from './backoff.ts';
import { retryAfterOf } from './errors.ts';
import { splitKey } from './object.ts';
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
  /** Waiting keys by namespace, with the time of the add. Both are in the order of their turns. */
  readonly #waiting = new Map<string, Map<string, number>>();
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
    return [...this.#waiting.values()].reduce((depth, { size }) => depth + size, 0);
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
    else if (!this.#waiting.get(namespaceOf(key))?.has(key)) this.#enqueue(key);
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
    const namespace = namespaceOf(key);
    const turns = this.#waiting.get(namespace) ?? new Map<string, number>();
    this.#waiting.set(namespace, turns.set(key, this.#scheduler.now()));
    this.#next();
  }

  #next(): void {
    if (this.#state !== 'started') return;
    while (this.#running.size < this.#workers) {
      const turn = this.#nextNamespace();
      if (turn === undefined) return;
      this.#take(turn);
    }
  }

  /** Of the namespaces that wait, the one with the fewest runs; of several, the one whose turn it is. */
  #nextNamespace(): string | undefined {
    const [least] = [...this.#waiting.keys()]
      .map((namespace) => ({ namespace, running: this.#runningOf(namespace) }))
      .toSorted((a, b) => a.running - b.running);
    return least !== undefined && least.running < this.#share ? least.namespace : undefined;
  }

  /** Workers that one namespace may have at once: all but a quarter of them. */
  get #share(): number {
    return this.#workers - Math.floor(this.#workers / 4);
  }

  #runningOf(namespace: string): number {
    return [...this.#running.keys()].filter((key) => namespaceOf(key) === namespace).length;
  }

  /** Begins with the namespace's oldest key; its next turn comes after the other namespaces'. */
  #take(namespace: string): void {
    const turns = this.#waiting.get(namespace) ?? new Map<string, number>();
    this.#waiting.delete(namespace);
    const [first] = turns;
    if (first === undefined) return;
    turns.delete(first[0]);
    if (turns.size > 0) this.#waiting.set(namespace, turns);
    this.#begin(...first);
  }

  #begin(key: string, added: number): void {
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

function namespaceOf(key: string): string {
  return splitKey(key).namespace ?? '';
}
