// A4: clients fetch with GET and take nothing but 200 and JSON for success.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { WELL_KNOWN } from '../../needs.ts';

export const A4: Case = {
  id: 'A4',
  level: 'MUST',
  rule: 'GET answers 200 application/json, HEAD the same without body, any other method 405 with Allow',
  source: 'RFC 9728 sections 3.1 and 3.2; RFC 9110 sections 9.1, 9.3.2 and 15.5.6',
  async run(bench) {
    const [get, head] = [
      await bench.get(bench.metadataPath),
      await bench.call({ method: 'HEAD', path: bench.metadataPath }),
    ];
    assert.equal(get.status, 200, 'GET');
    assert.match(get.headers['content-type'] ?? '', /^application\/json\s*(;|$)/, 'Content-Type');
    assert.equal(head.status, 200, 'HEAD');
    assert.equal(head.body, '', 'the body of HEAD');
    const { date: _, ...fields } = get.headers;
    const { date: __, ...headFields } = head.headers;
    assert.deepEqual(headFields, fields, 'the fields of HEAD beside those of GET');
    // Whether there is a document at the root is for A2 to check.
    const hasRoot = (await bench.get(WELL_KNOWN)).status === 200;
    await each({ path: bench.metadataPath, ...(hasRoot ? { root: WELL_KNOWN } : {}) }, async (path) => {
      for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
        const answer = await bench.call({ method, path });
        assert.equal(answer.status, 405, method);
        const allow = (answer.headers.allow ?? '').split(/\s*,\s*/);
        assert.ok(
          allow.includes('GET') && allow.includes('HEAD'),
          `${method}: Allow is "${allow.join(', ')}"`,
        );
        assert.ok(!allow.includes(method), `${method}: Allow is "${allow.join(', ')}"`);
        assert.equal(bench.forwarded.length, 0, 'requests at the MCP server');
      }
    });
  },
};
