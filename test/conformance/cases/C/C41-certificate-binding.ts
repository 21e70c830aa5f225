// C41: a token bound to a certificate is good on the connections that present it, and nowhere else.
import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { selfSigned } from '../../../kit/certificate.ts';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

export const C41: Case = {
  id: 'C41',
  level: 'MUST',
  rule: 'cnf["x5t#S256"] must be the thumbprint of the client certificate of this connection',
  source: 'RFC 8705 section 3',
  needs: { clientCertificates: true },
  async run(bench) {
    const [mine, other] = [await selfSigned('client'), await selfSigned('other')];
    const digest = createHash('sha256').update(new X509Certificate(mine.cert).raw);
    const token = bench.claims({ cnf: { 'x5t#S256': digest.digest('base64url') } });
    await bench.accepts(token, { tls: mine });
    await bench.accepts(bench.token());
    await bench.accepts(bench.token(), { tls: mine });
    const before = bench.forwarded.length;
    await each({ 'another certificate': { tls: other }, 'no certificate': {} }, async (options) => {
      bench.isRefused(await bench.callWith(token, options), 'invalid_token');
    });
    await each([1, null, '', {}], async (value) => {
      const odd = bench.claims({ cnf: { 'x5t#S256': value } });
      bench.isRefused(await bench.callWith(odd, { tls: mine }), 'invalid_token');
    });
    assert.equal(bench.forwarded.length, before, 'the MCP server saw a refused request');
  },
};
