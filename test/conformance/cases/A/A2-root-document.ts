// A2: many clients probe the root form; what they find there is chosen by configuration.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { WELL_KNOWN } from '../../needs.ts';

export const A2: Case = {
  id: 'A2',
  level: 'SHOULD°',
  rule: 'The root form answers the same document, one for the origin, or 404, as configured',
  source: 'MCP "Protected Resource Metadata Discovery Requirements"; RFC 9728 section 3.3',
  async run(bench) {
    const alias = await bench.get(WELL_KNOWN);
    assert.equal(alias.status, 200);
    assert.deepEqual(JSON.parse(alias.body), await bench.document());

    await bench.beside({ rootDocument: 'Origin' }, async (other) => {
      const { origin } = new URL(other.resource);
      const document = JSON.parse((await other.get(WELL_KNOWN)).body) as Record<string, unknown>;
      assert.equal(document['resource'], origin, 'mode Origin');
      assert.equal((await other.document())['resource'], other.resource, 'mode Origin, the path form');
      await other.accepts(other.claims({ aud: origin }));
    });
    await bench.beside({ rootDocument: 'Off' }, async (other) => {
      assert.equal((await other.get(WELL_KNOWN)).status, 404, 'mode Off');
      assert.equal((await other.document())['resource'], other.resource, 'mode Off, the path form');
    });
  },
};
