// When an object is written, and when not.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hasMembers } from '../../../src/operator/drift.ts';

describe('an object is as desired', () => {
  const rows: readonly [string, unknown, unknown, boolean][] = [
    ['when it is equal', { a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }, true],
    ['when the API server added defaults', { a: { b: 1, c: 2 }, d: 3 }, { a: { b: 1 } }, true],
    [
      'when entries of a list got defaults',
      { ports: [{ port: 1, protocol: 'TCP' }] },
      { ports: [{ port: 1 }] },
      true,
    ],
    ['when an empty object was dropped', { a: 1 }, { a: 1, podTemplate: {} }, true],
    ['not when a value differs', { a: 1 }, { a: 2 }, false],
    ['not when a member is missing', { a: {} }, { a: { b: 1 } }, false],
    [
      'not when a list is longer: a rule that another manager added',
      { ingress: [{}, {}] },
      { ingress: [{}] },
      false,
    ],
    ['not when a list is shorter', { ingress: [] }, { ingress: [{}] }, false],
    ['not when the order differs', { args: ['a', 'b'] }, { args: ['b', 'a'] }, false],
    ['not when the type differs', { a: '1' }, { a: 1 }, false],
    ['not when an object became null', { a: null }, { a: { b: 1 } }, false],
  ];
  for (const [name, live, desired, expected] of rows) {
    it(name, () => assert.equal(hasMembers(live, desired), expected));
  }
});
