// F4: VS Code compares URLs, not bytes; after the root form it wants the origin or the URL itself.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { ORIGIN, RESOURCE, WELL_KNOWN, type Needs } from '../../needs.ts';

export const F4: Case = {
  id: 'F4',
  level: 'MUST°',
  rule: 'The document of the path form is for the server’s URL; that of the root form can be for its origin',
  source: 'RFC 9728 section 3.3; behaviour of VS Code',
  async run(bench) {
    const resourceAt = async (path: string, at = bench) => {
      const answer = await at.get(path);
      assert.equal(answer.status, 200, path);
      return new URL(String((JSON.parse(answer.body) as Record<string, unknown>)['resource'])).href;
    };
    assert.equal(await resourceAt(bench.metadataPath), new URL(bench.resource).href);
    const setups: Record<string, Needs> = {
      'a path': { rootDocument: 'Origin' },
      'a slash': { rootDocument: 'Origin', resource: `${RESOURCE}/`, audiences: [`${RESOURCE}/`] },
    };
    await each(setups, (needs) =>
      bench.beside(needs, async (other) => {
        assert.equal(await resourceAt(other.metadataPath, other), new URL(other.resource).href);
        assert.equal(await resourceAt(WELL_KNOWN, other), new URL(ORIGIN).href);
      }),
    );
  },
};
