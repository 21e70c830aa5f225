// What a case is: one requirement of the list, and how to find out from outside whether a target keeps it.
import type { Bench } from './bench/bench.ts';
import type { World } from './bench/world.ts';
import type { Needs } from './needs.ts';

/** As the source puts it on a server; `°`: our derivation, no source says it in so many words. */
export type Level =
  'MUST' | 'MUST°' | 'MUST NOT' | 'MUST NOT°' | 'SHOULD' | 'SHOULD°' | 'SHOULD NOT' | 'SHOULD NOT°' | 'MAY';

interface Item {
  /** Number in the list of requirements: section and number. */
  readonly id: string;
  readonly level: Level;
  /** The requirement in one sentence. */
  readonly rule: string;
  /** Who demands it, with the section. */
  readonly source: string;
}

/** A requirement that can be seen from outside. */
export interface BlackBoxCase extends Item {
  readonly needs?: Needs;
  /** Leaves the target in another state: gets one of its own. */
  readonly own?: boolean;
  /** Changes the surroundings before the target starts; makes it a case with a target of its own. */
  readonly prepare?: (world: World) => void | Promise<void>;
  /** Runs after all others, and sees what they left behind in the logs. */
  readonly last?: boolean;
  /** It runs a program besides Node: `npm test` leaves it out, CI runs it by itself. */
  readonly program?: 'Python';
  /** Milliseconds; two minutes unless said otherwise. */
  readonly timeoutMs?: number;
  /** Throws an AssertionError if the target breaks the rule; anything else thrown is a defect of the case. */
  readonly run: (bench: Bench) => Promise<void>;
}

/** A requirement that cannot be seen from outside: the project's own test that proves it. */
export interface UnitCase extends Item {
  /** Path from the repository's root. */
  readonly provenBy: string;
}

/** A requirement whose feature is not there to be set up yet. */
export interface PendingCase extends Item {
  readonly pending: string;
}

export type Case = BlackBoxCase | UnitCase | PendingCase;

/** Thrown where a target has no such thing as the case looks at, a clock that can be moved for instance. */
export class NotApplicable extends Error {
  readonly code = 'ERR_NOT_APPLICABLE';
}
