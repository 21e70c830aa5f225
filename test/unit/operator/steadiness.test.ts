// Pods whose answers turn to and fro: what of it becomes writes, and how late a turn for the worse may be. Time is the test's.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Controller } from '../../../src/operator/controller.ts';
import type { SidecarReport } from '../../../src/operator/inputs.ts';
import type { ServerObject } from '../../../src/operator/kinds.ts';
import { createMetrics } from '../../../src/operator/metrics.ts';
import type { ProbeTarget } from '../../../src/operator/prober.ts';
import { readSettings } from '../../../src/operator/settings.ts';
import { StatusPace } from '../../../src/operator/status-pace.ts';
import { next, UNKNOWN } from '../../../src/operator/steadiness.ts';
import type { MemoryApiServer } from '../../support/memory-api-server.ts';
import { NOW, report, sidecarStatus } from '../../support/operator-inputs.ts';
import { FakeScheduler, settle, until } from '../kube/fake-scheduler.ts';
import { NAMESPACE, newServer, silent, startApi } from './operator.ts';

const SERVER = 'ProtectedMcpServer';

describe('a pod', () => {
  /** Which of the reports count: `+` good, `-` bad, one in each two seconds. */
  const counted = (reports: string, step = 2_000) => {
    let course = UNKNOWN;
    return [...reports]
      .map((sign, index) => {
        const taken = next(course, sign === '+', index * step);
        ({ course } = taken);
        return taken.counts ? sign : '.';
      })
      .join('');
  };
  const rows: readonly [what: string, reports: string, counts: string][] = [
    ['counts as well at once when it starts', '--+', '--+'],
    ['counts as ill at once', '+++-', '+++-'],
    ['recovers at once the first time', '+-+', '+-+'],
    ['must then stay well for longer each time', '+-+-++-++++-++++', '+-+-.+-...+-....'],
    ['begins anew when it falls ill meanwhile', '+-+-++-+++-++++', '+-+-.+-...-...+'],
    ['that flaps with each probe counts as ill', '+-+-+-+-+-+-', '+-+-.-.-.-.-'],
  ];
  for (const [what, reports, counts] of rows) it(what, () => assert.equal(counted(reports), counts));

  it('is forgiven after ten quiet minutes', () => {
    assert.equal(counted('+-+-++-++++', 10 * 60_000 + 1), '+-+-++-++++');
  });
  it('waits for 64 good reports at most', () => {
    const reports = `${'+-'.repeat(3)}${`${'+'.repeat(64)}-`.repeat(8)}${'+'.repeat(64)}`;
    assert.equal(counted(reports).at(-1), '+');
  });
});

describe('the pace of status writes', () => {
  const take = (pace: StatusPace, key: string, now: number, isUrgent = false) =>
    pace.take(key, { isUrgent, now });
  /** Writes in so many minutes of ten attempts a second. */
  const writes = (minutes: number, keys: readonly string[], isUrgent = false) => {
    const pace = new StatusPace();
    let count = 0;
    for (let now = 0; now < minutes * 60_000; now += 100)
      for (const key of keys) count += Number(take(pace, key, now, isUrgent) === 0);
    return count;
  };

  it('lets a server start as fast as it can, then two writes a minute', () => {
    assert.equal(writes(1, ['a/x']), 10 + 2);
    assert.ok(writes(10, ['a/x']) <= 10 + 10 * 2 + 2);
  });
  it('says when to come again, in half a minute at most', () => {
    const pace = new StatusPace();
    for (let index = 0; index < 11; index++) assert.equal(take(pace, 'a/x', 0), 0);
    assert.equal(take(pace, 'a/x', 0), 30_000);
    assert.equal(take(pace, 'a/x', 29_000), 1_000);
    assert.equal(take(pace, 'a/x', 30_000), 0);
  });
  it('is one for a namespace of many', () => {
    const keys = Array.from({ length: 50 }, (_, index) => `a/${index}`);
    const beyondBursts = writes(10, keys) - 50 * 10 - 50 * 2;
    assert.ok(beyondBursts <= 30 + 10 * 30, String(beyondBursts));
  });
  it('leaves other namespaces alone', () => {
    const pace = new StatusPace();
    for (let index = 0; index < 2_000; index++) take(pace, `a/${index % 100}`, 0);
    for (let index = 0; index < 11; index++) assert.equal(take(pace, 'b/x', 0), 0);
  });
  it('does not hold a turn for the worse for others of the namespace', () => {
    const pace = new StatusPace();
    for (let index = 0; index < 2_000; index++) take(pace, `a/${index % 100}`, 0);
    for (let index = 0; index < 10; index++) take(pace, 'a/x', 0);
    assert.ok(take(pace, 'a/x', 0) > 0);
    assert.equal(take(pace, 'a/x', 0, true), 0);
  });
});

