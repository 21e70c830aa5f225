// What an operator says that it stands by for; `helm test` takes only what begins with "ok".
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { standing } from '../../../src/operator/standby.ts';
import { isGood, isStarting } from '../../../src/protocol/operator-standing.ts';

const LEADER = {
  leads: true,
  works: true,
  lease: 'mcp/operator',
  leader: 'one-7d4b9-abcde_1f2e',
  podName: 'one-7d4b9-abcde',
  ofOthers: [],
};
const other = { namespace: 'demo', holder: 'mcp-b/operator' };

describe('standing', () => {
  const rows: readonly [name: string, changes: Partial<Parameters<typeof standing>[0]>, text: RegExp][] = [
    ['of a leader that works', {}, /^ok$/],
    ['of a leader whose first steps are not done', { works: false }, /^starting$/],
    [
      'of one that does not know the leader yet',
      { leads: false, leader: undefined },
      /^waiting for Lease mcp\/operator$/,
    ],
    [
      'of another replica',
      { leads: false, podName: 'one-7d4b9-fghij' },
      /^ok: standing by for one-7d4b9-abcde_1f2e$/,
    ],
    ['of the next version of the release', { leads: false, podName: 'one-66c8f-fghij' }, /^ok: /],
    ['of another release', { leads: false, podName: 'two-7d4b9-fghij' }, /^standing by: .* another release/],
    [
      'of a release whose name begins with the same',
      { leads: false, podName: 'one-two-7d4b9-fghij' },
      /^standing by: /,
    ],
    [
      'of a leader without one of its namespaces',
      { ofOthers: [other] },
      /^standing down: .*1 namespace\(s\): demo \(mcp-b\/operator\)$/,
    ],
    [
      'of a replica without one of its namespaces',
      { leads: false, podName: 'one-7d4b9-x', ofOthers: [other] },
      /^standing down: /,
    ],
    [
      'without many namespaces, of which some are named',
      { ofOthers: Array.from({ length: 300 }, () => other) },
      /300 namespace\(s\): (demo \(mcp-b\/operator\)(, )?){10}$/,
    ],
  ];
  for (const [name, changes, text] of rows)
    it(name, () => {
      const said = standing({ ...LEADER, ...changes });
      assert.match(said, text);
      assert.equal(isGood(said), /^ok(: |$)/.test(said), 'whether helm test takes it');
      assert.equal(isStarting(said), /^(starting|waiting)/.test(said), 'whether it is worth waiting');
    });
});
