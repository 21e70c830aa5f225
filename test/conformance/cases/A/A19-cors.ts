// A19: browser clients discover too, with MCP-Protocol-Version on the request.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { BROWSER, WELL_KNOWN } from '../../needs.ts';

export const A19: Case = {
  id: 'A19',
  level: 'SHOULD°',
  rule: 'Any web page may read the metadata: CORS on answers and errors, and a pre-flight for MCP-Protocol-Version',
  source: 'Fetch, CORS protocol; MCP 2025-03-26 "Server Metadata Discovery" asks clients for the field',
  async run(bench) {
    for (const origin of [BROWSER, 'https://any.test']) {
      const headers = { Origin: origin };
      const preflight = await bench.call({
        method: 'OPTIONS',
        path: bench.metadataPath,
        headers: {
          ...headers,
          'Access-Control-Request-Method': 'GET',
          'Access-Control-Request-Headers': 'mcp-protocol-version',
        },
      });
      assert.equal(preflight.status, 204);
      assert.equal(preflight.headers['access-control-allow-origin'], '*');
      assert.match(preflight.headers['access-control-allow-headers'] ?? '', /\bmcp-protocol-version\b/i);
      for (const [path, method, status] of [
        [bench.metadataPath, 'GET', 200],
        [WELL_KNOWN, 'GET', 200],
        [bench.metadataPath, 'POST', 405],
      ] as const) {
        const answer = await bench.call({ method, path, headers });
        assert.equal(answer.status, status);
        assert.equal(answer.headers['access-control-allow-origin'], '*', `${method} ${path}`);
        assert.equal(answer.headers['access-control-allow-credentials'], undefined);
      }
    }
  },
};
