// Long work in steps: one for each turn of the event loop, in turns by owner.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Turns } from '../../../../src/sidecar/limits/turns.ts';

/** Turns of an event loop that a test runs, and the order of the steps. */
class World {
  readonly done: string[] = [];
  readonly #scheduled: (() => void)[] = [];
  readonly turns = new Turns((run) => void this.#scheduled.push(run));

  add(owner: string, name: string, steps: number): void {
    let left = steps;
    this.turns.add(owner, {
      step: () => {
        this.done.push(name);
        return --left > 0;
      },
    });
  }

  /** @returns whether there was something to run */
  turn(): boolean {
    assert.ok(this.#scheduled.length <= 1, 'one step a turn');
    const run = this.#scheduled.shift();
    run?.();
    return run !== undefined;
  }

  runAll(): string {
    while (this.turn());
    return this.done.join(' ');
  }
}

describe('steps', () => {
  it('are not taken at once, and one in each turn', () => {
    const world = new World();
    world.add('alice', 'a', 3);
    assert.deepEqual(world.done, []);
    world.turn();
    assert.deepEqual(world.done, ['a']);
    assert.equal(world.runAll(), 'a a a');
    assert.equal(world.turn(), false);
  });

  it('of one owner come in order, and a hundred works of one do not keep back another', () => {
    const world = new World();
    for (let i = 0; i < 100; i++) world.add('mallory', `m${i}`, 100);
    world.add('alice', 'a', 3);
    for (let i = 0; i < 6; i++) world.turn();
    assert.equal(world.done.join(' '), 'm0 a m0 a m0 a');
  });

  it('go round all owners', () => {
    const world = new World();
    world.add('a', 'a', 2);
    world.add('b', 'b', 1);
    world.add('c', 'c', 3);
    assert.equal(world.runAll(), 'a b c a c c');
  });

  it('begin again after all was done, also from within a step', () => {
    const world = new World();
    world.turns.add('a', {
      step: () => {
        world.add('a', 'second', 1);
        world.add('b', 'other', 1);
        return false;
      },
    });
    world.add('a', 'first', 1);
    assert.equal(world.runAll(), 'other first second');
    world.add('a', 'third', 1);
    assert.equal(world.runAll(), 'other first second third');
  });
});
