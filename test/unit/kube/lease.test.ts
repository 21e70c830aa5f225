// The state machine of leader election: two candidates, one Lease in memory, time in the test's hands.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApiError, NoAnswerError } from '../../../src/kube/errors.ts';
import type { Lease } from '../../../src/kube/lease-record.ts';
import { LeaderElector, type LeaderElectorOptions } from '../../../src/kube/lease.ts';
import type { KubeObject, Resource } from '../../../src/kube/object.ts';
import { FakeScheduler, settle } from './fake-scheduler.ts';
import { never, silent } from './wire.ts';

/** One Lease as the API server keeps it: each write needs the version that was read. */
class FakeLeases {
  /** The candidate whose writes fail. */
  mute: string | undefined;
  lease: Lease | undefined;
  /** Set to make requests fail, or hang until their signal. */
  failing: 'no' | 'error' | 'hang' = 'no';
  writes = 0;
  #version = 0;

  get<T extends KubeObject>(_: Resource<T>, _place: object, { signal }: { signal: AbortSignal }): Promise<T> {
    return this.#answer(signal, () => {
      if (this.lease === undefined) throw new ApiError('get Lease', { status: 404 });
      return this.lease;
    }) as unknown as Promise<T>;
  }

  create<T extends KubeObject>(
    _: Resource<T>,
    lease: KubeObject,
    { signal }: { signal: AbortSignal },
  ): Promise<T> {
    return this.#answer(signal, () => {
      if (this.lease) throw new ApiError('create Lease', { status: 409, body: { reason: 'AlreadyExists' } });
      return this.#store(lease);
    }) as unknown as Promise<T>;
  }

  update<T extends KubeObject>(
    _: Resource<T>,
    lease: KubeObject,
    { signal }: { signal: AbortSignal },
  ): Promise<T> {
    return this.#answer(signal, () => {
      if ((lease as Lease).spec?.holderIdentity === this.mute)
        throw new ApiError('update Lease', { status: 500 });
      if (this.lease === undefined) throw new ApiError('update Lease', { status: 404 });
      const isStale = this.lease.metadata.resourceVersion !== lease.metadata.resourceVersion;
      if (isStale) throw new ApiError('update Lease', { status: 409 });
      return this.#store(lease);
    }) as unknown as Promise<T>;
  }

  #store(lease: KubeObject): Lease {
    this.writes++;
    const metadata = { ...lease.metadata, resourceVersion: String(++this.#version) };
    this.lease = { ...(lease as Lease), metadata };
    return this.lease;
  }

  /** What another client did. */
  edit(spec: Lease['spec']): void {
    assert.ok(this.lease);
    this.#store({ ...this.lease, spec: { ...this.lease.spec, ...spec } } as Lease);
  }

  async #answer(signal: AbortSignal, run: () => Lease): Promise<Lease> {
    await Promise.resolve();
    if (this.failing === 'error') throw new ApiError('Lease', { status: 500 });
    if (this.failing === 'no') return run();
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new NoAnswerError('Lease', 'stopped', 'stopped')));
    });
  }
}

function candidate(
  leases: FakeLeases,
  scheduler: FakeScheduler,
  identity: string,
  options: Partial<LeaderElectorOptions> = {},
) {
  const lost: string[] = [];
  const elector = new LeaderElector({
    client: leases,
    namespace: 'ns',
    name: 'op',
    identity,
    fieldManager: 'mcp-operator',
    log: silent,
    onLost: (reason) => lost.push(reason),
    scheduler,
    random: () => 0,
    clock: () => Date.UTC(2026) + scheduler.now(),
    durationMs: 30_000,
    renewDeadlineMs: 20_000,
    retryMs: 4_000,
    ...options,
  });
  return { elector, lost };
}

async function leading(options: Partial<LeaderElectorOptions> = {}) {
  const leases = new FakeLeases();
  const scheduler = new FakeScheduler();
  const one = candidate(leases, scheduler, 'one', options);
  assert.equal(await one.elector.acquire(never), true);
  return { leases, scheduler, ...one };
}

