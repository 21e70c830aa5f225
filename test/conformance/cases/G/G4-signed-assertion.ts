// G4: a bare header proves nothing once it has left the pod; a signed one says who, for whom and until when.
import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { jwtVerify } from 'jose';
import type { Case } from '../../case.ts';
import { now } from '../../bench/bench.ts';
import { ASSERTION } from '../../needs.ts';

const LIFETIME_SECONDS = 60;

export const G4: Case = {
  id: 'G4',
  level: 'MAY',
  rule: 'A signed assertion names the subject and the MCP server, ends within a minute, and cannot be brought along',
  source: 'RFC 9700 section 4.13; RFC 8725 sections 3.8 and 3.9',
  needs: { identityAssertion: true },
  async run(bench) {
    const key = createPublicKey(bench.setup.metadataKey);
    const assertionOf = async (token: string, headers = {}) => {
      await bench.accepts(token, { headers });
      const { headers: seen = {} } = bench.forwarded.at(-1) ?? {};
      const jwt = seen[ASSERTION.toLowerCase()];
      assert.ok(typeof jwt === 'string', 'no assertion');
      const { payload } = await jwtVerify(jwt, key).catch((error: Error) => assert.fail(error.message));
      return { jwt, ...payload };
    };
    const alice = await assertionOf(bench.token());
    assert.equal(alice.sub, 'alice');
    assert.ok(typeof alice.aud === 'string' && alice.aud !== bench.resource, 'for the server, not for us');
    const lifetime = (alice.exp ?? Infinity) - now();
    assert.ok(lifetime > 0 && lifetime <= LIFETIME_SECONDS, `good for ${lifetime} s`);
    const bob = await assertionOf(bench.bob, { [ASSERTION]: alice.jwt, x_mcp_assertion: alice.jwt });
    assert.equal(bob.sub, 'bob', 'an assertion that was brought along');
    const exp = now() + 10;
    const short = await assertionOf(bench.claims({ sub: 'carol', exp }));
    assert.ok((short.exp ?? Infinity) <= exp + bench.setup.clockSkewSeconds, 'it outlives the token');
    await bench.refuses(alice.jwt);
  },
};
