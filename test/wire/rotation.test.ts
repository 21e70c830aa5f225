// A rotation of keys while strangers send tokens with made-up key ids: the new key's tokens are told to come again, never
// that they are invalid, and the authorization server is not flooded.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { signingKey } from '../kit/issuer.ts';
import { waitFor } from '../kit/wait.ts';
import { TestBed } from '../support/sidecar.ts';

/** Sends tokens with made-up key ids until told to stop, as an unauthenticated client can. */
class Forger {
  sent = 0;
  readonly statuses = new Set<number>();
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(bed: TestBed, everyMs: number, kidOf: () => string = () => crypto.randomUUID()) {
    this.#running = this.#run(bed, everyMs, kidOf);
  }

  async #run(bed: TestBed, everyMs: number, kidOf: () => string): Promise<void> {
    const calls: Promise<void>[] = [];
    while (!this.#stop.signal.aborted) {
      const token = bed.issuer.token({ header: { kid: kidOf() } });
      calls.push(bed.callWith(token).then(({ status }) => void this.statuses.add(status)));
      this.sent++;
      await delay(everyMs);
    }
    await Promise.all(calls);
  }

  stop(): Promise<void> {
    this.#stop.abort();
    return this.#running;
  }
}

/** Rotates, and calls with a token of the new key until it is accepted. @returns every status before that */
async function rotate(bed: TestBed): Promise<number[]> {
  const next = await signingKey(crypto.randomUUID(), 'ES256');
  bed.issuer.keys = [...bed.issuer.keys, next];
  const token = bed.issuer.token({ key: next });
  const refused: number[] = [];
  await waitFor(
    async () => {
      const answer = await bed.callWith(token);
      if (answer.status === 200) return true;
      refused.push(answer.status);
      if (answer.status === 503) assert.equal(answer.headers['retry-after'], '2');
      return false;
    },
    'the new key to be accepted',
    30_000,
    200,
  );
  return refused;
}

describe('a rotation of keys', () => {
  const floods: Record<string, readonly [everyMs: number, kidOf?: () => string]> = {
    '10 made-up key ids a second': [100],
    '100 made-up key ids a second': [10],
    'the same made-up key id, 20 times a second': [50, () => 'again'],
    'three made-up key ids in turn': [30, () => `turn${Math.floor(Math.random() * 3)}`],
    'key ids of thousands of characters': [50, () => `${'k'.repeat(6_000)}${Math.random()}`],
  };
  for (const [name, [everyMs, kidOf]] of Object.entries(floods)) {
    it(`beside ${name}: no token of the new key is called invalid`, async () => {
      const bed = await TestBed.start({ config: () => ({ logLevel: 'info' }) });
      const forger = new Forger(bed, everyMs, kidOf);
      try {
        const before = bed.issuer.fetches;
        const begun = Date.now();
        // The forger has used up the fetch that unknown key ids may cause.
        await waitFor(
          () => bed.issuer.fetches > before && forger.sent > 5,
          'a forged key id to be looked for',
        );
        const refused = await rotate(bed);
        assert.deepEqual([...new Set(refused)], refused.length > 0 ? [503] : []);
        // One in each cool-down of 10 s, and one of the reserve.
        const coolDowns = Math.ceil((Date.now() - begun) / 10_000) + 1;
        assert.ok(bed.issuer.fetches - before <= 2 * coolDowns, `${bed.issuer.fetches - before} fetches`);
        assert.equal((await bed.callWith(bed.issuer.token())).status, 200, 'a token of the old key');
      } finally {
        await forger.stop();
        assert.deepEqual(
          [...forger.statuses].filter((status) => status !== 401 && status !== 503),
          [],
          'a forged token',
        );
        await bed.stop();
      }
    });
  }

  it('a token of a withdrawn key is refused for good, beside made-up key ids too', async () => {
    const bed = await TestBed.start();
    const [old] = bed.issuer.keys;
    const token = bed.issuer.token({ key: old!, claims: { iat: Math.floor(Date.now() / 1000) - 60 } });
    const forger = new Forger(bed, 50);
    try {
      bed.issuer.keys = bed.issuer.keys.slice(1);
      await waitFor(() => bed.issuer.fetches > 1, 'a forged key id to be looked for');
      await waitFor(async () => (await bed.callWith(token)).status !== 200, 'the old key to be gone');
      assert.equal((await bed.callWith(token)).status, 401);
    } finally {
      await forger.stop();
      await bed.stop();
    }
  });
});
