// What a store knows after which changes, and by which indexes it finds it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { objectKey, ownerKey, splitKey } from '../../../src/kube/object.ts';
import { byController, Store } from '../../../src/kube/store.ts';
import { configMap, owned, type ConfigMap } from './objects.ts';

describe('keys', () => {
  it('hold the namespace, where there is one', () => {
    assert.equal(objectKey(configMap('a')), 'demo/a');
    assert.equal(objectKey({ metadata: { name: 'a' } }), 'a');
    assert.deepEqual(splitKey('demo/a'), { namespace: 'demo', name: 'a' });
    assert.deepEqual(splitKey('a'), { name: 'a' });
  });

  const owner = { apiVersion: 'protectedmcp.dev/v1alpha1', kind: 'ProtectedMcpServer' };
  it('of an owner come from the controller', () => {
    assert.equal(ownerKey(owned(configMap('a'), 'u1'), owner), 'demo/echo');
    assert.equal(
      ownerKey(owned(configMap('a'), 'u1'), { ...owner, apiVersion: 'protectedmcp.dev/v1' }),
      'demo/echo',
    );
  });
  it('of an owner are not those of another', () => {
    assert.equal(ownerKey(configMap('a'), owner), undefined);
    assert.equal(ownerKey(owned(configMap('a'), 'u1', false), owner), undefined, 'not the controller');
    assert.equal(
      ownerKey(owned(configMap('a'), 'u1'), { ...owner, kind: 'Other' }),
      undefined,
      'another kind',
    );
    assert.equal(
      ownerKey(owned(configMap('a'), 'u1'), { ...owner, apiVersion: 'v1' }),
      undefined,
      'another group',
    );
  });
});

describe('a store', () => {
  it('tells what changed', () => {
    const store = new Store<ConfigMap>();
    const [one, two] = [configMap('a', '1'), configMap('a', '2')];
    assert.deepEqual(store.set(one), { type: 'added', object: one });
    assert.deepEqual(store.set(two), { type: 'changed', object: two, previous: one });
    assert.equal(store.set({ ...two }), undefined, 'the same version');
    const last = configMap('a', '3');
    assert.deepEqual(store.delete('demo/a', last), { type: 'deleted', object: last });
    assert.equal(store.delete('demo/a'), undefined);
    assert.equal(store.size, 0);
  });

  it('takes what was deleted and made anew for a change', () => {
    const store = new Store<ConfigMap>();
    store.set(configMap('a', '1'));
    const anew = { ...configMap('a', '1'), metadata: { ...configMap('a', '1').metadata, uid: 'another' } };
    assert.equal(store.set(anew)?.type, 'changed');
  });

  it('counts what a list lacks as deleted', () => {
    const store = new Store<ConfigMap>();
    for (const name of ['a', 'b', 'c']) store.set(configMap(name));
    const changes = store.replace({
      items: [configMap('a'), configMap('b', '2'), configMap('d')],
      resourceVersion: '2',
    });
    assert.deepEqual(
      changes.map(({ type, object }) => `${type} ${object.metadata.name}`),
      ['deleted c', 'changed b', 'added d'],
    );
    assert.deepEqual(store.keys().sort(), ['demo/a', 'demo/b', 'demo/d']);
  });

  it('keeps other namespaces when one is listed', () => {
    const store = new Store<ConfigMap>();
    store.set(configMap('a', '1', 'one'));
    store.set(configMap('b', '1', 'two'));
    assert.equal(store.replace({ items: [], resourceVersion: '2', namespace: 'one' }).length, 1);
    assert.deepEqual(store.keys(), ['two/b']);
  });

  describe('keeps what is newer', () => {
    const versions = (store: Store<ConfigMap>) =>
      store.list().map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`);
    const knowing = (...objects: ConfigMap[]) => {
      const store = new Store<ConfigMap>();
      store.replace({ items: [], resourceVersion: '90' });
      for (const object of objects) store.set(object);
      return store;
    };

    it('than an event, in numbers and not in letters', () => {
      const store = knowing(configMap('a', '102'));
      assert.equal(store.set(configMap('a', '99')), undefined);
      assert.deepEqual(versions(store), ['a 102']);
    });
    it('than an answer that was overtaken', () => {
      const store = knowing(configMap('a', '102'));
      assert.equal(store.learn(configMap('a', '101')), undefined);
      assert.deepEqual(versions(store), ['a 102']);
    });
    it('than the deletion of its predecessor', () => {
      const store = knowing(configMap('a', '100'));
      store.learn(configMap('a', '105'));
      assert.equal(store.delete('demo/a', configMap('a', '103')), undefined);
      assert.deepEqual(versions(store), ['a 105']);
    });
    it('than a list that lacks it, or has it as it was', () => {
      const store = knowing(configMap('a', '100'), configMap('b', '100'), configMap('c', '100'));
      for (const name of ['a', 'b']) store.learn(configMap(name, '105'));
      store.replace({ items: [configMap('b', '100')], resourceVersion: '104' });
      assert.deepEqual(versions(store), ['a 105', 'b 105']);
    });
    it('and takes an answer that is ahead of the watch', () => {
      const store = knowing(configMap('a', '100'));
      store.learn(configMap('a', '101'));
      store.learn(configMap('b', '102'));
      assert.deepEqual(versions(store), ['a 101', 'b 102']);
    });
    it('and no answer that the watch has passed, whatever became of its object', () => {
      const store = knowing();
      store.reached('103');
      for (const version of ['101', '103', '', 'x1']) store.learn(configMap('a', version));
      assert.deepEqual(versions(store), []);
    });
    it('in each namespace that has a watch of its own', () => {
      const store = new Store<ConfigMap>();
      store.replace({ items: [], resourceVersion: '90', namespace: 'one' });
      store.replace({ items: [], resourceVersion: '100', namespace: 'two' });
      for (const namespace of ['one', 'two']) store.learn(configMap('a', '95', namespace));
      assert.deepEqual(store.keys(), ['one/a']);
    });
  });

  it('finds objects by their controller, also after it changed', () => {
    const store = new Store<ConfigMap>();
    store.set(owned(configMap('a', '1'), 'u1'));
    store.set(owned(configMap('b', '1'), 'u1'));
    store.set(owned(configMap('c', '1'), 'u1', false));
    const names = (uid: string) => store.by('controller', uid).map(({ metadata }) => metadata.name);
    assert.deepEqual(names('u1'), ['a', 'b']);
    store.set(owned(configMap('a', '2'), 'u2'));
    store.delete('demo/b');
    assert.deepEqual([names('u1'), names('u2'), names('none')], [[], ['a'], []]);
  });

  it('has the indexes that it is given', () => {
    const store = new Store<ConfigMap, 'controller' | 'key'>({
      controller: byController,
      key: ({ data }) => Object.keys(data ?? {}),
    });
    store.set(configMap('a'));
    assert.equal(store.by('key', 'version').length, 1);
  });
});
