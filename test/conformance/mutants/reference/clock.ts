// The reference server's time: real, and moved forward by the cases. Timers and deadlines go with it.

export class ReferenceClock {
  #offset = 0;
  readonly #watchers = new Set<() => void>();

  /** Milliseconds since the epoch. */
  now(): number {
    return Date.now() + this.#offset;
  }

  advance(milliseconds: number): void {
    this.#offset += milliseconds;
    for (const watcher of this.#watchers) watcher();
  }

  /** Called whenever the clock has moved. */
  onAdvance(watcher: () => void): void {
    this.#watchers.add(watcher);
  }
}
