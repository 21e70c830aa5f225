// What the caches hold, and which change wakes which server.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { CLAIM_NAME, MANAGED_BY, MANAGED_BY_LABEL, PAUSED_ANNOTATION } from '../../../src/api/names.ts';
import { Budget, heapBytes } from '../../../src/kube/budget.ts';
import type { KubeObject } from '../../../src/kube/object.ts';
import { Cache } from '../../../src/operator/cache.ts';
import type { ServerObject } from '../../../src/operator/kinds.ts';
import type { MemoryApiServer } from '../../support/memory-api-server.ts';
import { until } from '../kube/fake-scheduler.ts';
import { KEY, newServer, silent, startApi } from './operator.ts';

const SERVER = 'ProtectedMcpServer';

let api: MemoryApiServer;
let stop: AbortController;
let keys: string[];

beforeEach(async () => {
  api = await startApi();
  stop = new AbortController();
  keys = [];
});

afterEach(async () => {
  stop.abort();
  await api.close();
});

async function start(
  options: { namespaces?: string[]; certManager?: boolean; budget?: Budget } = {},
): Promise<Cache> {
  const { namespaces, certManager = false, budget = new Budget() } = options;
  const enqueue = (key: string) => void keys.push(key);
  const cache = new Cache({ client: api.client(), namespaces, certManager, enqueue, budget, log: silent });
  void cache.run(stop.signal);
  await cache.synced;
  return cache;
}

interface Change {
  readonly kind?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly labels?: Record<string, string>;
  /** A uid; the server's when undefined. */
  readonly owner?: string | null;
  readonly ownerKind?: string;
}

function child({
  kind = 'ConfigMap',
  name = 'echo-sidecar',
  namespace = 'demo',
  labels,
  owner,
  ownerKind = SERVER,
}: Change = {}) {
  const uid = owner ?? api.get(SERVER, KEY)?.metadata.uid ?? 'none';
  const reference = {
    apiVersion: 'protectedmcp.dev/v1alpha1',
    kind: ownerKind,
    name: 'echo',
    uid,
    controller: true,
  };
  return {
    apiVersion: kind === 'ConfigMap' || kind === 'Pod' ? 'v1' : 'apps/v1',
    kind,
    metadata: {
      name,
      namespace,
      labels: labels ?? { [MANAGED_BY_LABEL]: MANAGED_BY, 'app.kubernetes.io/instance': 'echo' },
      ...(owner !== null && { ownerReferences: [reference] }),
    },
  };
}

