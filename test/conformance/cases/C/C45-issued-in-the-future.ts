// C45: RFC 7519 gives iat no rule; a token that says it is made tomorrow comes from a wrong clock, or a wrong hand.
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { now } from '../../bench/bench.ts';

/** Beyond any leeway for clocks (seconds). */
const HOUR = 3_600;
const SKEW = 30;

export const C45: Case = {
  id: 'C45',
  level: 'SHOULD°',
  rule: 'iat is not in the future beyond the skew; a value that is no number is refused',
  source: 'RFC 7519 section 4.1.6 (a number); RFC 9068 section 2.2',
  async run(bench) {
    await bench.accepts(bench.claims({ iat: now() - 60 }));
    const bad = {
      'in an hour': now() + HOUR,
      'in ten years': now() + 315_360_000,
      string: String(now() - 60),
      null: null,
      list: [now() - 60],
    };
    await each(bad, async (iat) => void (await bench.refuses(bench.claims({ iat, exp: now() + 2 * HOUR }))));

    await bench.beside({ clockSkewSeconds: SKEW }, async (other) => {
      await other.accepts(other.claims({ iat: now() + SKEW - 10 }));
      await each({ 'just over the skew': SKEW + 15, 'twice the skew': 2 * SKEW }, async (seconds) => {
        await other.refuses(other.claims({ iat: now() + seconds }));
      });
    });
  },
};
