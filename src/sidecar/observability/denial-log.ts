// Logs denials: all of authenticated clients, and of the others a bounded number.
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import { TokenBucket } from '../../base/token-bucket.ts';

/** Lines at once, and lines a second after that, for each kind of denial. */
const BURST = 50;
const PER_SECOND = 5;

/** The fields of the line. Nothing that the client chose, but for the method. */
interface DenialEntry {
  readonly kind: string;
  readonly status: number;
  readonly [field: string]: unknown;
}

interface Allowance {
  readonly bucket: TokenBucket;
  suppressed: number;
}

/**
 * An attacker without a token can cause any number of denials, and each line costs disk and attention. Beyond the
 * allowance they are counted, and the next line of the kind says how many were suppressed. The metrics count all of them.
 * At level debug nothing is suppressed.
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

  /** Denials of clients whose token was valid: an audit log needs every one. */
  writeAlways(entry: DenialEntry): void {
    this.#log(entry, 0);
  }

  /** Denials that cost an attacker nothing. */
  writeLimited(entry: DenialEntry): void {
    const suppressed = this.#logger.isLevelEnabled('debug') ? 0 : this.#take(entry.kind);
    if (suppressed !== undefined) this.#log(entry, suppressed);
  }

  #log(entry: DenialEntry, suppressed: number): void {
    this.#logger[entry.status >= 500 ? 'warn' : 'info'](
      { decision: 'deny', ...entry, ...(suppressed > 0 && { suppressed }) },
      'request denied',
    );
  }

  /** @returns how many lines of this kind were suppressed before this one; undefined when this one is too */
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
