// B18: what a client does about a bad proof, or one without a nonce, is something else than getting another token.
import assert from 'node:assert/strict';
import { parametersOf, parseChallenges } from '../../../kit/challenge.ts';
import { DpopClient, dpopFields } from '../../../kit/dpop.ts';
import type { Answer } from '../../../kit/http.ts';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

export const B18: Case = {
  id: 'B18',
  level: 'MUST',
  rule: 'A bad proof gets 401 DPoP invalid_dpop_proof; a missing nonce use_dpop_nonce with DPoP-Nonce; neither is cached',
  source: 'RFC 9449 sections 7.1 and 9',
  needs: { dpop: 'Accept' },
  async run(bench) {
    const key = await DpopClient.create();
    const token = bench.claims({ cnf: { jkt: key.jkt } });
    const good = await bench.call({ headers: dpopFields(token, key.proof({ url: bench.resource, token })) });
    assert.equal(good.status, 200, 'a good proof');
    const proofs = {
      none: [],
      garbage: ['x'],
      'for another URL': [key.proof({ url: 'https://other.test/mcp', token })],
    };
    await each(proofs, async (proof) =>
      assert.equal(
        dpopError(await bench.call({ headers: dpopFields(token, ...proof) })),
        'invalid_dpop_proof',
      ),
    );

    await bench.beside({ dpop: 'Accept', dpopNonces: true }, async (other) => {
      const bound = other.claims({ cnf: { jkt: key.jkt } });
      const send = (claims = {}) =>
        other.call({ headers: dpopFields(bound, key.proof({ url: other.resource, token: bound, claims })) });
      const wanted = await send();
      assert.equal(dpopError(wanted), 'use_dpop_nonce');
      const nonce = wanted.headers['dpop-nonce'];
      assert.ok(typeof nonce === 'string' && nonce !== '', 'DPoP-Nonce');
      assert.equal(dpopError(await send({ nonce: 'made-up' })), 'use_dpop_nonce');
      const accepted = await send({ nonce });
      assert.equal(accepted.status, 200, accepted.body);
    });
  },
};

function dpopError(answer: Answer): string | undefined {
  assert.equal(answer.status, 401, answer.body);
  assert.match(answer.headers['cache-control'] ?? '', /no-store/);
  const challenge = parseChallenges(answer.lines('www-authenticate')).find(({ scheme }) => scheme === 'DPoP');
  return parametersOf(challenge ?? assert.fail('no DPoP challenge'))['error'];
}
