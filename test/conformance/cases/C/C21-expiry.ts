// C21: a token that does not end, or has ended, is worth nothing.
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { now } from '../../bench/bench.ts';

/** Beyond any leeway for clocks (seconds). */
const HOUR = 3_600;
const SKEW = 30;

export const C21: Case = {
  id: 'C21',
  level: 'MUST',
  rule: 'exp is required and a finite number; the token is good before exp plus skew, and not after',
  source: 'RFC 9068 sections 2.2 and 4; RFC 7519 section 4.1.4',
  async run(bench) {
    await bench.accepts(bench.claims({ exp: now() + HOUR }));
    await bench.accepts(bench.claims({ exp: now() + 60.5 }));
    const values = {
      missing: undefined,
      null: null,
      string: String(now() + HOUR),
      0: 0,
      '-1': -1,
      list: [now() + HOUR],
      true: true,
      'an hour ago': now() - HOUR,
      'a day ago': now() - 86_400,
    };
    await each(values, async (exp) => void (await bench.refuses(bench.claims({ exp }))));
    const claimsText = (json: string) => json.replace(/"exp":\d+/, '"exp":1e400');
    await each({ '1e400': bench.token({ claimsText }) }, async (token) => void (await bench.refuses(token)));

    await bench.beside({ clockSkewSeconds: SKEW }, async (other) => {
      await other.accepts(other.claims({ exp: now() - (SKEW - 10) })); // some seconds for a busy machine
      await each({ 'just over the skew': SKEW + 1, 'twice the skew': 2 * SKEW }, async (seconds) => {
        await other.refuses(other.claims({ exp: now() - seconds }));
      });
    });
  },
};
