// A5: the metadata is fetched by clients that have no token yet, or one that has just been refused.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

export const A5: Case = {
  id: 'A5',
  level: 'MUST',
  rule: 'The metadata needs no token and ignores whatever credentials come',
  source: 'RFC 9728 section 3.1; MCP "Authorization Flow Steps"',
  async run(bench) {
    const plain = await bench.get(bench.metadataPath);
    assert.equal(plain.status, 200);
    const fields = {
      'a bad token': ['Authorization', 'Bearer garbage'],
      'a good token': ['Authorization', `Bearer ${bench.token()}`],
      'another scheme': ['Authorization', 'Basic dTpw'],
      'two fields': ['Authorization', 'Bearer a', 'Authorization', 'Bearer b'],
    };
    await each(fields, async (headers) => {
      const answer = await bench.get(bench.metadataPath, { headers });
      assert.equal(answer.status, 200);
      assert.equal(answer.body, plain.body);
    });
  },
};
