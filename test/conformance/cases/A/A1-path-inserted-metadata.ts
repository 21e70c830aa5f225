// A1: the metadata is where a client that knows only the endpoint's URL looks for it.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';

export const A1: Case = {
  id: 'A1',
  level: 'MUST',
  rule: 'The metadata is at the path-inserted well-known URL, for everybody',
  source: 'RFC 9728 sections 3 and 3.1; MCP "Protected Resource Metadata Discovery Requirements"',
  async run(bench) {
    const answer = await bench.get(bench.metadataPath);
    assert.equal(answer.status, 200);
    const document = JSON.parse(answer.body) as Record<string, unknown>;
    assert.equal(typeof document['resource'], 'string');
    assert.ok(Array.isArray(document['authorization_servers']));
    assert.equal(bench.forwarded.length, 0, 'requests at the MCP server');
  },
};
