// F1: clients of MCP 2025-03-26 look for the authorization server at the resource's own origin.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';

const PATH = '/.well-known/oauth-authorization-server';

export const F1: Case = {
  id: 'F1',
  level: 'MAY',
  rule: 'Authorization server metadata at our origin is 404, or on demand the issuer’s own document byte for byte',
  source: 'MCP 2025-03-26 "Server Metadata Discovery"',
  async run(bench) {
    await bench.document();
    assert.equal((await bench.get(PATH)).status, 404, 'it is not configured');
    await bench.beside({ mirrorsIssuerMetadata: true }, async (other) => {
      const answer = await other.get(PATH);
      assert.equal(answer.status, 200);
      assert.equal(answer.body, other.issuer.metadataText);
      assert.match(answer.headers['content-type'] ?? '', /^application\/json/);
      assert.equal(other.world.stranger.record.length, 0);
      assert.equal(other.forwarded.length, 0, 'requests at the MCP server');
    });
    assert.equal(bench.forwarded.length, 0, 'requests at the MCP server');
  },
};
