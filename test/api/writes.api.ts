// Writes and reads of built-in kinds on a real API server: what is sent is what is stored, and who may change what.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Client } from '../../src/kube/client.ts';
import {
  isAlreadyExists,
  isConflict,
  isForbidden,
  isGone,
  isInvalid,
  isNotFound,
  type ApiError,
} from '../../src/kube/errors.ts';
import { EventRecorder, EVENTS } from '../../src/kube/events.ts';
import { startApiServer, type ApiServer } from '../support/api-server.ts';
import {
  CONFIG_MAPS,
  configMap,
  connect,
  createNamespace,
  DEPLOYMENTS,
  log,
  NAMESPACES,
  NETWORK_POLICIES,
  never,
  SECRETS,
  write,
} from './connect.ts';

const signal = never;

describe('on a real API server', { timeout: 120_000 }, () => {
  let server: ApiServer;
  let client: Client;
  let warnings: string[];
  let close: () => Promise<void>;

  before(async () => {
    server = await startApiServer();
    ({ client, close, warnings } = connect(server));
    await createNamespace(client, 'demo');
  });
  after(async () => {
    await close();
    await server.stop();
  });

  const deployment = (name: string, container: Record<string, unknown> = {}) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'demo' },
    spec: {
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'server', image: 'echo:1', ...container }] },
      },
    },
  });

  it('an applied NetworkPolicy keeps its peers', async () => {
    const ingress = [
      { from: [{ podSelector: { matchLabels: { app: 'a' } } }], ports: [{ port: 8001, protocol: 'TCP' }] },
    ];
    const policy = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'echo', namespace: 'demo' },
      spec: { podSelector: {}, policyTypes: ['Ingress'], ingress },
    };
    await client.apply(NETWORK_POLICIES, policy, write);
    const { spec, metadata } = await client.get(
      NETWORK_POLICIES,
      { name: 'echo', namespace: 'demo' },
      { signal },
    );
    assert.deepEqual(spec.ingress, ingress);
    assert.ok(!('managedFields' in metadata));
  });

  it('applying the same again changes nothing, not even the version', async () => {
    const first = await client.apply(DEPLOYMENTS, deployment('same'), write);
    const second = await client.apply(DEPLOYMENTS, deployment('same'), write);
    assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
    assert.equal(second.metadata.generation, 1);
  });

  it('a dry run stores nothing', async () => {
    const tried = await client.apply(DEPLOYMENTS, deployment('dry'), { ...write, dryRun: true });
    assert.equal(tried.spec.replicas, 1, 'with defaults');
    await assert.rejects(
      client.get(DEPLOYMENTS, { name: 'dry', namespace: 'demo' }, { signal }),
      (error: ApiError) => {
        assert.match(
          error.message,
          /^get Deployment demo\/dry: 404 NotFound: deployments.apps "dry" not found$/,
        );
        return isNotFound(error);
      },
    );
  });

  it("another manager's field is a conflict, unless we insist; what we leave out is theirs", async () => {
    await client.apply(DEPLOYMENTS, deployment('fought'), write);
    const scaled = deployment('fought');
    const kubectl = { ...scaled, spec: { ...scaled.spec, replicas: 5 } };
    await client.apply(DEPLOYMENTS, kubectl, { ...write, fieldManager: 'kubectl' });
    assert.equal((await client.apply(DEPLOYMENTS, deployment('fought'), write)).spec.replicas, 5);

    const other = { ...write, fieldManager: 'other', force: false };
    await assert.rejects(
      client.apply(DEPLOYMENTS, deployment('fought', { image: 'echo:2' }), other),
      (error: ApiError) => {
        assert.match(
          error.message,
          /^apply Deployment demo\/fought: 409 Conflict: Apply failed with \d conflicts?: .*"test"/,
        );
        return isConflict(error) && !isAlreadyExists(error);
      },
    );
    await client.apply(DEPLOYMENTS, deployment('fought', { image: 'echo:2' }), { ...other, force: true });
  });

  it('unknown fields and doubles are refused, not dropped', async () => {
    for (const [container, message] of [
      [{ imagePullPolice: 'Always' }, /imagePullPolice: field not declared in schema/],
      [
        {
          env: [
            { name: 'A', value: '1' },
            { name: 'A', value: '2' },
          ],
        },
        /duplicate entries for key \[name="A"\]/,
      ],
    ] as const) {
      await assert.rejects(
        client.apply(DEPLOYMENTS, deployment('strict', container), write),
        (error: ApiError) => {
          assert.match(error.message, message);
          return isInvalid(error);
        },
      );
    }
    await assert.rejects(client.create(DEPLOYMENTS, deployment('strict', { imagePullPolice: 'x' }), write), {
      status: 400,
      message: /strict decoding error: unknown field/,
    });
  });

  it('creating what is there, or updating what has changed, are two kinds of 409', async () => {
    const created = await client.create(CONFIG_MAPS, configMap('twice', { a: '1' }), write);
    await assert.rejects(
      client.create(CONFIG_MAPS, configMap('twice'), write),
      (error) => isAlreadyExists(error) && !isConflict(error),
    );
    const updated = await client.update(CONFIG_MAPS, { ...created, data: { a: '2' } }, write);
    assert.deepEqual(updated.data, { a: '2' });
    await assert.rejects(
      client.update(CONFIG_MAPS, { ...created, data: { a: '3' } }, write),
      (error) => isConflict(error) && !isAlreadyExists(error),
    );
  });

  it('deletes only the object that was meant', async () => {
    const place = { name: 'deleted', namespace: 'demo' };
    const { metadata } = await client.create(CONFIG_MAPS, configMap('deleted'), write);
    await assert.rejects(client.delete(CONFIG_MAPS, place, { signal, uid: 'another' }), isConflict);
    await assert.rejects(client.delete(CONFIG_MAPS, place, { signal, resourceVersion: '1' }), isConflict);
    await client.delete(CONFIG_MAPS, place, {
      signal,
      uid: metadata.uid,
      resourceVersion: metadata.resourceVersion,
    });
    await assert.rejects(client.delete(CONFIG_MAPS, place, { signal }), isNotFound);
  });

  it('lists page by page, by label, with kinds, and without contents where told so', async () => {
    await createNamespace(client, 'pages');
    const names = Array.from({ length: 1_100 }, (_, index) => `c${String(index).padStart(4, '0')}`);
    for (let from = 0; from < names.length; from += 50) {
      await Promise.all(
        names.slice(from, from + 50).map((name, index) => {
          const object = configMap(name, { a: 'b' }, 'pages');
          const labels = { parity: index % 2 === 0 ? 'even' : 'odd' };
          return client.create(CONFIG_MAPS, { ...object, metadata: { ...object.metadata, labels } }, write);
        }),
      );
    }
    const { items, resourceVersion } = await client.list(CONFIG_MAPS, { signal, namespace: 'pages' });
    assert.deepEqual(
      items.map(({ metadata }) => metadata.name),
      names,
    );
    assert.ok(items.every(({ kind, metadata }) => kind === 'ConfigMap' && !('managedFields' in metadata)));
    assert.ok(Number(resourceVersion) >= 1_100);
    const odd = await client.list(CONFIG_MAPS, {
      signal,
      namespace: 'pages',
      labelSelector: 'parity in (odd)',
    });
    assert.equal(odd.items.length, 550);
    const bare = await client.list(CONFIG_MAPS, { signal, namespace: 'pages', metadataOnly: true });
    assert.deepEqual(
      [bare.items.length, Object.keys(bare.items[0] ?? {}).sort()],
      [1_100, ['apiVersion', 'kind', 'metadata']],
    );
  });

  it('watches metadata only: no contents of Secrets come', async () => {
    const { resourceVersion } = await client.list(SECRETS, { signal, metadataOnly: true });
    const options = { signal, metadataOnly: true, namespace: 'demo', resourceVersion, timeoutSeconds: 20 };
    const events = await client.watch(SECRETS, options);
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's', namespace: 'demo' },
      stringData: { a: 'hidden' },
    };
    await client.create(SECRETS, secret, write);
    const { value } = await events.next();
    await events.return(undefined);
    assert.ok(value && value.type === 'ADDED');
    assert.deepEqual(
      [value.object.kind, value.object.metadata.name, 'data' in value.object],
      ['Secret', 's', false],
    );
  });

  it('sends a bookmark shortly before it ends a watch, when something happened elsewhere', async () => {
    const { resourceVersion } = await client.list(CONFIG_MAPS, { signal });
    // The bookmark comes two seconds before the end: time enough for a slow machine to create the other object.
    const options = { signal, namespace: 'demo', resourceVersion, timeoutSeconds: 8 };
    const events = await client.watch(CONFIG_MAPS, options);
    await client.create(CONFIG_MAPS, configMap('elsewhere', {}, 'pages'), write);
    const seen: string[] = [];
    for await (const { type } of events) seen.push(type);
    assert.deepEqual([...new Set(seen)], ['BOOKMARK']); // one, or more on a slow machine
  });

  it('a version of long ago is 410 within the watch', async () => {
    await server.compact();
    await server.kill();
    await server.restart(); // with an empty watch cache
    const events = await client.watch(CONFIG_MAPS, { signal, resourceVersion: '1', timeoutSeconds: 10 });
    await assert.rejects(events.next(), (error: ApiError) => isGone(error) && error.reason === 'Expired');
  });

  it('what is deprecated is warned of', async () => {
    const endpoints = { apiVersion: 'v1', kind: 'Endpoints', plural: 'endpoints', namespaced: true };
    await client.list(endpoints, { signal });
    assert.match(warnings.join(), /v1 Endpoints is deprecated/);
  });

  it('who is not allowed is told so', async () => {
    const { config } = server;
    const user = { ...config.getCurrentUser(), name: 'nobody', impersonateUser: 'nobody' };
    const cluster = config.getCurrentCluster();
    assert.ok(cluster);
    const asNobody = Object.create(server, {
      config: { value: Object.create(config) as typeof config },
    }) as ApiServer;
    asNobody.config.loadFromClusterAndUser(cluster, user);
    const nobody = connect(asNobody);
    await assert.rejects(nobody.client.list(NAMESPACES, { signal }), (error: ApiError) => {
      assert.match(error.message, /^list Namespace: 403 Forbidden: .*User "nobody" cannot list/);
      return isForbidden(error);
    });
    await nobody.close();
  });

  it('takes events, and their series', async () => {
    let now = 0;
    const scheduler = { now: () => now, after: () => () => undefined };
    const options = {
      client,
      controller: 'protectedmcp.dev/operator',
      instance: 'operator-0',
      stop: signal,
      log,
      scheduler,
    };
    const recorder = new EventRecorder(options);
    const object = await client.create(CONFIG_MAPS, configMap('told'), write);
    const content = {
      type: 'Warning',
      reason: 'NotIsolated',
      action: 'Probe',
      note: 'ü'.repeat(2_000),
    } as const;
    for (const time of [0, 1_000, 62_000]) {
      now = time;
      recorder.record(object, content);
      await recorder.flush();
    }
    recorder.record((await client.list(NAMESPACES, { signal })).items[0] ?? assert.fail(), {
      ...content,
      note: 'cluster-wide',
    });
    await recorder.flush();
    const { items } = await client.list(EVENTS, { signal, fieldSelector: 'reason=NotIsolated' });
    assert.deepEqual(items.map(({ metadata, series }) => [metadata.namespace, series?.count]).sort(), [
      ['default', undefined],
      ['demo', 3],
    ]);
  });
});