describe('a candidate', () => {
  it('creates the Lease when there is none', async () => {
    const { leases, elector } = await leading({ clock: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6) });
    assert.deepEqual(leases.lease, {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'op', namespace: 'ns', resourceVersion: '1' },
      spec: {
        holderIdentity: 'one',
        leaseDurationSeconds: 30,
        renewTime: '2026-01-02T03:04:05.006000Z',
        acquireTime: '2026-01-02T03:04:05.006000Z',
        leaseTransitions: 0,
      },
    });
    assert.deepEqual([elector.isLeader, elector.holder], [true, 'one']);
  });

  it('waits while the holder renews, and takes over 30 s after it stopped, by its own clock', async () => {
    const { leases, scheduler, elector, lost } = await leading();
    const two = candidate(leases, scheduler, 'two');
    let isLeading = false;
    void two.elector.acquire(never).then((got) => (isLeading = got));
    await scheduler.advance(120_000);
    assert.deepEqual([isLeading, elector.isLeader, two.elector.holder], [false, true, 'one']);

    leases.failing = 'error';
    await scheduler.advance(21_000);
    assert.deepEqual([elector.isLeader, isLeading, lost], [false, false, ['no renewal in time']]);
    leases.failing = 'no';
    await scheduler.advance(7_000);
    assert.equal(isLeading, false, 'not yet 30 s since the last renewal that it saw');
    await scheduler.advance(8_000);
    assert.deepEqual([isLeading, leases.lease?.spec?.holderIdentity], [true, 'two']);
    assert.equal(leases.lease?.spec?.leaseTransitions, 1);
  });

  for (const offset of [0, 1_000, 2_999, 3_001, 5_000]) {
    it(`takes over within 35 s by default, at its slowest, ${offset} ms apart`, async () => {
      const defaults = {
        durationMs: undefined,
        renewDeadlineMs: undefined,
        retryMs: undefined,
        random: () => 0.999,
      };
      const times = defaults as unknown as Partial<LeaderElectorOptions>; // not given, as in production
      const { leases, scheduler } = await leading(times);
      await scheduler.advance(offset);
      const two = candidate(leases, scheduler, 'two', times);
      let isLeading = false;
      void two.elector.acquire(never).then((got) => (isLeading = got));
      await scheduler.advance(60_000);
      leases.mute = 'one';
      await scheduler.advance(35_000);
      assert.equal(isLeading, true);
    });
  }

  for (const [rule, renewTime] of [
    ['lies years back', '2001-01-01T00:00:00.000000Z'],
    ['lies years ahead', '2101-01-01T00:00:00.000000Z'],
    ['is nonsense', 'yesterday'],
  ] as const) {
    it(`does not read the holder's clock: its time ${rule}`, async () => {
      const { leases, scheduler, elector } = await leading();
      await elector.release();
      leases.edit({ holderIdentity: 'three', renewTime, leaseDurationSeconds: 30 });
      const two = candidate(leases, scheduler, 'two');
      let isLeading = false;
      void two.elector.acquire(never).then((got) => (isLeading = got));
      await scheduler.advance(30_000);
      assert.equal(isLeading, false);
      await scheduler.advance(4_000);
      assert.equal(isLeading, true);
    });
  }

  it('counts from what it saw last, however long it slept itself', async () => {
    const { leases, scheduler } = await leading();
    const two = candidate(leases, scheduler, 'two');
    let isLeading = false;
    void two.elector.acquire(never).then((got) => (isLeading = got));
    await settle();
    scheduler.stall(60_000); // both processes; the holder renews late, but before the candidate looks
    leases.edit({ renewTime: 'renewed' });
    await scheduler.advance(5_000);
    assert.equal(isLeading, false);
  });

  it("believes the holder's duration, not its own", async () => {
    const { leases, scheduler, elector } = await leading();
    await elector.release();
    leases.edit({ holderIdentity: 'three', leaseDurationSeconds: 60 });
    let isLeading = false;
    void candidate(leases, scheduler, 'two')
      .elector.acquire(never)
      .then((got) => (isLeading = got));
    await scheduler.advance(58_000);
    assert.equal(isLeading, false);
    await scheduler.advance(8_000);
    assert.equal(isLeading, true);
  });

  it('takes a released Lease at once', async () => {
    const { leases, scheduler, elector, lost } = await leading();
    await elector.release();
    assert.deepEqual([leases.lease?.spec?.holderIdentity, leases.lease?.spec?.leaseDurationSeconds], ['', 1]);
    const two = candidate(leases, scheduler, 'two');
    assert.equal(await two.elector.acquire(never), true);
    assert.deepEqual(
      [elector.isLeader, lost, scheduler.pending.length],
      [false, [], 2],
      'no timer of the first',
    );
  });

  it('goes on after its own restart, without a new transition', async () => {
    const { leases, scheduler } = await leading();
    const { elector } = candidate(leases, scheduler, 'one');
    assert.equal(await elector.acquire(never), true);
    assert.equal(leases.lease?.spec?.leaseTransitions, 0);
  });

  it('loses to one that was faster', async () => {
    const leases = new FakeLeases();
    const scheduler = new FakeScheduler();
    const [one, two] = ['one', 'two'].map((identity) => candidate(leases, scheduler, identity).elector);
    assert.ok(one && two);
    void one.acquire(never);
    void two.acquire(never);
    await settle();
    assert.deepEqual([one.isLeader, two.isLeader, leases.writes], [true, false, 1]);
  });

  it('waits until the API server is there, and stops when told', async () => {
    const leases = new FakeLeases();
    const scheduler = new FakeScheduler();
    leases.failing = 'error';
    const stop = new AbortController();
    const { elector } = candidate(leases, scheduler, 'one');
    const acquired = elector.acquire(stop.signal);
    await scheduler.advance(60_000);
    stop.abort();
    assert.deepEqual([await acquired, scheduler.pending], [false, []]);
  });

  it('refuses times that could make two leaders', () => {
    assert.throws(
      () => candidate(new FakeLeases(), new FakeScheduler(), 'one', { renewDeadlineMs: 30_000 }),
      RangeError,
    );
  });
});

