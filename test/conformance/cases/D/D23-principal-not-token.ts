// D23: tokens are refreshed every few minutes; a session that ends with its token is of no use.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { beginSession, inSession, isKeptFrom } from '../../bench/sessions.ts';

export const D23: Case = {
  id: 'D23',
  level: 'MUST°',
  rule: 'A session belongs to issuer and subject: a new token goes on with it, a namesake of another issuer does not',
  source: 'OpenID Connect Core section 5.7; ToolHive issue 5306',
  needs: { secondIssuer: true },
  async run(bench) {
    const id = await beginSession(bench, bench.token());
    const refreshed = bench.claims({ jti: crypto.randomUUID(), iat: Math.floor(Date.now() / 1000) - 1 });
    assert.equal((await inSession(bench, refreshed, id)).status, 200, 'with a new token');
    const namesake = bench.token({}, bench.second);
    await bench.accepts(namesake);
    await isKeptFrom(bench, 404, () => inSession(bench, namesake, id));
  },
};
