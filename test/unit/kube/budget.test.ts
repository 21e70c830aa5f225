// What one namespace can make a store hold, and that it costs no other anything.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Budget, heapBytes, stubBytes } from '../../../src/kube/budget.ts';
import { Store } from '../../../src/kube/store.ts';
import { configMap, owned, type ConfigMap } from './objects.ts';

const KIB = 1024;
const LIMITS = { namespace: 100 * KIB, total: 250 * KIB, reserved: 20 * KIB };

function large(name: string, namespace = 'demo', version = '1', length = 30 * KIB): ConfigMap {
  return { ...configMap(name, version, namespace), data: { text: 'x'.repeat(length) } };
}

function stores() {
  const budget = new Budget(LIMITS);
  const [one, two] = [
    new Store<ConfigMap>(undefined, { budget }),
    new Store<ConfigMap>(undefined, { budget }),
  ];
  const stubs = (store: Store<ConfigMap>) =>
    store.list().flatMap((object) => (stubBytes(object) === undefined ? [] : object.metadata.name));
  return { one, two, stubs };
}

describe('a store with a budget', () => {
  it('keeps whole what has room, and of the rest that it exists', () => {
    const { one, stubs } = stores();
    for (const name of ['a', 'b', 'c', 'd', 'e']) one.set(owned(large(name), 'u1'));
    assert.deepEqual(stubs(one), ['d', 'e']);
    const stub = one.get('demo/d');
    assert.deepEqual(
      [stub?.data, stub?.metadata.uid, stub?.metadata.resourceVersion],
      [undefined, 'uid-d', '1'],
    );
    assert.equal(one.by('controller', 'u1').length, 5, 'it is found by its owner');
  });
  it('counts all stores together, and each namespace by itself', () => {
    const { one, two, stubs } = stores();
    for (const name of ['a', 'b']) one.set(large(name));
    for (const name of ['a', 'b']) two.set(large(name));
    one.set(large('a', 'other'));
    assert.deepEqual([stubs(one), stubs(two)], [[], ['b']]);
  });
  it('always has room for a little of each namespace', () => {
    const { one, stubs } = stores();
    for (const namespace of ['n1', 'n2', 'n3', 'n4'])
      for (const name of ['a', 'b', 'c']) one.set(large(`${namespace}-${name}`, namespace));
    assert.ok(stubs(one).length >= 4, 'the total is used up');
    one.set(large('small', 'n5', '1', 10 * KIB));
    assert.ok(!stubs(one).includes('small'));
  });
  it('gives back what is deleted, or becomes smaller', () => {
    const { one, stubs } = stores();
    for (const name of ['a', 'b', 'c', 'd', 'e']) one.set(large(name));
    one.delete('demo/a');
    one.set(large('b', 'demo', '2', 10));
    const changes = one.replace({ items: ['c', 'd', 'e'].map((name) => large(name)), resourceVersion: '9' });
    assert.deepEqual(stubs(one), []);
    assert.deepEqual(
      changes.map(({ type, object }) => `${type} ${object.metadata.name}`),
      ['deleted b', 'changed d', 'changed e'],
      'what has room now is a change',
    );
  });
  it('tells of no change while an object stays a stub', () => {
    const { one } = stores();
    for (const name of ['a', 'b', 'c', 'd']) one.set(large(name));
    assert.equal(one.set(large('d')), undefined);
    assert.equal(one.set(large('d', 'demo', '2'))?.type, 'changed');
  });
  it('makes no stub of what it is to keep whole, which still takes its bytes', () => {
    const budget = new Budget(LIMITS);
    const keepWhole = ({ metadata }: ConfigMap) => metadata.name === 'key';
    const store = new Store<ConfigMap>(undefined, { budget, keepWhole });
    for (const name of ['a', 'b', 'c', 'd']) store.set(large(name));
    store.set(large('key'));
    const listed = store.incoming(large('key', 'demo', '2'));
    assert.deepEqual(
      ['a', 'b', 'c', 'd', 'key'].filter((name) => stubBytes(store.get(`demo/${name}`)!) !== undefined),
      ['d'],
    );
    assert.equal(stubBytes(listed), undefined);
    store.abandon();
    store.delete('demo/a');
    store.set(large('d', 'demo', '2'));
    assert.notEqual(stubBytes(store.get('demo/d')!), undefined, 'its bytes are taken');
    store.delete('demo/key');
    store.set(large('d', 'demo', '3'));
    assert.equal(stubBytes(store.get('demo/d')!), undefined, 'and given back');
  });
  it('is not overrun by a list that is being read', () => {
    const { one, stubs } = stores();
    const kept = Array.from({ length: 9 }, (_, index) => one.incoming(large(`a${index}`)));
    assert.equal(kept.filter((object) => stubBytes(object) === undefined).length, 3);
    one.abandon();
    const again = Array.from({ length: 9 }, (_, index) => one.incoming(large(`a${index}`)));
    one.replace({ items: again, resourceVersion: '9' });
    assert.equal(stubs(one).length, 6);
    assert.equal(one.incoming(large('a0')), one.get('demo/a0'), 'what is known is not held twice');
  });
});

describe('the size of a value', () => {
  const rows: readonly [what: string, value: unknown, least: number][] = [
    ['a long text', 'x'.repeat(10_000), 10_000],
    ['one beyond Latin-1', '\u0416'.repeat(10_000), 20_000],
    ['a long name', { ['x'.repeat(10_000)]: 1 }, 10_000],
    ['many empty lists', Array.from({ length: 1_000 }, () => []), 60_000],
    ['many numbers', Array.from({ length: 1_000 }, () => 1), 20_000],
  ];
  for (const [what, value, least] of rows)
    it(`counts ${what}`, () => assert.ok(heapBytes(value) >= least, String(heapBytes(value))));
  it('does not depend on depth', () => {
    let deep: unknown = 'x';
    for (let depth = 0; depth < 100_000; depth++) deep = [deep];
    assert.ok(heapBytes(deep) > 100_000);
  });
});
