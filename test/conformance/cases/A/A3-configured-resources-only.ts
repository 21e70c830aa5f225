// A3: a document for whatever is asked would vouch for resources that are not ours.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { WELL_KNOWN } from '../../needs.ts';

const SUFFIXES = ['/other', '/mcp%2f..%2fother', '//mcp', '/mcp/x', '/MCP', '/mcp/../other', '2'];
/** The same path in another spelling (RFC 3986 section 6.2.2.2): it may be there, as the document that is there. */
const EQUIVALENT = '/%6dcp';

export const A3: Case = {
  id: 'A3',
  level: 'MUST°',
  rule: 'There is metadata for configured resources only, and no requested path is echoed',
  source: 'RFC 9728 section 7.3',
  async run(bench) {
    const { body } = await bench.get(bench.metadataPath);
    await bench.document();
    await each(Object.fromEntries(SUFFIXES.map((suffix) => [suffix, WELL_KNOWN + suffix])), async (path) => {
      const answer = await bench.get(path);
      assert.equal(answer.status, 404, 'status');
      assert.ok(!answer.text.includes(path), 'the path is echoed');
      assert.equal(bench.forwarded.length, 0, 'requests at the MCP server');
    });
    const equivalent = await bench.get(WELL_KNOWN + EQUIVALENT);
    if (equivalent.status !== 404) assert.equal(equivalent.body, body, EQUIVALENT);
  },
};