const names = (objects: readonly KubeObject[]) =>
  objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`).toSorted();

describe('the caches', () => {
  it('hold what a server owns, and what has the name of one of its objects', async () => {
    api.put(newServer());
    api.put(child());
    api.put(child({ name: 'left-over' }));
    api.put(child({ kind: 'Deployment', name: 'echo', owner: 'another' }));
    api.put(child({ name: 'another-owner', owner: 'another' }));
    const cache = await start();
    const server = cache.servers.get(KEY);
    assert.ok(server);
    assert.deepEqual(names(cache.existing(server)), [
      'ConfigMap/echo-sidecar',
      'ConfigMap/left-over',
      'Deployment/echo',
    ]);
  });

  it('hold no object without the operator’s label', async () => {
    api.put(newServer());
    api.put(child({ labels: {} }));
    const cache = await start();
    assert.deepEqual(cache.existing(cache.servers.get(KEY)!), []);
  });

  it('keep to the watched namespaces', async () => {
    api.put(newServer());
    api.put(newServer((server) => (server.metadata.namespace = 'elsewhere')));
    const cache = await start({ namespaces: ['elsewhere'] });
    assert.deepEqual(cache.servers.keys(), ['elsewhere/echo']);
  });

  it('know an object that was just written before the watch tells of it', async () => {
    api.put(newServer());
    const cache = await start();
    const server = cache.servers.get(KEY)!;
    const object = child();
    cache.learn({ ...object, metadata: { ...object.metadata, resourceVersion: '1000' } });
    assert.deepEqual(names(cache.existing(server)), ['ConfigMap/echo-sidecar']);
  });

  it('are not synced before every kind was listed', async () => {
    const { promise: hold, resolve: release } = Promise.withResolvers<void>();
    api.intercept = async ({ verb, kind }) => {
      if (verb === 'list' && kind === 'Pod') await hold;
      return undefined;
    };
    const cache = new Cache({
      client: api.client(),
      namespaces: undefined,
      certManager: false,
      enqueue: () => undefined,
      log: silent,
    });
    void cache.run(stop.signal);
    await until(() => api.open >= 8, 'all others watch');
    assert.equal(cache.isSynced, false);
    release();
    await cache.synced;
    assert.equal(cache.isSynced, true);
  });
});

describe('a server is woken', () => {
  const rows: readonly { readonly by: string; readonly change: () => void; readonly wakes: boolean }[] = [
    {
      by: 'a change of its spec',
      change: () => api.edit<ServerObject>(SERVER, KEY, (server) => (server.spec.replicas = 3)),
      wakes: true,
    },
    {
      by: 'an annotation',
      change: () =>
        api.edit<ServerObject>(
          SERVER,
          KEY,
          ({ metadata }) => (metadata.annotations = { [PAUSED_ANNOTATION]: 'true' }),
        ),
      wakes: true,
    },
    {
      by: 'its deletion',
      change: () =>
        api.edit<ServerObject>(
          SERVER,
          KEY,
          ({ metadata }) => (metadata.deletionTimestamp = '2026-11-23T12:00:00Z'),
        ),
      wakes: true,
    },
    { by: 'its end', change: () => api.remove(SERVER, KEY), wakes: true },
    {
      by: 'its status',
      change: () => api.edit<ServerObject>(SERVER, KEY, (server) => (server.status = { replicas: 1 })),
      wakes: false,
    },
    {
      by: 'a label',
      change: () =>
        api.edit<KubeObject & { metadata: { labels: object } }>(
          SERVER,
          KEY,
          ({ metadata }) => (metadata.labels = { a: 'b' }),
        ),
      wakes: false,
    },
    { by: 'an object that it owns', change: () => api.put(child({ name: 'new' })), wakes: true },
    {
      by: 'an object of another kind of owner',
      change: () => api.put(child({ name: 'new', ownerKind: 'Other' })),
      wakes: false,
    },
    {
      by: 'an object without an owner',
      change: () => api.put(child({ name: 'new', owner: null })),
      wakes: false,
    },
    {
      by: 'one of its pods',
      change: () => api.put(child({ kind: 'Pod', name: 'echo-1', ownerKind: 'ReplicaSet' })),
      wakes: true,
    },
    {
      by: 'a pod of another namespace',
      change: () => api.put(child({ kind: 'Pod', name: 'echo-1', namespace: 'elsewhere' })),
      wakes: false,
    },
  ];
  for (const { by, change, wakes } of rows) {
    it(`${wakes ? '' : 'not '}by ${by}`, async () => {
      api.put(newServer());
      await start();
      await until(() => keys.length > 0, 'the first list');
      keys.length = 0;
      change();
      const seen = markers();
      await until(() => seen.every((key) => keys.includes(key)), 'all that was changed before was seen');
      assert.equal(keys.includes(KEY), wakes);
    });
  }
});

/** One change more for each kind that a row changes. @returns the keys that they wake */
function markers(): string[] {
  api.put(newServer((server) => (server.metadata.name = 'server-marker')));
  const labels = { [MANAGED_BY_LABEL]: MANAGED_BY, 'app.kubernetes.io/instance': 'pod-marker' };
  api.put(child({ kind: 'Pod', name: 'marker', labels }));
  const configMap = child({ name: 'marker' });
  const [owner] = configMap.metadata.ownerReferences ?? [];
  api.put({
    ...configMap,
    metadata: { ...configMap.metadata, ownerReferences: [{ ...owner, name: 'child-marker' }] },
  });
  return ['demo/server-marker', 'demo/pod-marker', 'demo/child-marker'];
}

describe('the cached claim of a namespace', () => {
  const full = { namespace: 0, total: 0, reserved: 0 };
  const large = 'x'.repeat(100_000);
  const claimed = (data: Record<string, string>) => {
    const object = child({ name: CLAIM_NAME });
    return { ...object, metadata: { ...object.metadata, annotations: { large } }, data };
  };

  it('is whole where no memory is left for anything else', async () => {
    api.put(newServer());
    api.put(claimed({ holder: 'one', challenge: 'a' }));
    const cache = await start({ budget: new Budget(full) });
    assert.deepEqual(cache.claim('demo')?.data, { holder: 'one', challenge: 'a' });
    api.put(claimed({ holder: 'one', challenge: 'b' }));
    await until(() => cache.claim('demo')?.data?.['challenge'] === 'b', 'the change is known');
    assert.equal(cache.claims().length, 1);
    assert.ok(cache.hasServers('demo'));
  });

  it('takes little memory, whatever is put into it', async () => {
    api.put(newServer());
    api.put(claimed({ holder: 'one', contender: large, other: large }));
    const cache = await start();
    const claim = cache.claim('demo');
    assert.deepEqual(claim?.data, { holder: 'one' });
    assert.ok(heapBytes(claim) < 2000);
  });

  it('belongs to no server, also when it is made to look so', async () => {
    const server = newServer();
    api.put(server);
    api.put(claimed({ holder: 'one' }));
    const cache = await start();
    const [found] = cache.servers.list();
    assert.ok(found);
    assert.deepEqual(cache.existing(found), []);
  });
});
