// A18: signed values take precedence with clients that read them, so they must be the plain ones.
import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { compactVerify } from 'jose';
import type { Case } from '../../case.ts';

export const A18: Case = {
  id: 'A18',
  level: 'MAY',
  rule: '`signed_metadata` is a JWS of the same values, with `iss`, without itself',
  source: 'RFC 9728 section 2.2',
  needs: { signedMetadata: true },
  async run(bench) {
    const { signed_metadata: jws, ...plain } = await bench.document();
    assert.equal(typeof jws, 'string');
    const key = createPublicKey(bench.setup.metadataKey);
    const { payload, protectedHeader } = await compactVerify(String(jws), key).catch((error: Error) =>
      assert.fail(`the signature: ${error.message}`),
    );
    assert.equal(protectedHeader.alg, 'ES256');
    const {
      iss,
      iat: _,
      exp: __,
      jti: ___,
      ...signed
    } = JSON.parse(Buffer.from(payload).toString()) as Record<string, unknown>;
    assert.ok(typeof iss === 'string' && iss !== '', 'iss');
    assert.ok(!('signed_metadata' in signed), 'signed_metadata inside itself');
    assert.deepEqual(signed, plain);
  },
};
