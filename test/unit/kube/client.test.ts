// What goes over the wire for each verb, byte by byte, and what comes back.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Client } from '../../../src/kube/client.ts';
import { isConflict, type ApiError, type NoAnswerError } from '../../../src/kube/errors.ts';
import type { KubeObject, Resource } from '../../../src/kube/object.ts';
import { CONFIG_MAPS, configMap, DEPLOYMENTS } from './objects.ts';
import { json, startScriptedServer, status, watch, type ScriptedServer } from './scripted-server.ts';
import { clientOf, never } from './wire.ts';

const NETWORK_POLICIES: Resource = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  namespaced: true,
};
const NODES: Resource = { apiVersion: 'v1', kind: 'Node', plural: 'nodes', namespaced: false };
const signal = never;
const write = { signal, fieldManager: 'mcp-operator' };

describe('the client', () => {
  let server: ScriptedServer;
  let client: Client;
  let close: () => Promise<void>;

  before(async () => {
    server = await startScriptedServer();
    ({ client, close } = clientOf(server));
  });
  after(async () => {
    await close();
    await server.close();
  });
  beforeEach(() => void server.asked.splice(0));

  const asked = () => {
    const [request] = server.asked;
    assert.ok(request);
    return request;
  };

  it('applies a NetworkPolicy with its peers, and fields that no model knows', async () => {
    const policy = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'echo', namespace: 'demo', managedFields: [{ manager: 'x' }] },
      spec: {
        podSelector: {},
        ingress: [{ from: [{ podSelector: { matchLabels: { app: 'a' } } }], ports: [{ port: 8001 }] }],
        fieldOfTheFuture: { deep: [1, null, false] },
      },
    };
    server.script(json(policy));
    await client.apply(NETWORK_POLICIES, policy, { ...write, force: true });
    const { method, path, query, headers, body } = asked();
    assert.equal(
      body,
      '{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"echo","namespace":"demo"},' +
        '"spec":{"podSelector":{},"ingress":[{"from":[{"podSelector":{"matchLabels":{"app":"a"}}}],' +
        '"ports":[{"port":8001}]}],"fieldOfTheFuture":{"deep":[1,null,false]}}}',
    );
    assert.equal(method, 'PATCH');
    assert.equal(path, '/apis/networking.k8s.io/v1/namespaces/demo/networkpolicies/echo');
    assert.deepEqual(Object.fromEntries(query), {
      fieldManager: 'mcp-operator',
      fieldValidation: 'Strict',
      force: 'true',
    });
    assert.equal(headers['content-type'], 'application/apply-patch+yaml');
  });

  it('applies a status to its subresource, and only tries when told so', async () => {
    server.script(json(configMap('a')));
    await client.applyStatus(DEPLOYMENTS, configMap('a'), { ...write, dryRun: true });
    const { path, query } = asked();
    assert.equal(path, '/apis/apps/v1/namespaces/demo/deployments/a/status');
    assert.deepEqual([query.get('dryRun'), query.get('force')], ['All', null]);
  });

  it('creates below the namespace', async () => {
    server.script(json(configMap('a')));
    await client.create(CONFIG_MAPS, configMap('a'), write);
    const { method, path, query, headers, body } = asked();
    assert.deepEqual([method, path], ['POST', '/api/v1/namespaces/demo/configmaps']);
    assert.equal(query.get('fieldValidation'), 'Strict');
    assert.equal(headers['content-type'], 'application/json');
    assert.deepEqual(JSON.parse(body), configMap('a'));
  });

  it('updates only what was read before', async () => {
    server.script(json(configMap('a', '8')));
    const updated = await client.update(CONFIG_MAPS, configMap('a', '7'), write);
    assert.deepEqual([asked().method, updated.metadata.resourceVersion], ['PUT', '8']);
    assert.match(asked().body, /"resourceVersion":"7"/);
    const unread = { ...configMap('a'), metadata: { name: 'a', namespace: 'demo' } };
    await assert.rejects(
      client.update(CONFIG_MAPS, unread, write),
      /update ConfigMap demo\/a: .* no resourceVersion/,
    );
  });

  it('replaces what is there without having read it', async () => {
    server.script(json(configMap('a', '8')));
    const replaced = await client.replace(CONFIG_MAPS, configMap('a', '7'), write);
    assert.deepEqual([asked().method, replaced.metadata.resourceVersion], ['PUT', '8']);
    assert.doesNotMatch(asked().body, /resourceVersion|uid/);
  });

  it('deletes what it means, and nothing that came after it', async () => {
    server.script(json({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' }));
    const options = { signal, uid: 'u1', resourceVersion: '7', propagationPolicy: 'Foreground' as const };
    await client.delete(CONFIG_MAPS, { name: 'a', namespace: 'demo' }, options);
    assert.equal(asked().method, 'DELETE');
    assert.deepEqual(JSON.parse(asked().body), {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      preconditions: { uid: 'u1', resourceVersion: '7' },
      propagationPolicy: 'Foreground',
    });
  });

  it('escapes names, so that none is a path', async () => {
    server.script(json(configMap('a')));
    await client.get(CONFIG_MAPS, { name: 'a/../b?c', namespace: 'x/y' }, { signal });
    await client.get(NODES, { name: 'n1', namespace: 'ignored' }, { signal });
    assert.deepEqual(
      server.asked.map(({ path }) => path),
      ['/api/v1/namespaces/x%2Fy/configmaps/a%2F..%2Fb%3Fc', '/api/v1/nodes/n1'],
    );
    await assert.rejects(client.get(CONFIG_MAPS, { name: '..', namespace: 'demo' }, { signal }), TypeError);
  });

  it('gives objects their kind, and drops managed fields', async () => {
    const { metadata, data } = configMap('a');
    server.script(
      json({
        metadata: { resourceVersion: '9' },
        items: [{ metadata: { ...metadata, managedFields: [1] }, data }],
      }),
    );
    const { items, resourceVersion } = await client.list(CONFIG_MAPS, { signal });
    assert.deepEqual(items, [configMap('a')]);
    assert.equal(resourceVersion, '9');
  });

  it('lists page by page, and ends with the version of the list', async () => {
    server.script(
      json({ metadata: { resourceVersion: '9', continue: 'next&1' }, items: [configMap('a')] }),
      json({ metadata: { resourceVersion: '9' }, items: [configMap('b')] }),
    );
    const { items } = await client.list(CONFIG_MAPS, { signal, labelSelector: 'a=b,c in (d)' });
    assert.deepEqual(
      items.map(({ metadata }) => metadata.name),
      ['a', 'b'],
    );
    assert.deepEqual(
      server.asked.map(({ query }) => Object.fromEntries(query)),
      [
        { limit: '500', labelSelector: 'a=b,c in (d)' },
        { limit: '500', continue: 'next&1', labelSelector: 'a=b,c in (d)' },
      ],
    );
  });

  it('asks for fewer objects where a page is too long, and for more again later', async () => {
    const long = json({ metadata: {}, items: [{ ...configMap('a'), data: { x: 'x'.repeat(5_000_000) } }] });
    const page = (next: string) => json({ metadata: { continue: next }, items: [configMap('a')] });
    const pages = Array.from({ length: 8 }, (_, index) => page(String(index + 2)));
    const last = json({ metadata: {}, items: [configMap('b')] });
    server.script(long, long, page('1'), long, long, ...pages, last);
    const { items } = await client.list(CONFIG_MAPS, { signal });
    assert.equal(items.length, 10);
    assert.deepEqual(
      server.asked.map(({ query }) => Number(query.get('limit'))),
      [500, 125, 31, 31, 7, 1, 1, 1, 1, 1, 1, 1, 1, 2],
    );
    assert.deepEqual(
      server.asked.slice(3, 6).map(({ query }) => query.get('continue')),
      ['1', '1', '1'],
    );
  });

  it('reads a single object of any length', async () => {
    const long = json({ metadata: {}, items: [{ ...configMap('a'), data: { x: 'x'.repeat(5_000_000) } }] });
    server.script(long, long, long, long, long);
    const { items } = await client.list(CONFIG_MAPS, { signal });
    assert.equal(items.length, 1);
    assert.equal(server.asked.at(-1)?.query.get('limit'), '1');
  });

  it('asks for metadata only where told so', async () => {
    const partial = { apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata', metadata: { name: 'a' } };
    server.script(json({ metadata: {}, items: [partial] }), watch({ type: 'ADDED', object: partial }));
    const { items } = await client.list(CONFIG_MAPS, { signal, metadataOnly: true });
    assert.deepEqual(items, [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } }]);
    const options = { signal, metadataOnly: true, resourceVersion: '1', timeoutSeconds: 9 };
    for await (const event of await client.watch(CONFIG_MAPS, options)) {
      assert.deepEqual(event, { type: 'ADDED', object: items[0] });
      break;
    }
    assert.deepEqual(
      server.asked.map(({ headers }) => headers.accept),
      [
        'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
        'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
      ],
    );
  });

  it('names the object in its errors', async () => {
    server.script(status(409, 'Conflict'));
    const object = { ...configMap('weather', '1', 'team-a'), kind: 'Deployment' };
    await assert.rejects(client.apply(DEPLOYMENTS, object, write), (error: ApiError) => {
      assert.equal(error.message, 'apply Deployment team-a/weather: 409 Conflict: the server says Conflict');
      assert.deepEqual([error.status, error.reason, error.body?.kind], [409, 'Conflict', 'Status']);
      return isConflict(error);
    });
  });

  describe('watches', () => {
    const read = async (...events: unknown[]) => {
      server.script((res, request) => {
        watch(...events)(res, request);
        res.end();
      });
      const seen: string[] = [];
      const options = { signal, resourceVersion: '5', timeoutSeconds: 250 };
      for await (const event of await client.watch(CONFIG_MAPS, options)) {
        seen.push(
          event.type === 'BOOKMARK' ? event.resourceVersion : `${event.type} ${event.object.metadata.name}`,
        );
      }
      return seen;
    };
    const added = (name: string): { type: string; object: KubeObject } => ({
      type: 'ADDED',
      object: configMap(name),
    });

    it('with bookmarks, from a version, for a time', async () => {
      const bookmark = {
        type: 'BOOKMARK',
        object: { kind: 'ConfigMap', metadata: { resourceVersion: '77' } },
      };
      assert.deepEqual(await read(added('a'), bookmark), ['ADDED a', '77']);
      assert.deepEqual(Object.fromEntries(asked().query), {
        watch: 'true',
        allowWatchBookmarks: 'true',
        resourceVersion: '5',
        timeoutSeconds: '250',
      });
    });

    it('whatever the pieces in which they arrive', async () => {
      const text = `${JSON.stringify(added('größe'))}\n\n${JSON.stringify(added('b'))}\n`;
      server.script((res) => {
        void (async () => {
          for (const byte of Buffer.from(text)) {
            res.write(Buffer.from([byte]));
            await new Promise((resolve) => setImmediate(resolve));
          }
          res.end();
        })();
      });
      const names = [];
      const options = { signal, resourceVersion: '5', timeoutSeconds: 250 };
      for await (const event of await client.watch(CONFIG_MAPS, options)) {
        if (event.type !== 'BOOKMARK') names.push(event.object.metadata.name);
      }
      assert.deepEqual(names, ['größe', 'b']);
    });

    it('and throw what the server says within the stream', async () => {
      const error = {
        kind: 'Status',
        code: 410,
        reason: 'Expired',
        message: 'too old resource version: 5 (99)',
      };
      await assert.rejects(read(added('a'), { type: 'ERROR', object: error }), {
        name: 'ApiError',
        message: 'watch ConfigMap: 410 Expired: too old resource version: 5 (99)',
      });
    });

    for (const [rule, line, message] of [
      ['a cut line', '{"type":"ADDED","obj', 'stream ended within a watch event'],
      ['a line that is not JSON', 'oops\n', 'watch event is not JSON'],
      ['an event without object', '{"type":"ADDED"}\n', 'watch event without an object'],
      ['an unknown type', '{"type":"MOVED","object":{}}\n', 'watch event of unknown type "MOVED"'],
      ['a line without end', 'x'.repeat(9 * 1024 * 1024), 'watch event exceeds 8388608 bytes'],
    ] as const) {
      it(`and refuse ${rule}`, async () => {
        await assert.rejects(read(added('a'), line), (error: NoAnswerError) => {
          assert.deepEqual([error.code, error.message], ['malformed', `watch ConfigMap: ${message}`]);
          return true;
        });
      });
    }

    it('end with the connection, as an error', async () => {
      server.script((res, request) => {
        watch(added('a'))(res, request);
        setTimeout(() => res.destroy(), 20);
      });
      const options = { signal, resourceVersion: '5', timeoutSeconds: 250 };
      const events = await client.watch(CONFIG_MAPS, options);
      assert.equal((await events.next()).done, false);
      await assert.rejects(events.next(), { name: 'NoAnswerError', code: 'connection' });
    });

    it('and close the connection when the reader has enough', async () => {
      let closed = false;
      server.script((res, request) => {
        res.on('close', () => (closed = true));
        watch(added('a'), added('b'))(res, request);
      });
      const options = { signal, resourceVersion: '5', timeoutSeconds: 250 };
      const events = await client.watch(CONFIG_MAPS, options);
      await events.next();
      await events.return(undefined);
      for (let turn = 0; turn < 500 && !closed; turn++)
        await new Promise((resolve) => setTimeout(resolve, 2));
      assert.ok(closed);
    });
  });
});
