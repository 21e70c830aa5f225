// B17: with DPoP the field holds two challenges; the error stands at the one that was tried.
import assert from 'node:assert/strict';
import { parametersOf, parseChallenges } from '../../../kit/challenge.ts';
import type { Bench } from '../../bench/bench.ts';
import type { CallOptions } from '../../../kit/http.ts';
import type { Case } from '../../case.ts';

export const B17: Case = {
  id: 'B17',
  level: 'SHOULD',
  rule: 'With DPoP there is a DPoP challenge after Bearer, with algs and metadata URL; the error is at the scheme used',
  source: 'RFC 9449 sections 7.1 and 7.2; RFC 9728 section 5.1',
  needs: { dpop: 'Accept' },
  async run(bench) {
    const nothing = await challenges(bench);
    assert.deepEqual(Object.keys(nothing), ['Bearer', 'DPoP']);
    assert.equal(nothing['Bearer']?.['error'] ?? nothing['DPoP']?.['error'], undefined);
    assert.deepEqual(nothing['Bearer'], { scope: 'mcp:basic', resource_metadata: bench.metadataUrl });
    assert.match(nothing['DPoP']?.['algs'] ?? '', /^((ES|PS|RS)\d{3}|EdDSA|Ed25519)( \S+)*$/);
    assert.equal(nothing['DPoP']?.['resource_metadata'], bench.metadataUrl);

    const dpop = await challenges(bench, { headers: { Authorization: 'DPoP x' } });
    assert.ok(dpop['DPoP']?.['error'], 'DPoP was tried');
    assert.equal(dpop['Bearer']?.['error'], undefined, 'Bearer was not tried');
    const bearer = await challenges(bench, { headers: { Authorization: 'Bearer x' } });
    assert.equal(bearer['Bearer']?.['error'], 'invalid_token');
    assert.equal(bearer['DPoP']?.['error'], undefined, 'DPoP was not tried');

    await bench.beside({ dpop: 'Require' }, async (other) =>
      assert.deepEqual(Object.keys(await challenges(other)), ['DPoP'], 'DPoP only'),
    );
    assert.equal(bench.forwarded.length, 0, 'requests at the MCP server');
  },
};

/** The parameters of each challenge by scheme, in order. */
async function challenges(
  bench: Bench,
  options: CallOptions = {},
): Promise<Record<string, Record<string, string>>> {
  const answer = await bench.call(options);
  assert.equal(answer.status, 401);
  const parsed = parseChallenges(answer.lines('www-authenticate'));
  return Object.fromEntries(parsed.map((challenge) => [challenge.scheme, parametersOf(challenge)]));
}
