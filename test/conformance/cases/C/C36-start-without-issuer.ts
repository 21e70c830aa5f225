// C36: which of the two comes up first must not matter.
import assert from 'node:assert/strict';
import { waitFor } from '../../../kit/wait.ts';
import type { Case } from '../../case.ts';

const RETRY_MS = 15_000;
/** Longer than any reasonable pause between two attempts (milliseconds). */
const PAST_COOLDOWN_MS = 61_000;

export const C36: Case = {
  id: 'C36',
  level: 'SHOULD°',
  rule: 'Without the authorization server it starts, is not ready, answers 503 to tokens, and recovers by itself',
  source: 'RFC 9110 section 15.6.4',
  needs: { issuerDown: true },
  own: true,
  async run(bench) {
    bench.isChallenged(await bench.call());
    assert.equal((await bench.callWith(bench.token())).status, 503, 'a token while there are no keys');
    await bench.part(async () => assert.equal(await bench.ready(), false, 'ready while there are no keys'));
    await bench.document();
    bench.issuer.up = true;
    await bench.advance(PAST_COOLDOWN_MS);
    await bench.part(async () => {
      await bench.ready(); // not tested where it does not say
      await waitFor(() => bench.ready(), 'it to be ready', RETRY_MS).catch((error: Error) =>
        assert.fail(error.message),
      );
    });
    const isGood = async () => (await bench.callWith(bench.token())).status === 200;
    await waitFor(isGood, 'a good token to pass', RETRY_MS, 200).catch((error: Error) =>
      assert.fail(error.message),
    );
  },
};
