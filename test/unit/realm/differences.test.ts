// The managed fields of an object, compared with the object that exists.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { differences, withChanges, type Owned, type Rule } from '../../../src/realm/differences.ts';

const own = (rule: Rule, value: unknown, path = ['field']): Owned => ({ path, rule, value });

describe('a field is left alone', () => {
  const rows: readonly [string, object, Owned][] = [
    ['when it is equal', { field: true }, own('equals', true)],
    ['when a list is equal', { field: ['true'] }, own('equals', ['true'])],
    ['when it must be absent and is', {}, own('equals', undefined)],
    ['when it must be absent and is empty', { field: '' }, own('equals', undefined)],
    ['when a list holds ours and more', { field: ['theirs', 'ours'] }, own('contains', ['ours'])],
    ['when nothing must be in a list that is not there', {}, own('contains', [])],
    ['when a list lacks what it must', { field: ['theirs'] }, own('lacks', ['ours'])],
    ['when a list that must lack something is not there', {}, own('lacks', ['ours'])],
    ['when it is filled with something else', { field: 'theirs' }, own('filled', 'ours')],
    ['when it is deep down and equal', { a: { 'b.c': 1 } }, own('equals', 1, ['a', 'b.c'])],
  ];
  for (const [name, found, owned] of rows)
    it(name, () => assert.deepEqual(differences(found as Record<string, unknown>, [owned]), []));
});

describe('a field is changed', () => {
  const rows: readonly [string, object, Owned, object][] = [
    ['when it differs', { field: 1, other: 2 }, own('equals', 3), { field: 3, other: 2 }],
    ['when its type differs', { field: 'true' }, own('equals', true), { field: true }],
    ['when it is missing', {}, own('equals', true), { field: true }],
    ['when it must be absent', { field: 'x', other: 2 }, own('equals', undefined), { other: 2 }],
    [
      'when a list lacks ours: added at its end',
      { field: ['b'] },
      own('contains', ['a', 'b']),
      { field: ['b', 'a'] },
    ],
    ['when the list is missing', {}, own('contains', ['a']), { field: ['a'] }],
    ['when a list holds what it must lack', { field: ['a', 'b'] }, own('lacks', ['a']), { field: ['b'] }],
    ['when it is empty and must be filled', { field: '' }, own('filled', 'a'), { field: 'a' }],
    ['when its parent is missing', {}, own('equals', 1, ['a', 'b']), { a: { b: 1 } }],
    ['beside its siblings', { a: { b: 1, c: 2 } }, own('equals', 3, ['a', 'b']), { a: { b: 3, c: 2 } }],
  ];
  for (const [name, found, owned, expected] of rows)
    it(name, () => {
      const before = structuredClone(found) as Record<string, unknown>;
      assert.deepEqual(withChanges(before, differences(before, [owned])), expected);
      assert.deepEqual(before, found, 'the object that was found is not touched');
      const after = withChanges(before, differences(before, [owned]));
      assert.deepEqual(differences(after, [owned]), [], 'a second comparison finds nothing');
    });
});
