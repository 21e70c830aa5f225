// Puts both arrangements into situations, one test each: what is seen is the same, or there is a reason why it is not.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Pair } from './pair.ts';
import type { Situation } from './situation.ts';
import type { Row } from './table.ts';

/** Pair and world are made before the tests run, and after they are declared. */
export interface Comparison<World> {
  readonly situations: readonly Situation<World>[];
  readonly pair: () => Pair;
  readonly world: () => World;
  /** Gets what was seen, whether it is as it should be or not. */
  readonly record: (row: Row) => void | Promise<void>;
}

export function compareAll<World>({ situations, pair, world, record }: Comparison<World>): void {
  for (const { name, see, why } of situations) {
    it(name, async () => {
      const withCode = await see(pair().withCode, world());
      const behindSidecar = await see(pair().behindSidecar, world());
      await record({ situation: name, withCode, behindSidecar, why });
      if (why === undefined) assert.equal(behindSidecar, withCode, 'they differ, and nothing says why');
      else assert.notEqual(behindSidecar, withCode, 'they do not differ (any more): take the reason away');
    });
  }
}
