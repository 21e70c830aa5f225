// A4: clients fetch with GET and take nothing but 200 and JSON for success.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { WELL_KNOWN } from '../../needs.ts';

export const A4: Case = {
  id: 'A4',
  level: 'MUST',
  rule: 'GET answers 200 application/json, HEAD the same without body, any other method 405 with Allow',
  source: 'RFC 9728 sections 3.1 and 3.2',
  async run(bench) {
    const [get, head] = [
      await bench.get(bench.metadataPath),
      await bench.call({ method: 'HEAD', path: bench.metadataPath }),
    ];
    assert.equal(get.status, 200);
    assert.match(get.headers['content-type'] ?? '', /^application\/json\s*(;|$)/);
    assert.equal(head.status, 200);
    assert.equal(head.body, '');
    const { date: _, ...fields } = get.headers;
    const { date: __, ...headFields } = head.headers;
    assert.deepEqual(headFields, fields, 'HEAD has the fields of GET');
    await each({ path: bench.metadataPath, root: WELL_KNOWN }, async (path) => {
      for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
        const answer = await bench.call({ method, path });
        assert.equal(answer.status, 405, method);
        const allow = (answer.headers.allow ?? '').split(/\s*,\s*/).sort();
        assert.deepEqual(allow, ['GET', 'HEAD', 'OPTIONS'], method);
        assert.equal(bench.forwarded.length, 0);
      }
    });
  },
};
