// Which refusals get a line of their own: all of those that took a good token, and of the rest a bounded number.
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import { TokenBucket } from '../../base/token-bucket.ts';

/** Lines at once, and lines a second after that, for each kind of refusal. */
const BURST = 50;
const PER_SECOND = 5;

/** What stands in the line. Never anything that the client chose, but for the method. */
export interface DenialEntry {
  readonly kind: string;
  readonly status: number;
  readonly [field: string]: unknown;
}

interface Allowance {
  readonly bucket: TokenBucket;
  suppressed: number;
}

/**
 * Whoever can connect can be refused as often as they like, and each line costs disk and attention: what is beyond the
 * allowance is counted, and the next line of the kind says how many there were. The metrics count every one. At level
 * debug nothing is held back.
 */
export class DenialLog {
  readonly #logger: Logger;
  readonly #clock: Clock;
  /** By kind: a closed set. */
  readonly #allowances = new Map<string, Allowance>();

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  /** @param audited somebody with a good token was refused: always logged */
  write(entry: DenialEntry, audited: boolean): void {
    const suppressed = audited || this.#logger.isLevelEnabled('debug') ? 0 : this.#take(entry.kind);
    if (suppressed === undefined) return;
    this.#logger[entry.status >= 500 ? 'warn' : 'info'](
      { decision: 'deny', ...entry, ...(suppressed > 0 && { suppressed }) },
      'request denied',
    );
  }

  /** @returns how many lines of this kind were held back before this one; undefined when this one is too */
  #take(kind: string): number | undefined {
    const now = this.#clock();
    let allowance = this.#allowances.get(kind);
    if (allowance === undefined) {
      allowance = { bucket: new TokenBucket(BURST, PER_SECOND / 1000, now), suppressed: 0 };
      this.#allowances.set(kind, allowance);
    }
    if (allowance.bucket.take(now) > 0) {
      allowance.suppressed++;
      return undefined;
    }
    const { suppressed } = allowance;
    allowance.suppressed = 0;
    return suppressed;
  }
}
