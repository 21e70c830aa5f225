// DPoP over time: when a proof is good, when a nonce is, and what happens when the memory of used proofs is full.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Denial } from '../../../../src/sidecar/denial/denial.ts';
import { DpopNonces } from '../../../../src/sidecar/authentication/dpop-nonce.ts';
import { DpopVerifier } from '../../../../src/sidecar/authentication/dpop.ts';
import { ReplayCache } from '../../../../src/sidecar/authentication/replay-cache.ts';
import { digestOf } from '../../../../src/sidecar/tokens/token-cache.ts';
import { DpopClient, RESOURCE } from '../../../kit/dpop.ts';

const LIFETIME = 60;
const TOKEN = 'a-token';

let client: DpopClient;
before(async () => {
  client = await DpopClient.create();
});

/** A verifier with a clock that a test moves, in seconds. */
class World {
  now = 1_800_000_000;
  readonly nonces = new DpopNonces(() => this.now * 1000);
  readonly #verifier: DpopVerifier;

  constructor({ nonces = false, memory = new ReplayCache() } = {}) {
    const dpop = { mode: 'Accept', proofLifetimeSeconds: LIFETIME, nonces: 'Off' } as const;
    this.#verifier = new DpopVerifier(
      { resource: RESOURCE, dpop },
      { clock: () => this.now * 1000, memory, nonces: nonces ? this.nonces : undefined },
    );
  }

  proof(claims: Record<string, unknown> = {}): string {
    return client.proof({ token: TOKEN, claims: { iat: this.now, ...claims } });
  }

  async verdict(proof: string, isAccepted = false): Promise<string> {
    const presented = { method: 'POST', proof, proofs: 1, isAccepted };
    return outcome(
      await this.#verifier.verify(presented, { digest: digestOf(TOKEN), owner: 'alice', jkt: client.jkt }),
    );
  }
}

function outcome(denial: Denial | undefined): string {
  if (denial === undefined) return 'ok';
  return 'reason' in denial ? denial.reason : denial.kind;
}

describe('a proof', () => {
  for (const [offset, expected] of [
    [-LIFETIME - 1, 'proof_not_of_now'],
    [-LIFETIME, 'ok'],
    [0, 'ok'],
    [LIFETIME, 'ok'],
    [LIFETIME + 1, 'proof_not_of_now'],
  ] as const) {
    it(`made ${offset} s from now: ${expected}`, async () => {
      const world = new World();
      assert.equal(await world.verdict(world.proof({ iat: world.now + offset })), expected);
    });
  }

  it('passes once in all its life', async () => {
    const world = new World();
    const proof = world.proof({ iat: world.now + LIFETIME });
    assert.equal(await world.verdict(proof), 'ok');
    for (let at = 0; at < 3 * LIFETIME; at += 7) {
      world.now += 7;
      assert.ok(['replayed_proof', 'proof_not_of_now'].includes(await world.verdict(proof)), String(at));
    }
  });

  it('stays with the request that used it, whatever the time; it is not used for it again', async () => {
    const memory = new ReplayCache(1);
    const world = new World({ memory, nonces: true });
    const proof = world.proof({ nonce: world.nonces.current });
    assert.equal(await world.verdict(proof), 'ok');
    world.now += 3_600;
    assert.equal(await world.verdict(proof, true), 'ok');
    assert.equal(memory.size, 1);
    for (const [changes, expected] of [
      [{ htm: 'GET' }, 'wrong_proof_method'],
      [{ htu: 'https://other.test/mcp' }, 'wrong_proof_uri'],
      [{ ath: 'x' }, 'proof_of_another_token'],
      [{ jti: undefined }, 'no_proof_id'],
      [{ iat: 'now' }, 'proof_not_of_now'],
    ] as const)
      assert.equal(await world.verdict(world.proof(changes), true), expected);
    assert.equal(await world.verdict(`${proof.slice(0, -6)}AAAAAA`, true), 'bad_proof_signature');
  });

  it('is refused, and not by the fault of the client, when no more can be remembered', async () => {
    const world = new World({ memory: new ReplayCache(1) });
    assert.equal(await world.verdict(world.proof()), 'ok');
    assert.equal(await world.verdict(world.proof()), 'replay_memory_full');
    world.now += 2 * LIFETIME;
    assert.equal(await world.verdict(world.proof()), 'ok');
  });

  it('that is wrong takes no room in the memory', async () => {
    const memory = new ReplayCache();
    const world = new World({ memory, nonces: true });
    await world.verdict(world.proof({ htm: 'GET' }));
    await world.verdict(world.proof({ ath: 'x' }));
    await world.verdict(world.proof());
    const forged = world.proof({ nonce: world.nonces.current });
    await world.verdict(`${forged.slice(0, -6)}AAAAAA`);
    assert.equal(memory.size, 0);
  });
});

describe('a nonce', () => {
  it('is good for a while after the next one, then no more', async () => {
    const world = new World({ nonces: true });
    const nonce = world.nonces.current;
    assert.equal(await world.verdict(world.proof({ nonce })), 'ok');
    world.now += 60;
    assert.notEqual(world.nonces.current, nonce);
    assert.equal(await world.verdict(world.proof({ nonce })), 'ok');
    world.now += 60;
    assert.equal(await world.verdict(world.proof({ nonce })), 'use_dpop_nonce');
  });

  it('cannot be told from the time: another process has others', () => {
    const clock = () => 1_800_000_000_000;
    assert.notEqual(new DpopNonces(clock).current, new DpopNonces(clock).current);
    assert.equal(new DpopNonces(clock).accepts(new DpopNonces(clock).current), false);
  });

  it('of the future is none', () => {
    let now = 1_800_000_000_000;
    const nonces = new DpopNonces(() => now);
    now += 60_000;
    const later = nonces.current;
    now -= 60_000;
    assert.equal(nonces.accepts(later), false);
  });

  for (const nonce of [undefined, null, '', 1, [], {}]) {
    it(`is not ${JSON.stringify(nonce)}`, async () => {
      const world = new World({ nonces: true });
      assert.equal(await world.verdict(world.proof({ nonce })), 'use_dpop_nonce');
    });
  }
});
