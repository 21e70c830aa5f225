// When an issuer's keys are fetched, how long they count, and that a verdict never outlives its key.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it, mock } from 'node:test';
import { COOLDOWN_MS, MAX_STALE_MS, REFRESH_INTERVAL_MS } from '../../../../src/sidecar/issuers/jwks.ts';
import { signingKey, type SigningKey } from '../../../kit/issuer.ts';
import { Judge } from '../../../support/judge.ts';

let k1: SigningKey;
let k2: SigningKey;
let judge: Judge;
before(async () => {
  [k1, k2] = await Promise.all([signingKey('k1'), signingKey('k2')]);
  mock.timers.enable({ apis: ['setTimeout'] });
});
after(() => mock.timers.reset());
beforeEach(() => {
  judge?.stop();
  judge = new Judge(k1);
});

/** Lets time pass, and what it sets off come to its end. */
async function pass(milliseconds: number): Promise<void> {
  judge.now += milliseconds;
  mock.timers.tick(milliseconds);
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

const unknown = (kid: string): SigningKey => ({ ...k2, kid });

describe('a key that the issuer withdraws', () => {
  it('stops working within the refresh interval, for tokens that were accepted before too', async () => {
    await judge.keys.start();
    const token = judge.token(k1, 3600);
    assert.equal(await judge.verdict(token), 'ok');
    assert.ok(judge.remembers(token));
    judge.published = [k2.jwk];
    await pass(REFRESH_INTERVAL_MS);
    assert.equal(await judge.verdict(token), 'unknown_key');
    assert.equal(await judge.verdict(judge.token(k1)), 'unknown_key');
    assert.equal(await judge.verdict(judge.token(k2)), 'ok');
  });

  it('and publishes again works again', async () => {
    await judge.keys.start();
    const token = judge.token(k1, 3600);
    await judge.verdict(token);
    judge.published = [k2.jwk];
    await pass(REFRESH_INTERVAL_MS);
    judge.published = [k1.jwk, k2.jwk];
    await pass(REFRESH_INTERVAL_MS);
    assert.equal(await judge.verdict(token), 'ok');
  });

  it('and replaces by another under the same id: only the new one counts', async () => {
    await judge.keys.start();
    const token = judge.token(k1, 3600);
    assert.equal(await judge.verdict(token), 'ok');
    const successor = { ...k2, kid: 'k1', jwk: { ...k2.jwk, kid: 'k1' } };
    judge.published = [successor.jwk];
    await pass(REFRESH_INTERVAL_MS);
    assert.equal(await judge.verdict(token), 'bad_signature');
    assert.equal(await judge.verdict(judge.token(successor)), 'ok');
  });

  it('does not disturb what is remembered of a key that stays', async () => {
    judge.published = [k1.jwk, k2.jwk];
    await judge.keys.start();
    const token = judge.token(k1, 3600);
    await judge.verdict(token);
    judge.published = [k1.jwk];
    await pass(REFRESH_INTERVAL_MS);
    assert.ok(judge.remembers(token));
  });
});

describe('a remembered verdict', () => {
  it('ends with the token, give or take the skew', async () => {
    await judge.keys.start();
    const token = judge.token(k1, 60);
    assert.equal(await judge.verdict(token), 'ok');
    await pass(64_999);
    assert.equal(await judge.verdict(token), 'ok');
    assert.ok(judge.remembers(token));
    await pass(1);
    assert.equal(await judge.verdict(token), 'expired');
  });

  it('does not outlive the trust in keys that could not be refreshed', async () => {
    await judge.keys.start();
    const token = judge.token(k1, (MAX_STALE_MS / 1000) * 2);
    assert.equal(await judge.verdict(token), 'ok');
    judge.up = false;
    await pass(MAX_STALE_MS + 1);
    assert.equal(await judge.verdict(token), 'keys_unavailable');
  });
});

describe('a new key', () => {
  it('works at once, the first time that a token names it', async () => {
    await judge.keys.start();
    judge.published.push(k2.jwk);
    const verdicts = await Promise.all(Array.from({ length: 1_000 }, () => judge.verdict(judge.token(k2))));
    assert.deepEqual([...new Set(verdicts)], ['ok']);
    assert.equal(judge.fetches, 2);
  });

  it('is found by the refresh too', async () => {
    await judge.keys.start();
    judge.published.push(k2.jwk);
    await pass(REFRESH_INTERVAL_MS);
    assert.equal(judge.fetches, 2);
    assert.equal(await judge.verdict(judge.token(k2)), 'ok');
    assert.equal(judge.fetches, 2);
  });
});

describe('made-up key ids', () => {
  it('cause one fetch within a cool-down', async () => {
    await judge.keys.start();
    for (let i = 0; i < 100; i++)
      assert.equal(await judge.verdict(judge.token(unknown(`x${i}`))), 'unknown_key');
    assert.ok(judge.fetches <= 2, `${judge.fetches} fetches`);
    await pass(COOLDOWN_MS);
    const { fetches } = judge;
    for (let i = 0; i < 100; i++) await judge.verdict(judge.token(unknown(`y${i}`)));
    assert.equal(judge.fetches - fetches, 1);
  });

  it('cause no more while fetches fail', async () => {
    await judge.keys.start();
    await pass(COOLDOWN_MS);
    judge.up = false;
    const { fetches } = judge;
    for (let i = 0; i < 100; i++)
      assert.equal(await judge.verdict(judge.token(unknown(`x${i}`))), 'keys_unavailable');
    assert.equal(judge.fetches - fetches, 1);
  });

  it('cause no more while there never was a key', async () => {
    judge.up = false;
    await judge.keys.start();
    for (let i = 0; i < 100; i++)
      assert.equal(await judge.verdict(judge.token(unknown(`x${i}`))), 'keys_unavailable');
    assert.equal(judge.fetches, 1);
  });
});

describe('while the issuer is down', () => {
  it('known keys work until they are a day old', async () => {
    await judge.keys.start();
    judge.up = false;
    await pass(MAX_STALE_MS);
    assert.equal(await judge.verdict(judge.token(k1)), 'ok');
    await pass(1);
    assert.equal(await judge.verdict(judge.token(k1)), 'keys_unavailable');
    assert.equal(judge.keys.available, false);
    judge.up = true;
    await pass(COOLDOWN_MS);
    assert.equal(await judge.verdict(judge.token(k1)), 'ok');
  });

  it('it is asked again and again: soon at first, never more often than the cool-down in the end', async () => {
    judge.up = false;
    await judge.keys.start();
    const gaps: number[] = [];
    let last = 0;
    for (let elapsed = 100; elapsed <= 60_000; elapsed += 100) {
      const { fetches } = judge;
      await pass(100);
      if (judge.fetches > fetches) gaps.push(elapsed - last);
      if (judge.fetches > fetches) last = elapsed;
    }
    assert.deepEqual(gaps, [500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000, 10_000]);
  });

  it('an answer that is no key set changes nothing', async () => {
    await judge.keys.start();
    judge.published = undefined as unknown as unknown[]; // `{}` on the wire
    await pass(REFRESH_INTERVAL_MS);
    assert.equal(await judge.verdict(judge.token(k1)), 'ok');
    assert.equal(judge.keys.status.lastError?.code, 'not_jwks');
  });

  it('a set without a usable key: the old ones are gone, it is said why, and it is asked again soon', async () => {
    await judge.keys.start();
    judge.published = [{ ...k1.jwk, use: 'enc' }, null];
    await pass(REFRESH_INTERVAL_MS);
    assert.equal(await judge.verdict(judge.token(k1)), 'keys_unavailable');
    assert.equal(judge.keys.status.lastError?.code, 'no_usable_key');
    judge.published = [k1.jwk];
    await pass(COOLDOWN_MS);
    assert.equal(await judge.verdict(judge.token(k1)), 'ok');
    assert.equal(judge.keys.status.lastError, undefined);
  });

  it('a clock that is set back does not keep a new key out', async () => {
    await judge.keys.start();
    await judge.verdict(judge.token(unknown('x')));
    judge.now -= 3_600_000;
    judge.published.push(k2.jwk);
    assert.equal(await judge.verdict(judge.token(k2)), 'ok');
  });

  it('after the signal nothing is fetched any more', async () => {
    await judge.keys.start();
    judge.stop();
    await pass(REFRESH_INTERVAL_MS * 3);
    assert.equal(judge.fetches, 1);
  });
});