describe('an operator beside pods that flap', () => {
  let api: MemoryApiServer;
  let stop: AbortController;
  let ended: Promise<void>;
  let scheduler: FakeScheduler;
  let probe: (target: ProbeTarget) => SidecarReport;
  let events: number;

  beforeEach(async () => {
    api = await startApi();
    stop = new AbortController();
    scheduler = new FakeScheduler();
    probe = () => report();
    events = 0;
    api.intercept = ({ kind, verb }) => {
      if (kind === 'Event' && verb !== 'list') events++;
      return undefined;
    };
    const place = { POD_NAMESPACE: NAMESPACE, POD_NAME: 'operator-0', SIDECAR_IMAGE: 'sidecar:1' };
    const controller = new Controller({
      settings: readSettings({ ...place, LEADER_ELECTION: 'false' }),
      client: api.client(),
      metrics: createMetrics(),
      certManager: false,
      clock: () => NOW + scheduler.now(),
      log: silent,
      stop: stop.signal,
      identity: 'operator-0',
      scheduler,
      probe: (target) => Promise.resolve(probe(target)),
    });
    ended = controller.run();
  });
  afterEach(async () => {
    stop.abort();
    await ended;
    await api.close();
  });

  const status = (name: string, type: string) =>
    api.get<ServerObject>(SERVER, `demo/${name}`)?.status?.conditions?.find((one) => one.type === type)
      ?.status;
  const statusWrites = () => api.writes.filter((write) => write.includes(`${SERVER}/status`)).length;

  async function run(name: string): Promise<void> {
    api.put(newServer((server) => (server.metadata.name = name)));
    await until(() => api.get('Deployment', `demo/${name}`) !== undefined, 'its Deployment');
    api.edit<ServerObject>('Deployment', `demo/${name}`, (deployment) => {
      const counts = { replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 };
      Object.assign(deployment, { status: { observedGeneration: 1, ...counts } });
    });
    const { labels = {} } = api.get('Deployment', `demo/${name}`)?.metadata ?? {};
    api.put({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'demo', uid: `pod-${name}`, labels },
      status: { phase: 'Running', podIP: '10.0.0.1', conditions: [{ type: 'Ready', status: 'True' }] },
    });
  }

  /** Lets so much time go by, half a second at a time, and everything that it starts come to its end. */
  async function pass(minutes: number): Promise<void> {
    for (let step = 0; step < minutes * 120; step++) {
      await scheduler.advance(500);
      await until(() => api.open <= 8, 'only watches are open');
    }
  }

  const ILL: Readonly<Record<string, (turn: number) => SidecarReport>> = {
    'is silent every other time': (turn) =>
      turn % 2 === 0 ? report() : report({ status: undefined, error: 'timeout' }),
    'has its port open every other time': (turn) =>
      report({ serverPort: turn % 2 === 0 ? 'closed' : 'open' }),
    'loses its keys every other time': (turn) =>
      report({
        status: sidecarStatus({
          issuers: [{ issuer: 'https://idp.example.com', keys: turn % 2, lastError: undefined }],
        }),
      }),
    'has another error each time': (turn) =>
      report({
        status: sidecarStatus({
          ready: false,
          issuers: [
            { issuer: 'https://idp.example.com', keys: 0, lastError: { code: 'tls', message: `x${turn}` } },
          ],
        }),
      }),
    'has another configuration each time': (turn) =>
      report({ status: sidecarStatus({ configDigest: `digest-${turn % 2}` }) }),
  };
  for (const [what, answer] of Object.entries(ILL)) {
    it(`writes at most two a minute for one that ${what}`, async () => {
      let turn = 0;
      await run('echo');
      probe = () => answer(turn++);
      await pass(2); // what a server may write at its start is used up
      const before = { writes: statusWrites(), events, turn };
      await pass(3);
      assert.ok(turn - before.turn >= 6, `${turn - before.turn} probes`);
      assert.ok(statusWrites() - before.writes <= 8, `${statusWrites() - before.writes} status writes`);
      assert.ok(events - before.events <= 9, `${events - before.events} requests for events`);
    });
  }

  it('writes at most 30 a minute for 30 of one namespace, and the others of it are served', async () => {
    const turns = new Map<string, number>();
    probe = ({ podUid }) => {
      const turn = (turns.get(podUid) ?? 0) + 1;
      turns.set(podUid, turn);
      const message = `x${turn}`;
      const issuers = [
        { issuer: 'https://idp.example.com', keys: 0, lastError: { code: 'tls' as const, message } },
      ];
      return report({ status: sidecarStatus({ ready: false, issuers }) });
    };
    for (let index = 0; index < 30; index++) await run(`flap-${index}`);
    await pass(1);
    const before = { writes: statusWrites(), events };
    await pass(1);
    // Each earns one in five minutes besides; two a minute, of each, would be 60.
    assert.ok(statusWrites() - before.writes <= 30 + 10, `${statusWrites() - before.writes} status writes`);
    assert.ok(events - before.events <= 20 + 10, `${events - before.events} requests for events`);
    probe = ({ podUid }) => report({ serverPort: podUid === 'pod-late' ? 'open' : 'closed' });
    await run('late');
    await pass(0.1);
    assert.equal(status('late', 'Isolated'), 'False');
  });

  it('says within half a minute that a server is not isolated, also of one that flaps', async () => {
    let turn = 0;
    await run('echo');
    probe = () => report({ status: sidecarStatus({ configDigest: `digest-${turn++ % 2}` }) });
    await pass(2);
    assert.equal(status('echo', 'Isolated'), 'True');
    probe = () => report({ serverPort: 'open' });
    await pass(0.75); // a probe, a quarter of a minute, and the pace
    assert.equal(status('echo', 'Isolated'), 'False');
  });

  it('applies a change of the resource at once', async () => {
    await run('echo');
    let turn = 0;
    probe = () => report({ status: sidecarStatus({ configDigest: `digest-${turn++ % 2}` }) });
    await pass(3);
    for (let generation = 2; generation < 20; generation++) {
      api.edit<ServerObject>(SERVER, 'demo/echo', (server) => (server.spec.replicas = generation));
      await until(
        () => api.get<ServerObject>(SERVER, 'demo/echo')?.status?.observedGeneration === generation,
        'the change',
      );
    }
    await settle();
  });
});
