// Used proofs are remembered for as long as they could be used again, in bounded memory; no client can push them out.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ReplayCache } from '../../../../src/sidecar/authentication/replay-cache.ts';

const NOW = 1_800_000_000;
const LIFETIME = 60;

describe('the memory of used proofs', () => {
  it('knows a proof again', () => {
    const memory = new ReplayCache();
    assert.equal(memory.recall('alice', 'a', NOW, NOW - LIFETIME), 'new');
    assert.equal(memory.recall('alice', 'a', NOW, NOW - LIFETIME), 'seen');
    assert.equal(memory.recall('alice', 'b', NOW, NOW - LIFETIME), 'new');
  });

  it('when full, takes no more and forgets nothing', () => {
    const memory = new ReplayCache(6);
    for (const id of ['a', 'b', 'c']) assert.equal(memory.recall('alice', id, NOW, NOW - LIFETIME), 'new');
    assert.equal(memory.recall('alice', 'd', NOW, NOW - LIFETIME), 'full');
    assert.equal(memory.recall('alice', 'a', NOW, NOW - LIFETIME), 'seen');
    assert.equal(memory.recall('alice', 'd', NOW, NOW - LIFETIME), 'full', 'and it was not remembered');
    assert.equal(
      memory.recall('alice', 'd', NOW + 120, NOW + 120 - LIFETIME),
      'new',
      'there is room again in time',
    );
    assert.equal(memory.size, 1);
  });

  it('is full for the principal with the most first: one alone has half of it', () => {
    const memory = new ReplayCache(8);
    const results = (owner: string, count: number) =>
      Array.from({ length: count }, (_, i) => memory.recall(owner, `${owner}${i}`, NOW, NOW - LIFETIME));
    assert.deepEqual(results('mallory', 5), ['new', 'new', 'new', 'new', 'full']);
    assert.deepEqual(results('alice', 3), ['new', 'new', 'full']);
    assert.deepEqual(results('bob', 2), ['new', 'full']);
    assert.equal(memory.recall('mallory', 'mallory9', NOW, NOW - LIFETIME), 'full');
    assert.equal(memory.recall('carol', 'carol0', NOW, NOW - LIFETIME), 'new', 'there is room for another');
    assert.equal(
      memory.recall('mallory', 'mallory0', NOW, NOW - LIFETIME),
      'seen',
      'nothing is forgotten for it',
    );
    for (const owner of ['alice', 'bob', 'mallory'])
      assert.equal(
        memory.recall(owner, `later ${owner}`, NOW + 120, NOW + 60),
        'new',
        'there is room again in time',
      );
    assert.equal(memory.size, 3);
  });

  it('does not know again what a clock set back brings back, and refuses it', () => {
    const memory = new ReplayCache();
    assert.equal(memory.recall('alice', 'a', NOW, NOW - LIFETIME), 'new');
    assert.equal(memory.recall('alice', 'b', NOW + 300, NOW + 300 - LIFETIME), 'new');
    assert.equal(memory.recall('alice', 'a', NOW, NOW - LIFETIME), 'too_old');
  });

  it('refuses what a longer lifetime would bring back', () => {
    const memory = new ReplayCache();
    assert.equal(memory.recall('alice', 'a', NOW, NOW - 10), 'new');
    assert.equal(memory.recall('alice', 'b', NOW + 100, NOW + 90), 'new');
    assert.equal(memory.recall('alice', 'a', NOW, NOW + 100 - 300), 'too_old');
  });

  it('lets no proof pass twice within its lifetime, in whatever order proofs come, and stays bounded', () => {
    const steps = fc.array(
      fc.record({
        after: fc.integer({ min: 0, max: 20 }),
        id: fc.integer({ min: 0, max: 5 }),
        offset: fc.integer({ min: -60, max: 60 }),
      }),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(steps, (proofs) => {
        const memory = new ReplayCache();
        const passed = new Set<string>();
        let now = NOW;
        for (const { after, id, offset } of proofs) {
          now += after;
          const issuedAt = now + offset;
          const proof = `${id}@${issuedAt}`;
          if (memory.recall('alice', proof, issuedAt, now - LIFETIME) !== 'new') continue;
          assert.ok(!passed.has(proof), proof);
          passed.add(proof);
        }
        assert.ok(memory.size <= passed.size);
      }),
    );
  });
});
