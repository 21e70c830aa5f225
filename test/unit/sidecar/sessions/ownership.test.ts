// The owner with the most items, against a search through all.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import type { ListNode } from '../../../../src/base/linked-list.ts';
import { OwnerCounts, type Owner } from '../../../../src/sidecar/sessions/ownership.ts';

it('there is none without items', () => {
  const counts = new OwnerCounts<string>();
  assert.equal(counts.largest, undefined);
  const { owner, node } = counts.add('alice', 'a1');
  assert.equal(counts.largest, owner);
  counts.remove(owner, node);
  assert.equal(counts.largest, undefined);
});

it('among equals it is the owner that has had so many for longest', () => {
  const counts = new OwnerCounts<string>();
  const alice = counts.add('alice', 'a1');
  counts.add('bob', 'b1');
  assert.equal(counts.largest?.name, 'alice');
  counts.add('alice', 'a2');
  counts.remove(alice.owner, alice.node);
  assert.equal(counts.largest?.name, 'bob');
});

it('keeps the items of an owner, the oldest first', () => {
  const counts = new OwnerCounts<string>();
  const first = counts.add('alice', 'a1');
  counts.add('alice', 'a2');
  assert.equal(counts.largest?.items.first?.item, 'a1');
  counts.remove(first.owner, first.node);
  assert.equal(counts.largest?.items.first?.item, 'a2');
  assert.equal(counts.largest?.items.size, 1);
});

it('is what a search finds, after any sequence', () => {
  const steps = fc.array(fc.tuple(fc.boolean(), fc.constantFrom('alice', 'bob', 'carol'), fc.nat(20)), {
    maxLength: 80,
  });
  fc.assert(
    fc.property(steps, (taken) => {
      const counts = new OwnerCounts<number>();
      let items: { name: string; owner: Owner<number>; node: ListNode<number> }[] = [];
      const changed = new Map<string, number>();
      taken.forEach(([isAdding, name, at], turn) => {
        const item = items[at % Math.max(1, items.length)];
        if (isAdding) items.push({ name, ...counts.add(name, turn) });
        else if (item !== undefined) {
          counts.remove(item.owner, item.node);
          items = items.filter((each) => each !== item);
        }
        changed.set(isAdding ? name : (item?.name ?? name), turn);
        const count = (owner: string) => items.filter((each) => each.name === owner).length;
        const [largest] = ['alice', 'bob', 'carol']
          .filter((owner) => count(owner) > 0)
          .sort((a, b) => count(b) - count(a) || changed.get(a)! - changed.get(b)!);
        assert.equal(counts.largest?.name, largest);
        assert.equal(counts.largest?.items.size, largest && count(largest));
      });
    }),
  );
});
