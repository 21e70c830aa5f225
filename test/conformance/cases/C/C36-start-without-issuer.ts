// C36: which of the two comes up first must not matter.
import assert from 'node:assert/strict';
import { waitFor } from '../../../support/wait.ts';
import type { Case } from '../../case.ts';

const RETRY_MS = 15_000;

export const C36: Case = {
  id: 'C36',
  level: 'SHOULD°',
  rule: 'Without the authorization server it starts, is not ready, answers 503 to tokens, and recovers by itself',
  source: 'RFC 9110 section 15.6.4',
  needs: { issuerDown: true },
  own: true,
  async run(bench) {
    bench.isRefused(await bench.call(), 'none');
    assert.equal((await bench.callWith(bench.token())).status, 503);
    assert.equal(await bench.ready(), false);
    await bench.document();
    bench.issuer.up = true;
    await waitFor(() => bench.ready(), 'it to be ready', RETRY_MS).catch((error: Error) =>
      assert.fail(error.message),
    );
    await bench.accepts(bench.token());
  },
};
