// C32: taking a key out of the set is how an issuer says that it was stolen.
import assert from 'node:assert/strict';
import { signingKey } from '../../../kit/issuer.ts';
import { waitFor } from '../../../kit/wait.ts';
import type { Case } from '../../case.ts';
import { now } from '../../bench/bench.ts';

/** The longest time for which a withdrawn key may go on working: an hour, as metadata may be kept. */
const REFRESH_MS = 61 * 60_000;

export const C32: Case = {
  id: 'C32',
  level: 'MUST°',
  rule: 'A withdrawn key stops working within the refresh interval, for tokens seen before too',
  source: 'RFC 8725 section 3.8; OpenID Connect Core section 10.1.1',
  own: true,
  async run(bench) {
    const token = bench.claims({ exp: now() + 86_400 });
    await bench.accepts(token);
    const successor = await signingKey('k3');
    bench.issuer.keys = [...bench.issuer.keys.filter(({ kid }) => kid !== 'k1'), successor];
    const other = bench.token({ key: successor, claims: { exp: now() + 86_400 } });
    await bench.advance(REFRESH_MS);
    const isRefused = async () => (await bench.callWith(token)).status === 401;
    await waitFor(isRefused, 'the withdrawn key to be refused', 5_000).catch((error: Error) =>
      assert.fail(error.message),
    );
    await bench.refuses(token);
    await bench.accepts(other);
  },
};
