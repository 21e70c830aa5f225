// A7: an identifier that no client can use is a mistake to be told at the start.
import assert from 'node:assert/strict';
import type { Bench } from '../../bench/bench.ts';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

const WRONG = {
  'plain HTTP': 'http://mcp.example.test/mcp',
  'a fragment': 'https://mcp.example.test/mcp#x',
  'user info': 'https://u:p@mcp.example.test/mcp',
};

export const A7: Case = {
  id: 'A7',
  level: 'MUST',
  rule: 'No identifier is published that is no https URL, or has a fragment or user info: the target does not start',
  source: 'RFC 9728 section 1.2; RFC 8707 section 2; RFC 9110 section 4.2.4; MCP "Canonical Server URI"',
  async run(bench) {
    await each(WRONG, (resource) =>
      bench.refusesToStart({ resource }, /resource|url/i, async (other) => {
        const published = new URL(await publishedBy(other));
        assert.equal(published.protocol, 'https:', `the scheme of ${published.href}, as published`);
        assert.equal(published.hash, '', `the fragment of ${published.href}, as published`);
        assert.equal(published.username, '', `the user info of ${published.href}, as published`);
      }),
    );
    await bench.refusesToStart({ resource: 'mcp.example.test/mcp' }, /resource|url/i);
    // RFC 8707 section 2 says SHOULD NOT of a query: who takes one must publish it.
    const resource = 'https://mcp.example.test/mcp?x=1';
    await bench.refusesToStart({ resource }, /resource|url/i, async (other) =>
      assert.equal(await publishedBy(other), resource, 'an identifier with a query'),
    );
  },
};

async function publishedBy(bench: Bench): Promise<string> {
  return String((await bench.document())['resource']);
}
