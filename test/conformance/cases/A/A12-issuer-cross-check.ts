// A12: a name that the authorization server does not call itself by would send every client into a wall.
import assert from 'node:assert/strict';
import { waitFor } from '../../../kit/wait.ts';
import type { Bench } from '../../bench/bench.ts';
import type { Case } from '../../case.ts';

export const A12: Case = {
  id: 'A12',
  level: 'SHOULD°',
  rule: 'An authorization server whose metadata names another issuer keeps the target from being ready',
  source: 'RFC 8414 section 3.3; RFC 9728 section 4',
  needs: { issuerDown: true },
  own: true,
  async run(bench) {
    await neverReady(bench);
    await bench.beside({ issuerDown: true, keysFrom: 'Uri' }, neverReady);
  },
};

async function neverReady(bench: Bench): Promise<void> {
  const other = bench.issuer.issuer.replace('my-realm', 'My-Realm');
  bench.issuer.intercept = (req, res) => {
    if (!/openid-configuration|oauth-authorization-server/.test(req.url ?? '')) return false;
    res.end(JSON.stringify({ issuer: other, jwks_uri: bench.issuer.jwksUri }));
    return true;
  };
  bench.issuer.up = true;
  const told = () => bench.log.includes(other) && bench.log.includes(bench.issuer.issuer);
  await waitFor(told, 'both names in the log', 15_000).catch((error: Error) => assert.fail(error.message));
  assert.equal(await bench.ready(), false);
}
