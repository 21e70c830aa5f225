// Wycheproof's JSON Web Signature vectors, verified by the functions that verify tokens.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { parseCompactJws } from '../../src/sidecar/tokens/compact-jws.ts';
import { verificationKey } from '../../src/sidecar/tokens/jwk.ts';
import { isSignedBy } from '../../src/sidecar/tokens/signature.ts';
import { run } from '../cluster/run.ts';

/** Go's checksum database vouches for the content of a version. */
const MODULE = 'github.com/C2SP/wycheproof@v0.0.0-20250901140545-b51abcfb8daf';
const FILE = 'testvectors_v1/json_web_signature_test.json';

interface Vector {
  readonly tcId: number;
  readonly comment: string;
  readonly jws: string;
  readonly result: 'valid' | 'invalid';
}

interface Group {
  readonly private: { readonly kty: string };
  readonly public?: unknown;
  readonly tests: readonly Vector[];
}

/**
 * `valid` in the file, and refused here: their labels are wrong. Two are PS384 tokens under a key that says PS256, two
 * are of an algorithm, ES521, that does not exist.
 */
const MISLABELLED = [346, 347, 350, 351];

async function vectors(): Promise<readonly Group[]> {
  const json = await run('go', ['mod', 'download', '-json', MODULE]).catch((error: unknown) => {
    throw new Error(`the vectors of ${MODULE} come by Go's module proxy, and Go did not fetch them`, {
      cause: error,
    });
  });
  const { Dir: directory } = JSON.parse(json) as { Dir: string };
  const file = JSON.parse(await readFile(join(directory, FILE), 'utf8')) as { testGroups: Group[] };
  return file.testGroups;
}

/**
 * What `authenticate.ts` asks of a token before its claims: shape, algorithm, extensions, key, signature. The payloads
 * of the vectors are no claims sets, so that an empty one stands in their place while the shape is validated.
 */
async function verifies(jws: string, jwk: unknown): Promise<boolean> {
  const parts = jws.split('.');
  const shape = parseCompactJws(parts.length === 3 ? `${parts[0]}.e30.${parts[2]}` : jws);
  const key = verificationKey(jwk);
  if (shape === undefined || key === undefined) return false;
  const { header } = shape;
  if (header.crit !== undefined || header.b64 !== undefined) return false;
  const algorithm = [...key.algorithms].find((name) => name === header.alg);
  return algorithm !== undefined && (await isSignedBy(jws, key, algorithm));
}

describe('the vectors of Wycheproof', () => {
  let asymmetric: readonly Group[];
  let symmetric: readonly Group[];
  before(async () => {
    const groups = await vectors();
    symmetric = groups.filter((group) => group.private.kty === 'oct');
    asymmetric = groups.filter((group) => group.private.kty !== 'oct');
  });

  it('of 361 with asymmetric keys, exactly the 32 verify that should', async () => {
    const wrong: string[] = [];
    let all = 0;
    let verified = 0;
    for (const { tests, public: jwk } of asymmetric) {
      for (const { tcId, comment, jws, result } of tests) {
        all++;
        const expected = result === 'valid' && !MISLABELLED.includes(tcId);
        const actual = await verifies(jws, jwk);
        if (actual) verified++;
        if (actual !== expected) wrong.push(`${tcId} (${comment}) ${actual ? 'verifies' : 'is refused'}`);
      }
    }
    assert.deepEqual(wrong, []);
    assert.deepEqual({ all, verified }, { all: 361, verified: 32 });
  });

  // Labelled oddly, and refused all the same: 367 and 370 (`invalid`) are byte for byte 357 (`valid`); 372 and 373
  // (`valid`) have a `?` in the middle of base64url.
  it('all 40 of HS256 are refused, with the secret in place of a public key too', async () => {
    const verified: number[] = [];
    let all = 0;
    for (const { tests, private: jwk } of symmetric) {
      for (const { tcId, jws } of tests) {
        all++;
        if (await verifies(jws, jwk)) verified.push(tcId);
      }
    }
    assert.deepEqual(verified, []);
    assert.equal(all, 40);
  });

  it('none of HS256 verifies with any of the public keys', async () => {
    const verified: number[] = [];
    for (const { public: jwk } of asymmetric) {
      for (const { tcId, jws } of symmetric.flatMap(({ tests }) => tests))
        if (await verifies(jws, jwk)) verified.push(tcId);
    }
    assert.deepEqual(verified, []);
  });
});
