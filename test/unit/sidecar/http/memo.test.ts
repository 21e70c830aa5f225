// What is remembered of names that others choose, and how much.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { boundedMemo } from '../../../../src/sidecar/http/memo.ts';

function counting(limit: number) {
  let computed = 0;
  const memo = boundedMemo(limit, (name) => `${name}${++computed}`);
  return { memo, computed: () => computed };
}

describe('a memo', () => {
  it('computes once for each name, up to its limit', () => {
    const { memo, computed } = counting(2);
    for (const name of ['a', 'b', 'a', 'b', 'a']) memo(name);
    assert.equal(computed(), 2);
    for (let i = 0; i < 3; i++) memo('c');
    assert.equal(computed(), 5);
  });

  it('does not keep long names: they are chosen by others, and would take memory for good', () => {
    const { memo, computed } = counting(2);
    for (let i = 0; i < 3; i++) memo('x'.repeat(129));
    assert.equal(computed(), 3);
    for (let i = 0; i < 3; i++) memo('x'.repeat(128));
    assert.equal(computed(), 4);
  });
});
