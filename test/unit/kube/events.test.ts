// What is written for people, how often, and that nothing waits for it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApiError } from '../../../src/kube/errors.ts';
import { EventRecorder } from '../../../src/kube/events.ts';
import type { KubeObject, Resource } from '../../../src/kube/object.ts';
import { FakeScheduler, settle } from './fake-scheduler.ts';
import { configMap } from './objects.ts';
import { never, silent } from './wire.ts';

interface Written extends KubeObject {
  readonly note: string;
  readonly series?: { count: number };
}

function recorder() {
  const scheduler = new FakeScheduler();
  const created: Written[] = [];
  const updated: Written[] = [];
  const fail: { next?: number } = {};
  const answer = <T extends KubeObject>(list: Written[], object: KubeObject): Promise<T> => {
    const code = fail.next;
    delete fail.next;
    if (code !== undefined) return Promise.reject(new ApiError('create Event', { status: code }));
    list.push(object as Written);
    return Promise.resolve({ ...object, metadata: { ...object.metadata, resourceVersion: '1' } } as T);
  };
  let id = 0;
  const events = new EventRecorder({
    client: {
      create: <T extends KubeObject>(_: Resource<T>, object: KubeObject) => answer<T>(created, object),
      update: <T extends KubeObject>(_: Resource<T>, object: KubeObject) => answer<T>(updated, object),
    },
    controller: 'protectedmcp.dev/operator',
    instance: 'operator-0',
    stop: never,
    log: silent,
    scheduler,
    clock: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6),
    randomId: () => `id${++id}`,
  });
  return { events, scheduler, created, updated, fail };
}

const content = {
  type: 'Warning',
  reason: 'NotIsolated',
  action: 'Probe',
  note: 'Port 8000 answers.',
} as const;

describe('an event', () => {
  it('has all that events.k8s.io/v1 asks for', async () => {
    const { events, created } = recorder();
    events.record(configMap('echo', '7'), content);
    await events.flush();
    assert.deepEqual(created, [
      {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: { name: 'echo.id1', namespace: 'demo' },
        eventTime: '2026-01-02T03:04:05.006000Z',
        reportingController: 'protectedmcp.dev/operator',
        reportingInstance: 'operator-0',
        ...content,
        regarding: {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          name: 'echo',
          namespace: 'demo',
          uid: 'uid-echo',
          resourceVersion: '7',
        },
      },
    ]);
  });

  for (const [rule, note] of [
    ['of ASCII', 'x'.repeat(3_000)],
    ['of two bytes a letter', 'ü'.repeat(3_000)],
    ['of four, shifted', `a${'🔒'.repeat(3_000)}`],
  ] as const) {
    it(`is cut to 1 kB between characters: ${rule}`, async () => {
      const { events, created } = recorder();
      events.record(configMap('echo'), { ...content, note });
      await events.flush();
      const cut = created[0]?.note ?? '';
      const bytes = Buffer.byteLength(cut);
      assert.ok(bytes <= 1024 && bytes > 1016, `${bytes} bytes`);
      assert.ok(cut.endsWith('…') && note.startsWith(cut.slice(0, -1)));
    });
  }

  it('is written once for many, and counted at most once a minute', async () => {
    const { events, scheduler, created, updated } = recorder();
    for (let second = 0; second < 150; second++) {
      events.record(configMap('echo'), content);
      await scheduler.advance(1_000);
    }
    assert.equal(created.length, 1);
    assert.deepEqual(
      updated.map(({ series, metadata }) => [series?.count, metadata.name, metadata.resourceVersion]),
      [
        [61, 'echo.id1', '1'],
        [121, 'echo.id1', '1'],
      ],
    );
  });

  it('is a new one after ten minutes, or when it has expired', async () => {
    const { events, scheduler, created, fail } = recorder();
    events.record(configMap('echo'), content);
    await scheduler.advance(600_000);
    events.record(configMap('echo'), content);
    await scheduler.advance(61_000);
    assert.equal(created.length, 2);
    fail.next = 404;
    events.record(configMap('echo'), content);
    await settle();
    events.record(configMap('echo'), content);
    await settle();
    assert.equal(created.length, 3);
  });

  it('is tried again when it was not written', async () => {
    const { events, created, fail } = recorder();
    fail.next = 500;
    events.record(configMap('echo'), content);
    await settle();
    events.record(configMap('echo'), content);
    await settle();
    assert.equal(created.length, 1);
  });

  it('is dropped when one object has too many, not when others have', async () => {
    const { events, scheduler, created } = recorder();
    for (let index = 0; index < 50; index++) {
      events.record(configMap('echo'), { ...content, note: `${index}` });
      await settle();
    }
    assert.equal(created.length, 10);
    events.record(configMap('other'), content);
    await scheduler.advance(120_000);
    for (let index = 0; index < 5; index++)
      events.record(configMap('echo'), { ...content, note: `later ${index}` });
    await settle();
    assert.equal(created.length, 13, 'one for the other, and two that two minutes allow');
  });
});

describe('one namespace', () => {
  it('gets 100 events, and then 20 a minute, however many objects it has', async () => {
    const { events, scheduler, created } = recorder();
    const flood = async () => {
      for (let index = 0; index < 300; index++) {
        events.record(configMap(`flood-${index}`), { ...content, note: `at ${scheduler.now()}` });
        await events.flush();
      }
    };
    await flood();
    assert.equal(created.length, 100);
    for (let minute = 0; minute < 3; minute++) {
      await scheduler.advance(60_000);
      await flood();
    }
    assert.equal(created.length, 160);
    events.record(configMap('echo', '1', 'other'), content);
    await events.flush();
    assert.equal(created.length, 161, 'another has its own');
  });

  it('leaves room for others while the API server is slow', async () => {
    const { events, created } = recorder();
    for (let index = 0; index < 40; index++) events.record(configMap(`flood-${index}`), content);
    events.record(configMap('echo', '1', 'other'), content);
    await events.flush();
    assert.deepEqual([created.length, created.at(-1)?.metadata.namespace], [9, 'other']);
  });
});
