// A good token, changed anywhere, is no good token; and where verification itself fails, nothing passes.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { Authenticator } from '../../../../src/sidecar/authentication/authenticate.ts';
import type { IssuerKeys } from '../../../../src/sidecar/issuers/jwks.ts';
import type { SidecarConfig } from '../../../../src/sidecar/config/config.ts';
import { signingKey, type SigningKey } from '../../../kit/issuer.ts';
import { KeyTrust } from '../../../../src/sidecar/tokens/jwk.ts';
import { CONFIG, dpopVerifier, ISSUER, AuthenticatorBed, PLAIN } from '../../../support/authenticator-bed.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \t~%';

for (const algorithm of ['RS256', 'ES256'] as const) {
  describe(`a token signed with ${algorithm}`, () => {
    let key: SigningKey;
    let bed: AuthenticatorBed;
    let token: string;
    before(async () => {
      key = await signingKey('k1', algorithm);
      bed = new AuthenticatorBed(key);
      await bed.keys.start();
      token = bed.token(key);
      assert.equal(await bed.verdict(token), 'ok');
    });
    after(() => bed.stop());

    const place = fc.nat({ max: 2_000 });
    const character = fc.constantFrom(...ALPHABET);
    const mutations = fc.oneof(
      fc.tuple(place, character).map(
        ([at, char]) =>
          (t: string) =>
            t.slice(0, at % t.length) + char + t.slice((at % t.length) + 1),
      ),
      fc.tuple(place, character).map(
        ([at, char]) =>
          (t: string) =>
            t.slice(0, at % t.length) + char + t.slice(at % t.length),
      ),
      fc.tuple(place, fc.integer({ min: 1, max: 40 })).map(
        ([at, length]) =>
          (t: string) =>
            t.slice(0, at % t.length) + t.slice((at % t.length) + length),
      ),
      fc.tuple(place, place).map(([from, to]) => (t: string) => {
        const a = t.split('');
        const [i, j] = [from % t.length, to % t.length];
        [a[i], a[j]] = [a[j]!, a[i]!];
        return a.join('');
      }),
      fc.tuple(fc.nat({ max: 2 }), fc.nat({ max: 2 })).map(([from, to]) => (t: string) => {
        const parts = t.split('.');
        parts[to] = parts[from]!;
        return parts.join('.');
      }),
      // Within the bytes of a part, so that the result is base64url again.
      fc.tuple(fc.nat({ max: 2 }), place, fc.nat({ max: 7 })).map(([part, at, bit]) => (t: string) => {
        const parts = t.split('.');
        const bytes = Buffer.from(parts[part]!, 'base64url');
        bytes[at % bytes.length]! ^= 1 << bit;
        parts[part] = bytes.toString('base64url');
        return parts.join('.');
      }),
    );

    it('is refused after any of 2 000 changes', async () => {
      await fc.assert(
        fc.asyncProperty(mutations, async (mutate) => {
          const mutated = mutate(token);
          fc.pre(mutated.trimStart() !== token); // more spaces after `Bearer` are as good as one (RFC 9110 section 11.4)
          assert.notEqual(await bed.verdict(mutated), 'ok', mutated);
        }),
        { numRuns: 2_000 }, // fast-check prints the seed of a failure
      );
      assert.equal(await bed.verdict(token), 'ok', 'and is still good itself');
    });

    it('is refused for any other bytes in place of its signature', async () => {
      const [header, payload] = token.split('.');
      const length = algorithm === 'RS256' ? 256 : 64;
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ minLength: length, maxLength: length }), async (bytes) => {
          const forged = `${header}.${payload}.${Buffer.from(bytes).toString('base64url')}`;
          assert.equal(await bed.verdict(forged), 'bad_signature');
        }),
        { examples: [[new Uint8Array(length)]] },
      );
    });
  });
}

describe('where verification itself fails', () => {
  const config = CONFIG as SidecarConfig; // what the authenticator does not look at is left out

  it('a clock that throws gives no verdict', async () => {
    const key = await signingKey('k1');
    const bed = new AuthenticatorBed(key);
    await bed.keys.start();
    const token = bed.token(key);
    bed.stop();
    const clock = () => {
      throw new Error('no clock');
    };
    const authenticator = new Authenticator(config, {
      clock,
      keys: new Map([[ISSUER, bed.keys]]),
      dpop: dpopVerifier(clock),
      introspector: undefined,
      onVerified: () => undefined,
    });
    await assert.rejects(async () => authenticator.authenticate(`Bearer ${token}`, PLAIN), {
      message: 'no clock',
    });
  });

  for (const [name, broken] of [
    ['a key that the cryptography cannot use', { key: {} }],
    ['a key that is gone in the middle', { key: undefined }],
    ['a key lookup that throws', undefined],
  ] as const) {
    it(`${name} gives no verdict, and none is remembered`, async () => {
      const key = await signingKey('k1');
      const bed = new AuthenticatorBed(key);
      const token = bed.token(key);
      const find = () => {
        if (broken === undefined) throw new Error('no lookup');
        const trust = new KeyTrust();
        trust.extend(Number.POSITIVE_INFINITY);
        return { kind: 'found', keys: [{ ...broken, trust }] };
      };
      const clock = () => bed.now;
      const authenticator = new Authenticator(config, {
        clock,
        keys: new Map([[ISSUER, { find } as unknown as IssuerKeys]]), // a fault that the real one does not have
        dpop: dpopVerifier(clock),
        introspector: undefined,
        onVerified: () => undefined,
      });
      for (let i = 0; i < 2; i++)
        await assert.rejects(async () => authenticator.authenticate(`Bearer ${token}`, PLAIN));
      assert.equal(authenticator.cached, 0);
      bed.stop();
    });
  }

  it('an issuer without keys to look in gives keys_unavailable', async () => {
    const key = await signingKey('k1');
    const bed = new AuthenticatorBed(key);
    const authenticator = new Authenticator(config, {
      clock: () => bed.now,
      keys: new Map(),
      dpop: dpopVerifier(() => bed.now),
      introspector: undefined,
      onVerified: () => undefined,
    });
    const result = await authenticator.authenticate(`Bearer ${bed.token(key)}`, PLAIN);
    assert.deepEqual(result, { ok: false, denial: { kind: 'keys_unavailable', reason: 'keys_unavailable' } });
  });
});
