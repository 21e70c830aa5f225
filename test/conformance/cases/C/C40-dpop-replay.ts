// C40: an attacker who sees a proof can send it again; within its lifetime only memory helps.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { DpopClient, dpopFields } from '../../../kit/dpop.ts';

export const C40: Case = {
  id: 'C40',
  level: 'SHOULD',
  rule: 'A proof is accepted once',
  source: 'RFC 9449 section 11.1',
  needs: { dpop: 'Accept' },
  async run(bench) {
    const key = await DpopClient.create();
    const token = bench.claims({ cnf: { jkt: key.jkt } });
    const headers = dpopFields(token, key.proof({ url: bench.resource, token }));
    const [first, second] = [await bench.call({ headers }), await bench.call({ headers })];
    assert.equal(first.status, 200, first.body);
    assert.equal(second.status, 401, 'the same proof again');
    assert.match(second.headers['www-authenticate'] ?? '', /invalid_dpop_proof/);
    const fresh = await bench.call({ headers: dpopFields(token, key.proof({ url: bench.resource, token })) });
    assert.equal(fresh.status, 200, 'another proof for the same token');
    assert.equal(bench.forwarded.length, 2, 'requests at the MCP server');
  },
};
