// When an issuer's keys are fetched, how long they count, and that a verdict never outlives its key.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it, mock } from 'node:test';
import { MAX_STALE_MS, REFRESH_INTERVAL_MS } from '../../../../src/sidecar/issuers/jwks.ts';
import { COOLDOWN_MS, RETURN_MS } from '../../../../src/sidecar/issuers/refetch-allowance.ts';
import { signingKey, type SigningKey } from '../../../kit/issuer.ts';
import { AuthenticatorBed } from '../../../support/authenticator-bed.ts';

let k1: SigningKey;
let k2: SigningKey;
let bed: AuthenticatorBed;
before(async () => {
  [k1, k2] = await Promise.all([signingKey('k1'), signingKey('k2')]);
  mock.timers.enable({ apis: ['setTimeout'] });
});
after(() => mock.timers.reset());
beforeEach(() => {
  bed?.stop();
  bed = new AuthenticatorBed(k1);
});

/** Lets time pass, and what it sets off come to its end. */
async function pass(milliseconds: number): Promise<void> {
  bed.now += milliseconds;
  mock.timers.tick(milliseconds);
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

const unknown = (kid: string): SigningKey => ({ ...k2, kid });

describe('a key that the issuer withdraws', () => {
  it('stops working within the refresh interval, for tokens that were accepted before too', async () => {
    await bed.keys.start();
    const token = bed.token(k1, 3600);
    assert.equal(await bed.verdict(token), 'ok');
    assert.ok(bed.remembers(token));
    bed.published = [k2.jwk];
    await pass(REFRESH_INTERVAL_MS);
    assert.equal(await bed.verdict(token), 'unknown_key');
    assert.equal(await bed.verdict(bed.token(k1)), 'unknown_key');
    assert.equal(await bed.verdict(bed.token(k2)), 'ok');
  });

  it('and publishes again works again', async () => {
    await bed.keys.start();
    const token = bed.token(k1, 3600);
    await bed.verdict(token);
    bed.published = [k2.jwk];
    await pass(REFRESH_INTERVAL_MS);
    bed.published = [k1.jwk, k2.jwk];
    await pass(REFRESH_INTERVAL_MS);
    assert.equal(await bed.verdict(token), 'ok');
  });

  it('and replaces by another under the same id: only the new one counts', async () => {
    await bed.keys.start();
    const token = bed.token(k1, 3600);
    assert.equal(await bed.verdict(token), 'ok');
    const successor = { ...k2, kid: 'k1', jwk: { ...k2.jwk, kid: 'k1' } };
    bed.published = [successor.jwk];
    await pass(REFRESH_INTERVAL_MS);
    assert.equal(await bed.verdict(token), 'bad_signature');
    assert.equal(await bed.verdict(bed.token(successor)), 'ok');
  });

  it('does not disturb what is remembered of a key that stays', async () => {
    bed.published = [k1.jwk, k2.jwk];
    await bed.keys.start();
    const token = bed.token(k1, 3600);
    await bed.verdict(token);
    bed.published = [k1.jwk];
    await pass(REFRESH_INTERVAL_MS);
    assert.ok(bed.remembers(token));
  });
});

describe('a remembered verdict', () => {
  it('ends with the token, give or take the skew', async () => {
    await bed.keys.start();
    const token = bed.token(k1, 60);
    assert.equal(await bed.verdict(token), 'ok');
    await pass(64_999);
    assert.equal(await bed.verdict(token), 'ok');
    assert.ok(bed.remembers(token));
    await pass(1);
    assert.equal(await bed.verdict(token), 'expired');
  });

  it('does not outlive the trust in keys that could not be refreshed', async () => {
    await bed.keys.start();
    const token = bed.token(k1, (MAX_STALE_MS / 1000) * 2);
    assert.equal(await bed.verdict(token), 'ok');
    bed.up = false;
    await pass(MAX_STALE_MS + 1);
    assert.equal(await bed.verdict(token), 'keys_unavailable');
  });
});

describe('a new key', () => {
  it('works at once, the first time that a token names it', async () => {
    await bed.keys.start();
    bed.published.push(k2.jwk);
    const verdicts = await Promise.all(Array.from({ length: 1_000 }, () => bed.verdict(bed.token(k2))));
    assert.deepEqual([...new Set(verdicts)], ['ok']);
    assert.equal(bed.fetches, 2);
  });

  it('is found by the refresh too', async () => {
    await bed.keys.start();
    bed.published.push(k2.jwk);
    await pass(REFRESH_INTERVAL_MS);
    assert.equal(bed.fetches, 2);
    assert.equal(await bed.verdict(bed.token(k2)), 'ok');
    assert.equal(bed.fetches, 2);
  });
});

describe('made-up key ids', () => {
  it('cause one fetch within a cool-down, and are not judged by an older answer', async () => {
    await bed.keys.start();
    assert.equal(await bed.verdict(bed.token(unknown('x'))), 'unknown_key');
    await pass(1);
    for (let i = 0; i < 100; i++)
      assert.equal(await bed.verdict(bed.token(unknown(`x${i}`))), 'key_not_known_yet');
    assert.equal(bed.fetches, 2);
    await pass(COOLDOWN_MS);
    for (let i = 0; i < 100; i++) await bed.verdict(bed.token(unknown(`y${i}`)));
    assert.equal(bed.fetches, 3);
  });

  it('do not keep a new key out: its token comes again, and is accepted', async () => {
    await bed.keys.start();
    await bed.verdict(bed.token(unknown('x')));
    await pass(1);
    bed.published.push(k2.jwk);
    assert.equal(await bed.verdict(bed.token(k2)), 'key_not_known_yet');
    for (let elapsed = 0; elapsed < RETURN_MS; elapsed += 10) {
      await pass(10);
      assert.equal(await bed.verdict(bed.token(unknown(`y${elapsed}`))), 'key_not_known_yet');
    }
    assert.equal(bed.fetches, 2);
    assert.equal(await bed.verdict(bed.token(k2)), 'ok');
    assert.equal(bed.fetches, 3);
  });

  it('that are repeated cause one fetch more within a cool-down, and never another', async () => {
    await bed.keys.start();
    for (let elapsed = 0; elapsed < 10 * COOLDOWN_MS; elapsed += 500) {
      for (const kid of ['x', 'y', 'z', `w${elapsed % 3_000}`]) await bed.verdict(bed.token(unknown(kid)));
      await pass(500);
    }
    assert.ok(bed.fetches <= 1 + 20, `${bed.fetches} fetches in ten cool-downs`);
    await bed.verdict(bed.token(unknown('x')));
    await pass(1);
    await bed.verdict(bed.token(unknown('x')));
    bed.published.push(k2.jwk);
    const seen = new Set<string>();
    for (let elapsed = 0; elapsed < COOLDOWN_MS && !seen.has('ok'); elapsed += 500) {
      seen.add(await bed.verdict(bed.token(k2)));
      await pass(500);
    }
    assert.deepEqual([...seen].sort(), ['key_not_known_yet', 'ok']);
  });

  it('of a number without end take no memory without end, and the reserve is there afterwards', async () => {
    await bed.keys.start();
    await bed.verdict(bed.token(unknown('x')));
    await pass(1);
    for (let i = 0; i < 5_000; i++) await bed.keys.find(`flood${i}`, 'RS256');
    bed.published.push(k2.jwk);
    assert.equal(await bed.verdict(bed.token(k2)), 'key_not_known_yet');
    await pass(RETURN_MS);
    assert.equal(await bed.verdict(bed.token(k2)), 'ok');
  });

  it('a token that no key would make good is refused for good', async () => {
    await bed.keys.start();
    await bed.verdict(bed.token(unknown('x')));
    await pass(1);
    const token = (claims: Record<string, unknown>) => bed.token(unknown('y'), 300, claims);
    assert.equal(await bed.verdict(token({})), 'key_not_known_yet');
    assert.equal(await bed.verdict(token({ aud: 'other' })), 'wrong_audience');
    assert.equal(await bed.verdict(token({ exp: bed.seconds - 60 })), 'expired');
    assert.equal(await bed.verdict(token({ typ: 'ID' })), 'not_an_access_token');
    assert.equal(await bed.verdict(token({ azp: undefined })), 'missing_claim');
    assert.equal(bed.fetches, 2);
  });

  it('a key id that is published, of a key that does not fit, is refused for good', async () => {
    bed.published.push({ ...k2.jwk, use: 'enc' }, { kty: 'oct', kid: 'secret', k: 'c2VjcmV0' });
    await bed.keys.start();
    await bed.verdict(bed.token(unknown('x')));
    await pass(1);
    for (const kid of ['k2', 'secret'])
      assert.equal(await bed.verdict(bed.token(unknown(kid))), 'unknown_key');
    assert.equal(await bed.verdict(bed.token(unknown('k3'))), 'key_not_known_yet');
    assert.equal(bed.fetches, 2);
  });

  it('a token that was signed before the last answer is refused for good: its key was withdrawn', async () => {
    await bed.keys.start();
    const old = bed.token(k1, 3600);
    bed.published = [k2.jwk];
    await pass(REFRESH_INTERVAL_MS);
    assert.equal(await bed.verdict(bed.token(unknown('x'))), 'unknown_key');
    assert.equal(await bed.verdict(old), 'unknown_key');
    await pass(1);
    // As far as clocks may differ, it may be of a key that is newer than the answer.
    const seconds = bed.seconds;
    assert.equal(await bed.verdict(bed.token(unknown('y'), 300, { iat: seconds - 6 })), 'unknown_key');
    assert.equal(await bed.verdict(bed.token(unknown('y'), 300, { iat: seconds - 4 })), 'key_not_known_yet');
    const since = (iat: unknown) => bed.verdict(bed.token(unknown('y'), 300, { iat }));
    assert.equal(await since(undefined), 'key_not_known_yet');
    for (const iat of ['long ago', null, seconds + 3600]) assert.equal(await since(iat), 'not_yet_valid');
  });

  it('cause no more while fetches fail', async () => {
    await bed.keys.start();
    await pass(COOLDOWN_MS);
    bed.up = false;
    const { fetches } = bed;
    for (let i = 0; i < 100; i++)
      assert.equal(await bed.verdict(bed.token(unknown(`x${i}`))), 'keys_unavailable');
    assert.equal(bed.fetches - fetches, 1);
  });

  it('cause no more while there never was a key', async () => {
    bed.up = false;
    await bed.keys.start();
    for (let i = 0; i < 100; i++)
      assert.equal(await bed.verdict(bed.token(unknown(`x${i}`))), 'keys_unavailable');
    assert.equal(bed.fetches, 1);
  });
});

describe('while the issuer is down', () => {
  it('known keys work until they are a day old', async () => {
    await bed.keys.start();
    bed.up = false;
    await pass(MAX_STALE_MS);
    assert.equal(await bed.verdict(bed.token(k1)), 'ok');
    await pass(1);
    assert.equal(await bed.verdict(bed.token(k1)), 'keys_unavailable');
    assert.equal(bed.keys.available, false);
    bed.up = true;
    await pass(COOLDOWN_MS);
    assert.equal(await bed.verdict(bed.token(k1)), 'ok');
  });

  it('it is asked again and again: soon at first, never more often than the cool-down in the end', async () => {
    bed.up = false;
    await bed.keys.start();
    const gaps: number[] = [];
    let last = 0;
    for (let elapsed = 100; elapsed <= 60_000; elapsed += 100) {
      const { fetches } = bed;
      await pass(100);
      if (bed.fetches > fetches) gaps.push(elapsed - last);
      if (bed.fetches > fetches) last = elapsed;
    }
    assert.deepEqual(gaps, [500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000, 10_000]);
  });

  it('an answer that is no key set changes nothing', async () => {
    await bed.keys.start();
    bed.published = undefined as unknown as unknown[]; // `{}` on the wire
    await pass(REFRESH_INTERVAL_MS);
    assert.equal(await bed.verdict(bed.token(k1)), 'ok');
    assert.equal(bed.keys.status.lastError?.code, 'not_jwks');
  });

  it('a set without a usable key: the old ones are gone, it is said why, and it is asked again soon', async () => {
    await bed.keys.start();
    bed.published = [{ ...k1.jwk, use: 'enc' }, null];
    await pass(REFRESH_INTERVAL_MS);
    assert.equal(await bed.verdict(bed.token(k1)), 'keys_unavailable');
    assert.equal(bed.keys.status.lastError?.code, 'no_usable_key');
    bed.published = [k1.jwk];
    await pass(COOLDOWN_MS);
    assert.equal(await bed.verdict(bed.token(k1)), 'ok');
    assert.equal(bed.keys.status.lastError, undefined);
  });

  it('a clock that is set back does not keep a new key out', async () => {
    await bed.keys.start();
    await bed.verdict(bed.token(unknown('x')));
    bed.now -= 3_600_000;
    bed.published.push(k2.jwk);
    assert.equal(await bed.verdict(bed.token(k2)), 'ok');
  });

  it('after the signal nothing is fetched any more', async () => {
    await bed.keys.start();
    bed.stop();
    await pass(REFRESH_INTERVAL_MS * 3);
    assert.equal(bed.fetches, 1);
  });
});
