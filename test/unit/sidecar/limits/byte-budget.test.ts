// Bytes of bodies shared among principals: when there is no room, the one with the most loses its largest body.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ByteBudget, type BudgetedBody } from '../../../../src/sidecar/limits/byte-budget.ts';

class Body implements BudgetedBody {
  taken = 0;
  isEvictable = true;
  isEvicted = false;
  readonly owner: string;
  readonly #budget: ByteBudget;

  constructor(budget: ByteBudget, owner: string) {
    this.#budget = budget;
    this.owner = owner;
  }

  take(bytes: number): boolean {
    const isTaken = this.#budget.take(this, bytes);
    if (!isTaken) this.give();
    return isTaken;
  }

  give(): void {
    this.#budget.give(this);
  }

  evict(): void {
    this.isEvicted = true;
    this.give();
  }
}

describe('a full budget', () => {
  it('takes the largest body of the principal with the most, whoever comes', () => {
    const budget = new ByteBudget(100);
    const mallory = [10, 40, 30].map((bytes) => {
      const body = new Body(budget, 'mallory');
      assert.ok(body.take(bytes));
      return body;
    });
    const bob = new Body(budget, 'bob');
    assert.ok(bob.take(20));
    const alice = new Body(budget, 'alice');
    assert.ok(alice.take(5));
    assert.deepEqual(
      mallory.map(({ isEvicted }) => isEvicted),
      [false, true, false],
    );
    assert.equal(bob.isEvicted, false);
    assert.equal(budget.taken, 65);
  });

  it('takes as many as are needed', () => {
    const budget = new ByteBudget(100);
    const mallory = Array.from({ length: 100 }, () => new Body(budget, 'mallory'));
    for (const body of mallory) assert.ok(body.take(1));
    assert.ok(new Body(budget, 'alice').take(30));
    assert.equal(mallory.filter(({ isEvicted }) => isEvicted).length, 30);
  });

  const refused: Readonly<
    Record<string, (budget: ByteBudget) => BudgetedBody & { take(bytes: number): boolean }>
  > = {
    'the one that has most': (budget) => new Body(budget, 'mallory'),
    'one that would have most': (budget) => {
      new Body(budget, 'alice').take(20);
      return new Body(budget, 'alice');
    },
    'one more than is there in all': (budget) => new Body(budget, 'greedy'),
  };
  for (const [name, asking] of Object.entries(refused)) {
    it(`refuses ${name}, and takes nothing from others`, () => {
      const budget = new ByteBudget(100);
      const held = new Body(budget, 'mallory');
      assert.ok(held.take(80));
      const body = asking(budget);
      const before = budget.taken;
      assert.equal(body.take(101), false);
      assert.equal(body.owner === 'mallory' ? body.take(21) : body.take(81), false);
      assert.equal(held.isEvicted, false);
      assert.equal(budget.taken, before);
    });
  }

  it('refuses when what others have cannot be given up any more', () => {
    const budget = new ByteBudget(100);
    const sent = new Body(budget, 'mallory');
    assert.ok(sent.take(90));
    sent.isEvictable = false;
    assert.equal(new Body(budget, 'alice').take(20), false);
    assert.ok(new Body(budget, 'alice').take(10));
    sent.give();
    assert.equal(budget.taken, 10);
  });

  it('gives back once', () => {
    const budget = new ByteBudget(10);
    const body = new Body(budget, 'alice');
    assert.ok(body.take(5) && body.take(5));
    body.give();
    body.give();
    assert.equal(budget.taken, 0);
  });

  it('never takes from a principal with less than the one that asks gets, and adds up', () => {
    const step = fc.record({ owner: fc.nat(4), bytes: fc.integer({ min: 1, max: 40 }), gives: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const budget = new ByteBudget(100);
        const bodies: Body[] = [];
        const bytesOf = (owner: string) =>
          bodies.reduce((sum, body) => sum + (body.owner === owner ? body.taken : 0), 0);
        for (const { owner, bytes, gives } of steps) {
          const body = new Body(budget, String(owner));
          if (gives) {
            bodies.find((other) => other.owner === body.owner && other.taken > 0)?.give();
            continue;
          }
          bodies.push(body);
          const before = bodies.map((other) => ({ other, had: other.taken, share: bytesOf(other.owner) }));
          const wanted = bytesOf(body.owner) + bytes;
          body.take(bytes);
          for (const { other, had, share } of before)
            if (other !== body && other.taken < had) assert.ok(share > wanted, `${share} > ${wanted}`);
          assert.equal(
            budget.taken,
            bodies.reduce((sum, each) => sum + each.taken, 0),
          );
          assert.ok(budget.taken <= 100);
        }
      }),
    );
  });
});
