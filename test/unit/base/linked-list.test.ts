// The linked list against an array.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { LinkedList, type ListNode } from '../../../src/base/linked-list.ts';

function itemsOf<T>(list: LinkedList<T>): T[] {
  const items: T[] = [];
  for (let node = list.first; node !== undefined; node = node.after) items.push(node.item);
  return items;
}

/** The same, from the end: the links must agree in both directions. */
function reversed<T>(list: LinkedList<T>): T[] {
  let last = list.first;
  while (last?.after !== undefined) last = last.after;
  const items: T[] = [];
  for (let node = last; node !== undefined; node = node.before) items.push(node.item);
  return items;
}

it('holds what an array holds after any sequence', () => {
  const steps = fc.array(fc.tuple(fc.constantFrom('push', 'remove', 'moveToEnd'), fc.nat(20)), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(steps, (taken) => {
      const list = new LinkedList<number>();
      let nodes: ListNode<number>[] = [];
      taken.forEach(([step, at], item) => {
        const node = nodes[at % Math.max(1, nodes.length)];
        if (step === 'push') nodes.push(list.push(item));
        else if (node !== undefined) {
          list[step](node);
          nodes = nodes.filter((each) => each !== node);
          if (step === 'moveToEnd') nodes.push(node);
        }
        const expected = nodes.map((each) => each.item);
        assert.deepEqual(itemsOf(list), expected);
        assert.deepEqual(reversed(list), expected.toReversed());
        assert.equal(list.size, expected.length);
        assert.equal(list.first?.item, expected[0]);
      });
    }),
  );
});
