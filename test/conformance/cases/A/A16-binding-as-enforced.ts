// A16: what the metadata says of sender-constrained tokens is what happens to them.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';

const ALGORITHMS = 'dpop_signing_alg_values_supported';
const REQUIRED = 'dpop_bound_access_tokens_required';
const CERTIFICATES = 'tls_client_certificate_bound_access_tokens';

export const A16: Case = {
  id: 'A16',
  level: 'MUST°',
  rule: 'The members on DPoP and certificate binding say what is enforced, no more and no less',
  source: 'RFC 9728 section 2; RFC 9449 section 5; RFC 8705 section 3.3',
  async run(bench) {
    const off = await bench.document();
    for (const name of [ALGORITHMS, REQUIRED, CERTIFICATES])
      assert.ok(!off[name], `${name} although nothing is bound`);

    await bench.beside({ dpop: 'Accept' }, async (other) => {
      const document = await other.document();
      assertAsymmetric(document[ALGORITHMS]);
      assert.ok(!document[REQUIRED], `${REQUIRED} although Bearer is accepted`);
      await other.accepts(other.token());
    });
    await bench.beside({ dpop: 'Require' }, async (other) => {
      const document = await other.document();
      assertAsymmetric(document[ALGORITHMS]);
      assert.equal(document[REQUIRED], true);
      assert.equal((await other.callWith(other.token())).status, 401, 'plain Bearer');
      assert.equal(other.forwarded.length, 0, 'requests at the MCP server');
    });
    await bench.beside({ clientCertificates: true }, async (other) =>
      assert.equal((await other.document())[CERTIFICATES], true),
    );
  },
};

function assertAsymmetric(algorithms: unknown): void {
  assert.ok(Array.isArray(algorithms) && algorithms.length > 0, `${ALGORITHMS}: ${String(algorithms)}`);
  for (const name of algorithms) assert.match(String(name), /^((RS|PS|ES)\d{3}|EdDSA|Ed25519)$/);
}
