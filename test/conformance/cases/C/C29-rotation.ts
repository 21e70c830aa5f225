// C29: a new key works with its first token, and a thousand tokens of it cause one fetch.
import assert from 'node:assert/strict';
import { signingKey } from '../../../support/issuer.ts';
import { waitFor } from '../../../support/wait.ts';
import type { Case } from '../../case.ts';

/** At once: enough to show that they share a fetch. */
const TOKENS = 100;

export const C29: Case = {
  id: 'C29',
  level: 'MUST°',
  rule: 'An unknown key id causes one fetch, which all concurrent requests share, and then the new key works',
  source: 'OpenID Connect Core section 10.1.1 (rotation)',
  own: true,
  async run(bench) {
    await bench.accepts(bench.token());
    const fresh = await signingKey('k2');
    bench.issuer.keys.push(fresh);
    bench.issuer.record.length = 0;
    bench.issuer.hang = true;
    const calls = Array.from({ length: TOKENS }, () => bench.callWith(bench.token({ key: fresh })));
    await waitFor(() => bench.issuer.hanging > 0, 'a fetch');
    await new Promise((resolve) => setTimeout(resolve, 1_000)); // the others arrive
    bench.issuer.hang = false;
    bench.issuer.release();
    const statuses = (await Promise.all(calls)).map(({ status }) => status);
    assert.deepEqual([...new Set(statuses)], [200]);
    assert.equal(bench.keyFetches, 1);
  },
};
