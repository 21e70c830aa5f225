// How many questions the authorization server is asked, and on whose behalf: strangers use up their own share alone.
import type { Clock } from '../../base/clock.ts';
import { TokenBucket } from '../../base/token-bucket.ts';
import { Offenders } from '../limits/offenders.ts';
import type { Source } from '../limits/source.ts';

/**
 * What is known of who asks, the best first:
 * - `renewal`: the token was active when it was last asked about;
 * - `proven`: an active token came on the connection;
 * - `network`: no bad token came from the network lately;
 * - `connection`: none came on the connection, but some from the network, which many may share;
 * - `other`: the connection brought a bad token a moment ago.
 */
const STANDINGS = ['renewal', 'proven', 'network', 'connection', 'other'] as const;
export type Standing = (typeof STANDINGS)[number];

/**
 * Questions that are under way or came to no active token: so many at once, and so many a second after that. Tokens that were
 * never active cause 256 and 10 a second in all.
 */
const ALLOWANCES: Readonly<Record<Standing, { readonly burst: number; readonly perSecond: number }>> = {
  renewal: { burst: 1_024, perSecond: 100 },
  proven: { burst: 64, perSecond: 2.5 },
  network: { burst: 64, perSecond: 2.5 },
  connection: { burst: 64, perSecond: 2.5 },
  other: { burst: 64, perSecond: 2.5 },
};

/** A question that may be asked. */
export interface Allowed {
  /** It came to an active token: it does not count after all. */
  give(): void;
}

/** Each standing has an allowance that those below cannot touch, and may use theirs when its own is spent. */
export class IntrospectionAllowance {
  readonly #clock: Clock;
  readonly #offenders: Offenders;
  readonly #proven = new WeakSet();
  readonly #buckets: Readonly<Record<Standing, TokenBucket>>;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#offenders = new Offenders(clock);
    const bucket = (standing: Standing) => {
      const { burst, perSecond } = ALLOWANCES[standing];
      return new TokenBucket(burst, perSecond / 1000, clock());
    };
    this.#buckets = {
      renewal: bucket('renewal'),
      proven: bucket('proven'),
      network: bucket('network'),
      connection: bucket('connection'),
      other: bucket('other'),
    };
  }

  standingOf(source: Source): Standing {
    if (this.#offenders.hasConnection(source)) return 'other';
    if (this.#proven.has(source.connection)) return 'proven';
    return this.#offenders.hasNetwork(source) ? 'connection' : 'network';
  }

  /** @returns `undefined` when nothing is left, of its own or below */
  take(standing: Standing): Allowed | undefined {
    const now = this.#clock();
    for (const each of STANDINGS.slice(STANDINGS.indexOf(standing)))
      if (this.#buckets[each].take(now) === 0) return this.#buckets[each];
    return undefined;
  }

  /** The source has sent a token that is none. */
  blame(source: Source): void {
    this.#offenders.add(source);
  }

  /** The source has sent an active token. */
  trust({ connection }: Source): void {
    this.#proven.add(connection);
  }
}
