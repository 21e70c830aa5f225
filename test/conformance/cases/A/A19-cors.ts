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
    const rootStatus = (await bench.get(WELL_KNOWN)).status === 200 ? 200 : 404;
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
      // MCP has servers validate Origin on all connections: who does so here too, refuses others than the allowed one.
      if (origin !== BROWSER && preflight.status === 403) continue;
      // Any 2xx: "ok status" of Fetch.
      assert.ok(preflight.status >= 200 && preflight.status < 300, `pre-flight: came ${preflight.status}`);
      assert.equal(preflight.headers['access-control-allow-origin'], '*', 'pre-flight: allowed origin');
      const allowed = preflight.headers['access-control-allow-headers'] ?? '';
      assert.match(allowed, /\bmcp-protocol-version\b/i, 'pre-flight: allowed fields');
      for (const [path, method, status] of [
        [bench.metadataPath, 'GET', 200],
        [WELL_KNOWN, 'GET', rootStatus],
        [bench.metadataPath, 'POST', 405],
      ] as const) {
        const answer = await bench.call({ method, path, headers });
        assert.equal(answer.status, status, `${method} ${path}`);
        if (status === 404) continue; // whether there is a document at the root is for A2 to check
        assert.equal(answer.headers['access-control-allow-origin'], '*', `${method} ${path}: allowed origin`);
        assert.equal(answer.headers['access-control-allow-credentials'], undefined);
      }
    }
  },
};
