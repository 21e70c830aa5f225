// A reflector against a real API server that is killed, and one whose history is thrown away.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Client } from '../../src/kube/client.ts';
import { isGone, isStopped } from '../../src/kube/errors.ts';
import { Reflector, type ReflectorOptions } from '../../src/kube/reflector.ts';
import { Store, type Change } from '../../src/kube/store.ts';
import { startApiServer, type ApiServer } from '../support/api-server.ts';
import {
  CONFIG_MAPS,
  configMap,
  connect,
  createNamespace,
  eventually,
  log,
  never,
  write,
  type ConfigMap,
} from './connect.ts';

describe('a reflector of a real API server', { timeout: 180_000 }, () => {
  let server: ApiServer;
  let client: Client;
  let close: () => Promise<void>;

  before(async () => {
    // Without the watch cache a watch reads etcd, so that compaction is seen as such.
    server = await startApiServer({ flags: ['--watch-cache=false'] });
    ({ client, close } = connect(server));
    await createNamespace(client, 'demo');
  });
  after(async () => {
    await close();
    await server.stop();
  });

  const reflect = (from: ReflectorOptions<ConfigMap>['client']) => {
    const stop = new AbortController();
    const store = new Store<ConfigMap>();
    const counts = { added: 0, changed: 0, deleted: 0 };
    let failures = 0;
    const failed = (error: unknown) => {
      failures++;
      throw error;
    };
    const counted: ReflectorOptions<ConfigMap>['client'] = {
      list: (...request) => from.list(...request).catch(failed),
      watch: (...request) => from.watch(...request).catch(failed),
    };
    const reflector = new Reflector({
      client: counted,
      resource: CONFIG_MAPS,
      store,
      onChange: ({ type }: Change<ConfigMap>) => void counts[type]++,
      log,
      selection: { namespace: 'demo' },
    });
    const running = reflector.run(stop.signal);
    const end = async () => {
      stop.abort();
      await running;
    };
    return { reflector, store, counts, end, failures: () => failures };
  };

  /** Names and versions, as the API has them now. */
  const truth = async () => {
    const { items } = await client.list(CONFIG_MAPS, { signal: never, namespace: 'demo' });
    return versions(items);
  };
  const versions = (objects: readonly ConfigMap[]) =>
    objects.map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`).sort();
  const converges = (store: Store<ConfigMap>) =>
    eventually(
      'the store equals the API',
      async () => String(versions(store.list())) === String(await truth()),
    );
  const each = (count: number, work: (name: string) => Promise<unknown>) =>
    Promise.all(Array.from({ length: count }, (_, index) => work(`c${index}`)));
  const remove = (name: string) => client.delete(CONFIG_MAPS, { name, namespace: 'demo' }, { signal: never });

  it('follows 600 changes', async () => {
    const { reflector, store, counts, end, failures } = reflect(client);
    await reflector.synced;
    await each(200, (name) => client.apply(CONFIG_MAPS, configMap(name, { a: '1' }), write));
    await each(200, (name) => client.apply(CONFIG_MAPS, configMap(name, { a: '2' }), write));
    await each(200, remove);
    await converges(store);
    assert.deepEqual([counts, store.size, failures()], [{ added: 200, changed: 200, deleted: 200 }, 0, 0]);
    await end();
  });

  it('converges after the API server was killed in the middle of a watch', async () => {
    await each(60, (name) => client.apply(CONFIG_MAPS, configMap(name), write));
    const { reflector, store, counts, end, failures } = reflect(client);
    await reflector.synced;
    assert.equal(store.size, 60);
    await server.kill();
    await eventually('it is noticed', () => failures() > 1);
    assert.equal(reflector.isSynced, true, 'an old list is better than none');
    await server.restart();
    await each(50, remove);
    await client.create(CONFIG_MAPS, configMap('new'), write);
    await converges(store);
    assert.deepEqual([store.size, counts.deleted], [11, 50]);
    await end();
  });

  it('lists again when the history it needs is gone', async () => {
    const door = new Door(client);
    const { reflector, store, end } = reflect(door);
    await reflector.synced;
    await eventually('it watches', () => door.open > 0);
    door.close();
    await each(30, (name) => client.apply(CONFIG_MAPS, configMap(name, { a: 'unseen' }), write));
    await remove('new');
    await server.compact();
    assert.notEqual(String(versions(store.list())), String(await truth()), 'it has seen nothing of this');
    door.reopen();
    await converges(store);
    assert.deepEqual([door.gone, door.lists], [1, 2]);
    await end();
  });
});

/** A client whose watches can be cut off for a while, and which counts. */
class Door implements Pick<Client, 'list' | 'watch'> {
  lists = 0;
  open = 0;
  gone = 0;
  readonly #client: Client;
  #closing = new AbortController();

  constructor(client: Client) {
    this.#client = client;
  }

  close(): void {
    this.#closing.abort();
  }

  reopen(): void {
    this.#closing = new AbortController();
  }

  list: Client['list'] = (...args) => {
    this.lists++;
    return this.#client.list(...args);
  };

  watch: Client['watch'] = async (resource, options) => {
    const signal = AbortSignal.any([options.signal, this.#closing.signal]);
    const events = await this.#client.watch(resource, { ...options, signal });
    this.open++;
    return this.#count(events);
  };

  async *#count<T>(events: AsyncGenerator<T>): AsyncGenerator<T> {
    try {
      yield* events;
    } catch (error) {
      if (isGone(error)) this.gone++;
      if (!isStopped(error)) throw error;
      throw new Error('the door is closed', { cause: error });
    }
  }
}
