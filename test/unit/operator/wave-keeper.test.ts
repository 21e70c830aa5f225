// What keeps the waves going: who is woken, and what is said, however often it looks.
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { REVISION_ANNOTATION } from '../../../src/api/names.ts';
import { Store } from '../../../src/kube/store.ts';
import type { Deployment, ServerObject } from '../../../src/operator/kinds.ts';
import { WaveKeeper } from '../../../src/operator/wave-keeper.ts';
import { deployment, serverObject } from '../../support/operator-inputs.ts';
import { FakeScheduler } from '../kube/fake-scheduler.ts';
import { silent } from './operator.ts';

let servers: Store<ServerObject, 'namespace'>;
/** Namespaces that another installation manages. */
let others: Set<string>;
let deployments: Map<string, Deployment>;
let woken: string[];
let events: string[];
let scheduler: FakeScheduler;
let stop: AbortController;
let keeper: WaveKeeper;
let version = 0;

/** A server of the namespace `demo`, with a version, rolled out or not. */
function put(name: string, revision: string, isReady = true): void {
  const applied = {
    generation: 3,
    sidecarImage: 'sidecar:1',
    revision,
    digest: '',
    replaced: 'Ready',
  } as const;
  const server = serverObject(({ metadata }) =>
    Object.assign(metadata, { name, resourceVersion: String(++version) }),
  );
  servers.set({ ...server, status: { applied } });
  const live = deployment(isReady ? {} : { availableReplicas: 0, conditions: [COMPLETE] });
  deployments.set(name, {
    ...live,
    metadata: { ...live.metadata, annotations: { [REVISION_ANNOTATION]: revision } },
  });
}

const COMPLETE = { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' };

beforeEach(() => {
  servers = new Store({ namespace: ({ metadata }) => [metadata.namespace ?? ''] });
  others = new Set();
  deployments = new Map();
  woken = [];
  events = [];
  scheduler = new FakeScheduler();
  stop = new AbortController();
  keeper = new WaveKeeper({
    cache: { servers, deployment: ({ metadata }) => deployments.get(metadata.name) },
    isOfAnother: (namespace) => others.has(namespace),
    revision: 'new',
    maxConcurrent: { unit: 'servers', value: 1 },
    enqueue: (key) => woken.push(key),
    operator: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'operator-0', namespace: 'system' } },
    record: ({ kind, metadata }, { reason }) => void events.push(`${kind} ${metadata.name} ${reason}`),
    log: silent,
    scheduler,
    stop: stop.signal,
  });
  for (const name of ['a', 'b', 'c']) put(name, 'old');
});

describe('the keeper of waves', () => {
  it('wakes a server once when its turn has come', () => {
    keeper.look();
    keeper.look();
    assert.deepEqual(woken, ['demo/a']);
    assert.deepEqual(
      ['a', 'b'].map((name) => keeper.hasTurn(`demo/${name}`)),
      [true, false],
    );
  });

  it('wakes the next when that one is done', () => {
    keeper.look();
    put('a', 'new');
    keeper.look();
    assert.deepEqual(woken, ['demo/a', 'demo/b']);
  });

  it('gives no turn to servers of another installation, which would never be done', () => {
    others.add('demo');
    keeper.look();
    assert.deepEqual([woken, keeper.wave.waiting], [[], 0]);
    others.clear();
    keeper.look();
    assert.deepEqual(woken, ['demo/a']);
  });

  it('looks once for all that changes within a moment', async () => {
    for (let change = 0; change < 100; change++) keeper.changed();
    assert.equal(scheduler.pending.length, 1);
    await scheduler.advance(1_000);
    assert.deepEqual(woken, ['demo/a']);
  });

  it('does not look after its end', async () => {
    keeper.changed();
    stop.abort();
    keeper.changed();
    await scheduler.advance(1_000);
    assert.deepEqual(woken, []);
  });

  it('says once that it is held, though the same server comes and goes', () => {
    put('a', 'new', false);
    keeper.look();
    assert.equal(keeper.wave.isHeld, true);
    assert.deepEqual(events, ['Pod operator-0 RolloutHeld', 'ProtectedMcpServer a RolloutHeld']);
    for (let round = 0; round < 3; round++) {
      deployments.set('a', { ...deployments.get('a')!, status: {} }); // starts again
      keeper.look();
      assert.equal(keeper.wave.isHeld, false);
      put('a', 'new', false);
      keeper.look();
    }
    assert.equal(events.length, 2);
  });

  it('says it again when it went on in between', () => {
    put('a', 'new', false);
    keeper.look();
    put('a', 'new');
    keeper.look();
    put('b', 'new', false);
    keeper.look();
    assert.deepEqual(events.slice(2), ['Pod operator-0 RolloutHeld', 'ProtectedMcpServer b RolloutHeld']);
  });

  it('says that it is held by a server that is changed again and again, and never gets ready', async () => {
    put('a', 'new');
    for (let minute = 0; minute < 15; minute++) {
      deployments.set('a', { ...deployments.get('a')!, status: {} }); // begins anew
      keeper.look();
      await scheduler.advance(60_000);
      put('a', 'new'); // and got ready in between
    }
    assert.deepEqual([events, keeper.wave.isHeld], [[], false]);
    deployments.set('a', { ...deployments.get('a')!, status: {} });
    keeper.look();
    assert.deepEqual(keeper.wave.failing, ['demo/a']);
    assert.deepEqual(events, ['Pod operator-0 RolloutHeld', 'ProtectedMcpServer a RolloutHeld']);
  });

  it('gives a turn that is not used, as where each attempt fails, to another', async () => {
    keeper.look();
    await scheduler.advance(119_000);
    keeper.look();
    assert.deepEqual(woken, ['demo/a']);
    await scheduler.advance(1_000);
    keeper.look();
    keeper.look();
    assert.deepEqual(woken, ['demo/a', 'demo/b']);
    assert.equal(keeper.hasTurn('demo/a'), false);
  });

  it('says nothing of a server that begins anew where none waits', async () => {
    for (const name of ['a', 'b', 'c']) put(name, 'new');
    for (let hour = 0; hour < 3; hour++) {
      deployments.set('a', { ...deployments.get('a')!, status: {} });
      keeper.look();
      await scheduler.advance(3_600_000);
    }
    assert.deepEqual([keeper.wave.failing, events], [[], []]);
  });

  it('says nothing of servers that fail where none waits', () => {
    for (const name of ['a', 'b', 'c']) put(name, 'new', name !== 'a');
    keeper.look();
    assert.deepEqual([keeper.wave.isHeld, events], [false, []]);
  });
});
