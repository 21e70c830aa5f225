// The configuration in force, in one place: a decision is made by what it holds at that moment. Loads and compiles nothing.
import type { Authenticator } from '../authentication/authenticate.ts';
import type { Policy } from './policy.ts';

/** As much of a configuration as decides about a call. */
export interface Authority {
  readonly authenticator: Pick<Authenticator, 'holds'>;
  readonly policy: Policy;
}

/**
 * Holds what is in force now. Who decides is given this and not a configuration: one that was looked up before a wait may
 * have been replaced since.
 */
export class InForce<T extends Authority = Authority> {
  #current: T;

  constructor(first: T) {
    this.#current = first;
  }

  /** To be read where a decision is made, not kept across a wait. */
  get current(): T {
    return this.#current;
  }

  replace(next: T): void {
    this.#current = next;
  }
}
