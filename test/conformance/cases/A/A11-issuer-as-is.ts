// A11: clients compare it with `issuer` of the server's own metadata; one slash more and they stop.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

const ISSUERS = ['https://as.example.test', 'https://as.example.test/', 'https://as.example.test/realms/R/'];

export const A11: Case = {
  id: 'A11',
  level: 'MUST',
  rule: 'Each authorization server is named byte for byte as its `issuer`: no slash added or removed',
  source: 'RFC 8414 section 3.3; MCP "Authorization Server Metadata Discovery"',
  async run(bench) {
    assert.deepEqual((await bench.document())['authorization_servers'], [bench.issuer.issuer]);
    await each(Object.fromEntries(ISSUERS.map((issuer) => [issuer, issuer])), (issuer) =>
      // Keys are configured, so that nothing has to answer at that name.
      bench.beside({ issuers: [issuer], keysFrom: 'Uri' }, async (other) =>
        assert.deepEqual((await other.document())['authorization_servers'], [issuer]),
      ),
    );
  },
};
