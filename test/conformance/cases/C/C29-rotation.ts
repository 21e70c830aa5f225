// C29: a new key works with its first token, and a hundred tokens of it cause one fetch.
import assert from 'node:assert/strict';
import { signingKey } from '../../../kit/issuer.ts';
import { waitFor } from '../../../kit/wait.ts';
import type { Case } from '../../case.ts';

/** At once: enough to show that they share a fetch. */
const TOKENS = 100;
/** Longer than any reasonable cool-down: a key is published long after keys were last asked for (milliseconds). */
const PAST_COOLDOWN_MS = 61_000;
/** In which the first of the tokens must cause a fetch (milliseconds). */
const FETCH_MS = 10_000;

export const C29: Case = {
  id: 'C29',
  level: 'MUST°',
  rule: 'An unknown key id causes one fetch, which all concurrent requests share, and then the new key works',
  source: 'OpenID Connect Core section 10.1.1 (rotation)',
  own: true,
  async run(bench) {
    await bench.accepts(bench.token());
    await bench.advance(PAST_COOLDOWN_MS);
    const fresh = await signingKey('k2');
    bench.issuer.keys.push(fresh);
    bench.issuer.record.length = 0;
    bench.issuer.hang = true;
    const calls = Array.from({ length: TOKENS }, () => bench.callWith(bench.token({ key: fresh })));
    const fetched = await waitFor(() => bench.issuer.hanging > 0, 'a fetch', FETCH_MS).then(
      () => true,
      () => false,
    );
    await new Promise((resolve) => setTimeout(resolve, 1_000)); // the others arrive
    bench.issuer.hang = false;
    bench.issuer.release();
    const statuses = (await Promise.all(calls)).map(({ status }) => status);
    assert.ok(fetched, `no fetch of keys within ${FETCH_MS / 1000} s of the first token of a new key`);
    assert.deepEqual([...new Set(statuses)], [200], `statuses of ${TOKENS} tokens of a new key`);
    assert.equal(bench.keyFetches, 1, 'fetches of keys');
  },
};
