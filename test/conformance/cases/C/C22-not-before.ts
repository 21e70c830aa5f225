// C22: a token of the future is one that somebody's clock, or somebody, has made too early.
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { now } from '../../bench/bench.ts';

const SKEW = 30;

export const C22: Case = {
  id: 'C22',
  level: 'MUST',
  rule: 'nbf is honoured, iat not in the future, both within the skew; values that are no number are refused',
  source: 'RFC 7519 sections 4.1.5 and 4.1.6',
  needs: { clockSkewSeconds: SKEW },
  async run(bench) {
    await each({ nbf: 'nbf', iat: 'iat' }, async (name) => {
      await bench.accepts(bench.claims({ [name]: now() + SKEW - 5 }));
      await bench.accepts(bench.claims({ [name]: now() - 60 }));
      await bench.refuses(bench.claims({ [name]: now() + SKEW + 15 }));
      await bench.refuses(bench.claims({ [name]: String(now()) }));
      await bench.refuses(bench.claims({ [name]: null }));
    });
  },
};
