// A reflector against a scripted server: every way in which a list or a watch can go wrong, and that the store is right
// in the end. Time is the test's; the sockets are real.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { Client } from '../../../src/kube/client.ts';
import { kubeConfigCredentials, type ClusterCredentials } from '../../../src/kube/credentials.ts';
import { Reflector, reflectors, type ReflectorOptions } from '../../../src/kube/reflector.ts';
import { Store, type Change } from '../../../src/kube/store.ts';
import { createTransport } from '../../../src/kube/transport.ts';
import { FakeScheduler, settle, until } from './fake-scheduler.ts';
import { CONFIG_MAPS, configMap, type ConfigMap } from './objects.ts';
import {
  json,
  startScriptedServer,
  status,
  watch,
  type Answer,
  type ScriptedServer,
} from './scripted-server.ts';
import { silent } from './wire.ts';

const added = (object: ConfigMap) => ({ type: 'ADDED', object });
const modified = (object: ConfigMap) => ({ type: 'MODIFIED', object });
const deleted = (object: ConfigMap) => ({ type: 'DELETED', object });
const expired = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' };

function list(resourceVersion: string, ...items: ConfigMap[]): Answer {
  return json({ metadata: { resourceVersion }, items });
}

/** A watch that ends after its events, as the API server ends it. */
function endedWatch(...events: unknown[]): Answer {
  return (res, asked) => {
    watch(...events)(res, asked);
    res.end();
  };
}

/** A watch whose connection is cut after its events. */
function brokenWatch(...events: unknown[]): Answer {
  return (res, asked) => {
    watch(...events)(res, asked);
    setTimeout(() => res.destroy(), 20);
  };
}

