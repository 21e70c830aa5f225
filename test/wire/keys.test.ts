// The issuer's keys come and go, and so does the issuer: no good call fails for it, and nothing makes us ask too often.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assertRefused } from '../support/challenge.ts';
import { signingKey, type SigningKey } from '../support/issuer.ts';
import { TestBed, type Answer } from '../support/sidecar.ts';
import { waitFor } from '../support/wait.ts';

/** 503, and no challenge: a client must keep its token and come back. */
function assertKeysUnavailable(answer: Answer): void {
  assert.equal(answer.status, 503, answer.body);
  assert.ok(Number(answer.headers['retry-after']) > 0);
  assert.equal(answer.headers['www-authenticate'], undefined);
}

const randomKid = () => ({ header: { kid: crypto.randomUUID() } });

// The two beds run at the same time: one of them waits for a cool-down.
describe('the keys of an issuer', { concurrency: true }, () => {
  describe('rotation', { concurrency: 1 }, () => {
    let bed: TestBed;
    let k2: SigningKey;
    before(async () => {
      [bed, k2] = await Promise.all([TestBed.start(), signingKey('k2')]);
    });
    after(() => bed.stop());

    it('200 calls with a key published a moment ago all pass, and cause one fetch', async () => {
      const [k1] = bed.issuer.keys;
      bed.issuer.keys.push(k2);
      const fetches = bed.issuer.fetches;
      const answers = await Promise.all(
        Array.from({ length: 200 }, () => bed.callWith(bed.issuer.token({ key: k2 }))),
      );
      assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
      assert.equal(bed.issuer.fetches - fetches, 1);
      assert.equal(
        (await bed.callWith(bed.issuer.token({ key: k1! }))).status,
        200,
        'tokens of the old key still pass',
      );
    });

    it('made-up key ids cause at most one fetch within the cool-down, and no failed call', async () => {
      const fetches = bed.issuer.fetches;
      bed.upstream.requests.length = 0;
      for (let round = 0; round < 5; round++) {
        const bad = Array.from({ length: 40 }, () => bed.callWith(bed.issuer.token(randomKid())));
        const good = await bed.callWith(bed.issuer.token());
        assert.equal(good.status, 200);
        for (const answer of await Promise.all(bad)) assertRefused(answer, 'invalid_token');
      }
      assert.ok(bed.issuer.fetches - fetches <= 1, `${bed.issuer.fetches - fetches} fetches`);
      assert.equal(bed.upstream.requests.length, 5);
    });

    it("while the issuer is down, known keys go on working and unknown ones are nobody's fault", async () => {
      bed.issuer.up = false;
      let answer: Answer | undefined;
      // Until the cool-down is over, the last answer of the issuer counts: it does not have the key.
      await waitFor(
        async () => {
          answer = await bed.callWith(bed.issuer.token(randomKid()));
          if (answer.status === 401) assertRefused(answer, 'invalid_token');
          return answer.status !== 401;
        },
        'the sidecar to ask the issuer again',
        15_000,
      );
      assertKeysUnavailable(answer!);
      for (const key of [bed.issuer.keys[0]!, k2]) {
        assert.equal((await bed.callWith(bed.issuer.token({ key }))).status, 200);
      }
      assert.equal((await fetch(bed.adminUrl('/readyz'))).status, 200);

      const { requests } = bed.issuer;
      for (let i = 0; i < 100; i++) assertKeysUnavailable(await bed.callWith(bed.issuer.token(randomKid())));
      assert.ok(bed.issuer.requests - requests <= 2, 'at most one attempt, with its two metadata URLs');
    });
  });

  describe('started while the issuer is down', { concurrency: 1 }, () => {
    let bed: TestBed;
    before(async () => {
      bed = await TestBed.start({ issuerUp: false });
    });
    after(() => bed.stop());

    it('a token gets 503, no token 401, and readiness says why', async () => {
      assertKeysUnavailable(await bed.callWith(bed.issuer.token()));
      assertRefused(await bed.call(), 'none');
      const readiness = await fetch(bed.adminUrl('/readyz'));
      assert.equal(readiness.status, 503);
      assert.ok((await readiness.text()).includes(bed.issuer.issuer));
      assert.deepEqual(bed.upstream.requests, []);
    });

    it('many tokens do not make it ask more often', async () => {
      const before = bed.issuer.requests;
      const started = performance.now();
      const tokens = Array.from({ length: 200 }, () => bed.callWith(bed.issuer.token(randomKid())));
      for (const answer of await Promise.all(tokens)) assertKeysUnavailable(answer);
      // The first pause is half a second; each attempt asks at two URLs.
      const attempts = 1 + Math.ceil((performance.now() - started) / 500);
      assert.ok(bed.issuer.requests - before <= 2 * attempts, `${bed.issuer.requests - before} requests`);
    });

    it('comes to work without a restart, and skips what it cannot use of the key set', async () => {
      const [encryption, signOnly, weak, twin] = await Promise.all([
        signingKey('enc'),
        signingKey('sign-only'),
        signingKey('weak', 'RS256', 1024),
        signingKey('k1'),
      ]);
      bed.issuer.extraJwks = [
        null,
        'k1',
        { kty: 'OKP', crv: 'Ed448', x: 'AAAA', kid: 'ed448' },
        { kty: 'RSA', e: 'AQAB', kid: 'no-modulus', alg: 'RS256' },
        { kty: 'oct', k: 'c2VjcmV0', kid: 'k1' },
        { ...encryption.jwk, use: 'enc', alg: 'RSA-OAEP' },
        { ...signOnly.jwk, use: undefined, key_ops: ['sign'] },
        weak.jwk,
        twin.jwk,
      ];
      bed.issuer.up = true;
      await bed.ready();
      assert.equal((await bed.callWith(bed.issuer.token())).status, 200);
      const withTwin = await bed.callWith(bed.issuer.token({ key: twin }));
      assert.equal(withTwin.status, 200, 'two keys of one id: both are tried');
      bed.upstream.requests.length = 0;
      for (const key of [encryption, signOnly, weak]) {
        assertRefused(await bed.callWith(bed.issuer.token({ key })), 'invalid_token');
      }
      assert.deepEqual(bed.upstream.requests, []);
    });
  });
});
