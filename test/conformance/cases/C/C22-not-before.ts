// C22: a token of the future was made by a wrong clock, or by an attacker.
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { now } from '../../bench/bench.ts';

/** Beyond any leeway for clocks (seconds). */
const HOUR = 3_600;
const SKEW = 30;

export const C22: Case = {
  id: 'C22',
  level: 'MUST',
  rule: 'nbf is honoured within the skew; a value that is no number is refused',
  source: 'RFC 7519 section 4.1.5',
  async run(bench) {
    await bench.accepts(bench.claims({ nbf: undefined }));
    const good = { 'an hour ago': now() - HOUR, 'a minute ago': now() - 60, 'with a fraction': now() - 60.5 };
    await each(good, async (nbf) => void (await bench.accepts(bench.claims({ nbf }))));
    const bad = {
      'in an hour': now() + HOUR,
      'in ten years': now() + 315_360_000,
      string: String(now() - 60),
      null: null,
      list: [now() - 60],
      true: true,
    };
    await each(bad, async (nbf) => void (await bench.refuses(bench.claims({ nbf }))));
    // The token's end is as far away as ever: what refuses it is its beginning.
    const late = { nbf: now() + HOUR, exp: now() + 2 * HOUR };
    await each({ 'in an hour, for an hour': late }, async (claims) => {
      await bench.refuses(bench.claims(claims));
    });

    await bench.beside({ clockSkewSeconds: SKEW }, async (other) => {
      await other.accepts(other.claims({ nbf: now() + SKEW - 10 }));
      await each({ 'just over the skew': SKEW + 15, 'twice the skew': 2 * SKEW }, async (seconds) => {
        await other.refuses(other.claims({ nbf: now() + seconds }));
      });
    });
  },
};
