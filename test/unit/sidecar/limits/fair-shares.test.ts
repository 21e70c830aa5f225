// Places shared among owners: nobody gets them all, whatever the order, and each is given back.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FairShares, type Share } from '../../../../src/sidecar/limits/fair-shares.ts';

/** As many as an owner gets, and how many those are. */
function takeAll(shares: FairShares, owner: string): number {
  for (let count = 0; ; count++) if (shares.enter(owner) === undefined) return count;
}

describe('shares', () => {
  it('of one alone are half of all', () => {
    for (const places of [1, 2, 3, 10, 1_001])
      assert.equal(takeAll(new FairShares(places), 'a'), Math.ceil(places / 2), String(places));
  });

  for (const owners of [1, 2, 3, 10, 63]) {
    it(`of ${owners} that take what they can, in turns, are equal, and one more owner has room`, () => {
      const shares = new FairShares(640);
      const taken = Array<number>(owners).fill(0);
      for (let round = 0; round < 640; round++)
        for (let owner = 0; owner < owners; owner++)
          if (shares.enter(String(owner)) !== undefined) taken[owner] = (taken[owner] ?? 0) + 1;
      assert.ok(Math.max(...taken) - Math.min(...taken) <= 1, String(taken));
      assert.ok(Math.max(...taken) <= Math.ceil(640 / (owners + 1)));
      assert.ok(takeAll(shares, 'late') >= 1);
    });
  }

  it('are refused to the owner with the most, and not to one with fewer', () => {
    const shares = new FairShares(10);
    assert.equal(takeAll(shares, 'mallory'), 5);
    for (let i = 0; i < 3; i++) assert.notEqual(shares.enter('alice'), undefined);
    assert.equal(shares.enter('mallory'), undefined);
    assert.notEqual(shares.enter('bob'), undefined);
  });

  it('of owners without a place take no memory for long', () => {
    const shares = new FairShares(4);
    for (let i = 0; i < 100_000; i++) {
      const share = shares.enter(`owner ${i}`);
      assert.ok(share);
      shares.leave(share);
    }
    assert.equal(shares.total, 0);
    assert.equal(takeAll(shares, 'a'), 2);
  });

  it('never exceed the places, never refuse the one with the least while there is one, and balance', () => {
    const step = fc.record({ owner: fc.nat(5), leaves: fc.boolean() });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.array(step, { maxLength: 300 }), (places, steps) => {
        const shares = new FairShares(places);
        const held: Share[][] = Array.from({ length: 6 }, () => []);
        for (const { owner, leaves } of steps) {
          const own = held[owner] ?? [];
          const share = leaves ? own.pop() : undefined;
          if (share !== undefined) shares.leave(share);
          if (leaves) continue;
          const free = places - shares.total;
          const entered = shares.enter(String(owner));
          assert.equal(entered !== undefined, own.length < free);
          if (entered !== undefined) own.push(entered);
          if (entered === undefined && free > 0) assert.ok(own.length > 0, 'there is room for who has none');
          const total = held.reduce((sum, { length }) => sum + length, 0);
          assert.equal(shares.total, total);
          assert.ok(total <= places);
        }
      }),
    );
  });
});
