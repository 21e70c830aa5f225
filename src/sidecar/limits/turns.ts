// Shares the event loop among owners: long work is done in steps, one for each turn of the loop, in turns by owner.

/** Work that takes many steps. */
export interface SteppedWork {
  /** Does a little, a millisecond at most. @returns whether there is more to do */
  step(): boolean;
}

/**
 * Owners take turns, whatever they ask for: one with a hundred large bodies does not keep back one with a single body. Work
 * of one owner is done in the order in which it came, so that of each owner only one is half done.
 */
export class Turns {
  /** Owners with work, in the order of their turns; each has some. */
  readonly #queues = new Map<string, SteppedWork[]>();
  readonly #schedule: (run: () => void) => void;
  #isScheduled = false;

  /** @param schedule runs a function in the next turn of the event loop */
  constructor(schedule: (run: () => void) => void = setImmediate) {
    this.#schedule = schedule;
  }

  add(owner: string, work: SteppedWork): void {
    const queue = this.#queues.get(owner);
    if (queue === undefined) this.#queues.set(owner, [work]);
    else queue.push(work);
    this.#next();
  }

  #next(): void {
    if (this.#isScheduled || this.#queues.size === 0) return;
    this.#isScheduled = true;
    this.#schedule(() => {
      this.#isScheduled = false;
      this.#turn();
      this.#next();
    });
  }

  /** One step for the owner whose turn it is, who is the last from then on. */
  #turn(): void {
    const [entry] = this.#queues;
    if (entry === undefined) return;
    const [owner, queue] = entry;
    if (queue[0]?.step() !== true) queue.shift();
    this.#queues.delete(owner);
    if (queue.length > 0) this.#queues.set(owner, queue);
  }
}