describe('a reflector', () => {
  let server: ScriptedServer;
  let credentials: ClusterCredentials;
  let scheduler: FakeScheduler;
  let store: Store<ConfigMap>;
  let changes: string[];
  let stop: AbortController;
  let running: Promise<void>[];

  before(async () => {
    server = await startScriptedServer();
    credentials = kubeConfigCredentials(server.config());
  });
  beforeEach(() => {
    server.asked.splice(0);
    scheduler = new FakeScheduler();
    store = new Store();
    changes = [];
    stop = new AbortController();
    running = [];
  });
  afterEach(async () => {
    stop.abort();
    await Promise.all(running);
    assert.deepEqual(scheduler.pending, [], 'no timer is left');
  });
  after(async () => {
    await credentials.destroy();
    await server.close();
  });

  const onChange = ({ type, object }: Change<ConfigMap>) =>
    void changes.push(`${type} ${object.metadata.name}`);
  const options = (): ReflectorOptions<ConfigMap> => {
    const client = new Client(
      createTransport(credentials, { userAgent: 'test', scheduler, random: () => 0 }),
    );
    return { client, resource: CONFIG_MAPS, store, onChange, log: silent, scheduler, random: () => 0 };
  };
  const run = (reflector: Reflector<ConfigMap>) => {
    running.push(reflector.run(stop.signal));
    return reflector;
  };
  const start = (script: Answer[], more: Partial<ReflectorOptions<ConfigMap>> = {}) => {
    server.script(...script);
    return run(new Reflector({ ...options(), ...more }));
  };
  const asked = () =>
    server.asked.map(({ query }) => (query.has('watch') ? `watch ${query.get('resourceVersion')}` : 'list'));
  const requests = (count: number) =>
    until(() => server.asked.length >= count, `${count} requests: ${asked().join()}`);

  it('lists, watches from there, and follows what happens', async () => {
    const reflector = start([
      list('5', configMap('a'), configMap('b')),
      watch(added(configMap('c', '6')), modified(configMap('a', '7')), deleted(configMap('b', '8'))),
    ]);
    assert.equal(reflector.isSynced, false);
    await reflector.synced;
    await until(() => changes.length === 5);
    assert.deepEqual(changes, ['added a', 'added b', 'added c', 'changed a', 'deleted b']);
    assert.deepEqual(asked(), ['list', 'watch 5']);
    assert.deepEqual(store.keys(), ['demo/a', 'demo/c']);
    assert.equal(reflector.isSynced, true);
  });

  it('goes on from the last version, bookmarks included, when a watch ends', async () => {
    const bookmark = { type: 'BOOKMARK', object: { metadata: { resourceVersion: '99' } } };
    start([list('5'), endedWatch(added(configMap('a', '6'))), endedWatch(bookmark), watch()]);
    await requests(4);
    assert.deepEqual(asked(), ['list', 'watch 5', 'watch 6', 'watch 99']);
  });

  it('asks for watches of 240 to 300 s, and for its selection', async () => {
    for (const [random, seconds] of [
      [0, '240'],
      [0.5, '270'],
      [0.999, '300'],
    ] as const) {
      server.asked.splice(0);
      start([list('5'), watch()], {
        random: () => random,
        selection: { namespace: 'demo', labelSelector: 'a=b' },
      });
      await requests(2);
      const { path, query } = server.asked[1] ?? assert.fail();
      assert.equal(path, '/api/v1/namespaces/demo/configmaps');
      assert.deepEqual([query.get('timeoutSeconds'), query.get('labelSelector')], [seconds, 'a=b']);
    }
  });

  it('lists anew after a while, and repairs what no watch has told of', async () => {
    start([
      list('5', configMap('a', '3'), configMap('b', '4')),
      (res, asked) => {
        watch()(res, asked);
        scheduler.stall(10 * 60_000 + 1);
        res.end();
      },
      list('5', configMap('a', '3'), configMap('c', '5')),
      watch(),
    ]);
    await requests(4);
    assert.deepEqual(asked(), ['list', 'watch 5', 'list', 'watch 5']);
    assert.deepEqual(store.keys(), ['demo/a', 'demo/c']);
  });

  it('takes an older list only when it stays older: then the history began again', async () => {
    const restored = list('2', configMap('a', '2'));
    start([
      list('5', configMap('a', '5'), configMap('b', '4')),
      endedWatch({ type: 'ERROR', object: expired }),
      restored,
      restored,
      restored,
      watch(modified(configMap('a', '3'))),
    ]);
    const olderLists = () => asked().filter((what) => what === 'list').length;
    await requests(3);
    await until(() => scheduler.pending[0] === 200);
    assert.deepEqual(store.keys(), ['demo/a', 'demo/b'], 'one may come from a replica that lags');
    for (const count of [3, 4]) {
      await until(() => scheduler.pending[0] === 200);
      await scheduler.advance(200);
      await until(() => olderLists() === count);
    }
    await until(() => store.get('demo/a')?.metadata.resourceVersion === '3');
    assert.deepEqual(store.keys(), ['demo/a']);
  });

  describe('survives', () => {
    /** The wait before the next request, when there is one. */
    const backoff = async (count: number) => {
      await requests(count);
      await until(
        () =>
          scheduler.pending.length > 0 && scheduler.pending[0] !== 10_000 && scheduler.pending[0] !== 90_000,
      );
      const [wait = 0] = scheduler.pending;
      await scheduler.advance(wait);
      return wait;
    };

    it('500s on the list, waiting longer each time', async () => {
      const reflector = start(
        [
          status(500, 'InternalError'),
          status(500, 'InternalError'),
          status(500, 'InternalError'),
          list('5'),
          watch(),
        ],
        { random: () => 0.5 },
      );
      assert.deepEqual([await backoff(1), await backoff(2), await backoff(3)], [300, 400, 600]);
      await reflector.synced;
      await requests(5);
    });

    it('a kind that is not served, looking every 2 s, and says so until it is', async () => {
      const gone = status(404, 'NotFound');
      const reflector = start([
        list('5', configMap('a')),
        gone,
        gone,
        gone,
        list('9', configMap('b', '8')),
        watch(),
      ]);
      assert.equal(reflector.isServed, true);
      assert.deepEqual([await backoff(2), await backoff(3)], [2_000, 2_000]);
      assert.deepEqual([reflector.isServed, reflector.kindName, store.size], [false, 'configmaps', 1]);
      assert.equal(await backoff(4), 2_000);
      await requests(6);
      assert.equal(reflector.isServed, true);
      assert.deepEqual(changes, ['added a', 'deleted a', 'added b']);
    });

    it('an hour of 500s, never waiting more than 30 s', async () => {
      start([status(500, 'InternalError')], { random: () => 0.999 });
      const waits = [];
      for (let count = 1; count < 14; count++) waits.push(await backoff(count));
      assert.ok(Math.max(...waits) <= 30_000 && (waits.at(-1) ?? 0) > 29_000, waits.join());
    });

    it('a 500 on the watch: it goes on from the same version', async () => {
      start([list('5'), status(500, 'InternalError'), watch(added(configMap('a', '6')))]);
      await backoff(2);
      await until(() => changes.length === 1);
      assert.deepEqual(asked(), ['list', 'watch 5', 'watch 5']);
    });

    it('and forgets failures with the first event, though the watch breaks then', async () => {
      const failed = status(500, 'InternalError');
      const broken = brokenWatch(added(configMap('a', '6')));
      start([list('5'), failed, failed, broken, watch()], { random: () => 0.5 });
      assert.deepEqual([await backoff(2), await backoff(3), await backoff(4)], [300, 400, 300]);
    });

    it('what the server asks to wait', async () => {
      start([list('5'), status(429, 'TooManyRequests', { 'retry-after': '7' }), watch()]);
      assert.equal(await backoff(2), 7_000);
    });

    it('an HTTP 410 on the watch: it lists at once', async () => {
      start([list('5', configMap('a')), status(410, 'Expired'), list('9', configMap('b', '8')), watch()]);
      await requests(4);
      assert.deepEqual(asked(), ['list', 'watch 5', 'list', 'watch 9']);
      assert.deepEqual(changes, ['added a', 'deleted a', 'added b']);
    });

    it('a 410 within the watch: the same', async () => {
      start([
        list('5', configMap('a')),
        watch(added(configMap('b', '6')), { type: 'ERROR', object: expired }),
        list('9', configMap('b', '6')),
        watch(),
      ]);
      await requests(4);
      assert.deepEqual(asked(), ['list', 'watch 5', 'list', 'watch 9']);
      assert.deepEqual(changes, ['added a', 'added b', 'deleted a']);
    });

    it('a 410 again and again, not in a tight loop', async () => {
      const gone = status(410, 'Expired');
      start([list('5'), gone, list('6'), gone, list('7'), watch()]);
      assert.ok((await backoff(4)) >= 200);
      await requests(6);
    });

    it('a 410 between the pages of a list', async () => {
      const page = json({ metadata: { resourceVersion: '5', continue: 'x' }, items: [configMap('a')] });
      start([page, status(410, 'Expired'), list('6', configMap('b')), watch()]);
      await requests(4);
      assert.deepEqual(changes, ['added b']);
    });

    it('a stream that is cut within an event: nothing is lost', async () => {
      start([
        list('5'),
        endedWatch(added(configMap('a', '6')), '{"type":"ADDED","obj'),
        list('7', configMap('a', '6'), configMap('b', '7')),
        watch(),
      ]);
      await backoff(2);
      await requests(4);
      assert.deepEqual(changes, ['added a', 'added b']);
    });

    it('a connection that breaks', async () => {
      start([list('5'), brokenWatch(added(configMap('a', '6'))), watch()]);
      await backoff(2);
      await requests(3);
      assert.deepEqual(asked(), ['list', 'watch 5', 'watch 6']);
    });

    it('a server that ends every watch at once, not in a tight loop', async () => {
      start([list('5'), endedWatch(), endedWatch(), watch()], { random: () => 0.5 });
      assert.deepEqual([await backoff(2), await backoff(3)], [300, 400]);
      await requests(4);
    });

    it('a handler that throws', async () => {
      start([list('5', configMap('a')), watch(added(configMap('b', '6')))], {
        onChange: (change) => {
          onChange(change);
          throw new Error('bug');
        },
      });
      await until(() => changes.length === 2);
      assert.deepEqual([asked(), scheduler.pending], [['list', 'watch 5'], [90_000]], 'the watch goes on');
    });

    it('silence: after 90 s it opens the watch anew, which is no failure', async () => {
      const reflector = start([list('5'), watch(), watch(added(configMap('a', '6'))), watch()]);
      await requests(2);
      await until(() => reflector.isSynced && scheduler.pending.join() === '90000');
      await settle();
      await scheduler.advance(89_999);
      assert.equal(server.asked.length, 2);
      await scheduler.advance(1);
      await until(() => changes.length === 1);
      assert.deepEqual(asked(), ['list', 'watch 5', 'watch 5']);
      await scheduler.advance(90_000);
      await requests(4);
    });

    it('silence shorter than that: each event counts anew', async () => {
      let send: (event: unknown) => void = () => undefined;
      start([
        list('5'),
        (res, request) => {
          watch()(res, request);
          send = (event) => res.write(`${JSON.stringify(event)}\n`);
        },
        watch(),
      ]);
      await requests(2);
      await until(() => scheduler.pending.join() === '90000');
      await scheduler.advance(60_000);
      send(added(configMap('a', '6')));
      await until(() => changes.length === 1);
      await scheduler.advance(89_999);
      assert.equal(server.asked.length, 2);
      await scheduler.advance(1);
      await requests(3);
    });

    it('a server that takes a watch and never answers', async () => {
      start([list('5'), () => undefined, watch()]);
      await requests(2);
      await until(() => scheduler.pending[0] === 10_000);
      await scheduler.advance(10_000);
      await until(() => scheduler.pending[0] === 200);
      await scheduler.advance(200);
      await requests(3);
    });
  });

  describe('stops', () => {
    const ends = async (count: number) => {
      stop.abort();
      await Promise.all(running);
      assert.equal(server.asked.length, count);
    };

    it('while it watches', async () => {
      const reflector = start([list('5'), watch()]);
      await reflector.synced;
      await requests(2);
      await ends(2);
    });

    it('while it waits to try again, and asks nothing more', async () => {
      start([list('5'), status(500, 'InternalError')]);
      await until(() => scheduler.pending.join() === '200');
      await ends(2);
    });

    it('while it lists', async () => {
      start([() => undefined]);
      await requests(1);
      await ends(1);
    });

    it('before it began', async () => {
      stop.abort();
      start([list('5')]);
      await ends(0);
    });
  });

  it('serves several namespaces from one store', async () => {
    const watching = reflectors(['one', 'two'], options());
    server.script((res, request) => {
      const namespace = request.path.split('/')[4];
      if (request.query.has('watch')) watch()(res, request);
      else list('5', configMap('a', '1', namespace))(res, request);
    });
    for (const reflector of watching) run(reflector);
    await Promise.all(watching.map(({ synced }) => synced));
    assert.deepEqual(store.keys().sort(), ['one/a', 'two/a']);
    assert.equal(reflectors(undefined, options()).length, 1);
  });
});