describe('a leader', () => {
  it('renews every 4 s, with the version that it read', async () => {
    const { leases, scheduler, elector } = await leading();
    await scheduler.advance(40_000);
    assert.deepEqual([leases.writes, elector.isLeader], [11, true]);
  });

  it('survives an API server that is away for a while', async () => {
    const { leases, scheduler, elector, lost } = await leading();
    leases.failing = 'error';
    await scheduler.advance(15_000);
    leases.failing = 'no';
    await scheduler.advance(60_000);
    assert.deepEqual([elector.isLeader, lost], [true, []]);
  });

  it('is lost after 20 s without a renewal, though a request still hangs', async () => {
    const { leases, scheduler, elector, lost } = await leading();
    leases.failing = 'hang';
    await scheduler.advance(19_999);
    assert.deepEqual([elector.isLeader, lost], [true, []]);
    await scheduler.advance(1);
    assert.deepEqual([elector.isLeader, lost], [false, ['no renewal in time']]);
    await scheduler.advance(60_000);
    assert.deepEqual([lost.length, scheduler.pending], [1, []], 'told once; nothing goes on');
  });

  it('knows that it lost right after a stall, before any timer ran', async () => {
    const { scheduler, elector, lost, leases } = await leading();
    const { writes } = leases;
    scheduler.stall(60_000);
    assert.equal(elector.isLeader, false);
    await scheduler.advance(0);
    assert.deepEqual(
      [lost, leases.writes - writes],
      [['no renewal in time'], 0],
      'and does not write once more',
    );
  });

  it('is lost at once when another holds the Lease', async () => {
    const { leases, scheduler, lost } = await leading();
    leases.edit({ holderIdentity: 'two' });
    await scheduler.advance(4_000);
    assert.deepEqual(lost, ['now held by two']);
    assert.equal(leases.lease?.spec?.holderIdentity, 'two', 'and takes nothing back');
  });

  it('is lost at once when another client empties the Lease', async () => {
    const { leases, scheduler, lost } = await leading();
    leases.edit({ holderIdentity: '' });
    await scheduler.advance(4_000);
    assert.deepEqual(lost, ['the lease was taken away']);
  });

  it('goes on when another client only touched the Lease, or deleted it', async () => {
    const { leases, scheduler, elector, lost } = await leading();
    leases.edit({});
    await scheduler.advance(12_000);
    leases.lease = undefined;
    await scheduler.advance(12_000);
    assert.deepEqual([elector.isLeader, lost], [true, []]);
    assert.equal((leases.lease as Lease | undefined)?.spec?.holderIdentity, 'one');
  });

  it('releases although its last renewal was cut short, and only what it holds', async () => {
    const { leases, scheduler, elector } = await leading();
    leases.failing = 'hang';
    await scheduler.advance(4_000);
    leases.edit({}); // the renewal arrived; its answer never did
    leases.failing = 'no';
    await elector.release();
    assert.equal(leases.lease?.spec?.holderIdentity, '');
    leases.edit({ holderIdentity: 'two' });
    await elector.release();
    assert.equal(leases.lease?.spec?.holderIdentity, 'two');
  });

  it('keeps fields of the Lease that it does not know', async () => {
    const { leases, scheduler } = await leading();
    leases.edit({ strategy: 'OldestEmulationVersion' } as Lease['spec']);
    await scheduler.advance(20_000);
    assert.ok('strategy' in (leases.lease?.spec ?? {}));
  });
});
