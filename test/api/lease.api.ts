// Two candidates for one Lease on a real API server, which fails them for a while. Times are shortened, not faked.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Client } from '../../src/kube/client.ts';
import { LEASES } from '../../src/kube/lease-record.ts';
import { LeaderElector } from '../../src/kube/lease.ts';
import { startApiServer, type ApiServer } from '../support/api-server.ts';
import { connect, createNamespace, eventually, log, never } from './connect.ts';

describe('leader election on a real API server', { timeout: 120_000 }, () => {
  let server: ApiServer;
  const closing: (() => Promise<void>)[] = [];

  before(async () => {
    server = await startApiServer();
  });
  after(async () => {
    for (const close of closing) await close();
    await server.stop();
  });

  /** A candidate with connections of its own, as another process has. */
  const candidate = (namespace: string, identity: string) => {
    const { client, close } = connect(server);
    closing.push(close);
    const lost: string[] = [];
    const options = { durationMs: 6_000, renewDeadlineMs: 4_000, retryMs: 500 };
    let failures = 0;
    const counted = {
      get: client.get.bind(client),
      create: client.create.bind(client),
      update: ((...request) =>
        client.update(...request).catch((error: unknown) => {
          failures++;
          throw error;
        })) as Client['update'],
    };
    const who = { client: counted, namespace, name: 'operator', identity, fieldManager: 'mcp-operator' };
    const elector = new LeaderElector({ ...who, ...options, log, onLost: (reason) => lost.push(reason) });
    return { elector, lost, client, failures: () => failures };
  };
  const lease = async (namespace: string) => {
    const { client, close } = connect(server);
    const found = await client.get(LEASES, { name: 'operator', namespace }, { signal: never });
    await close();
    return found.spec;
  };
  const prepare = async (namespace: string) => {
    const { client, close } = connect(server);
    await createNamespace(client, namespace);
    await close();
  };

  it('of two that come at once, one leads; the other follows at its release', async () => {
    await prepare('one');
    const [a, b] = [candidate('one', 'a'), candidate('one', 'b')];
    const acquired = [a.elector.acquire(never), b.elector.acquire(never)];
    await Promise.race(acquired);
    const [leader, other] = a.elector.isLeader ? [a, b] : [b, a];
    assert.deepEqual([leader.elector.isLeader, other.elector.isLeader], [true, false]);
    const first = await lease('one');
    assert.match(first?.renewTime ?? '', /\.\d{6}Z$/);
    await eventually('it is renewed', async () => (await lease('one'))?.renewTime !== first?.renewTime);
    assert.equal(other.elector.isLeader, false);

    await leader.elector.release();
    await Promise.all(acquired);
    assert.deepEqual([leader.elector.isLeader, other.elector.isLeader], [false, true]);
    assert.equal((await lease('one'))?.leaseTransitions, 1);
    await other.elector.release();
    assert.equal((await lease('one'))?.holderIdentity, '');
    assert.deepEqual([a.lost, b.lost], [[], []]);
  });

  it('a leader that vanishes is replaced when its lease is over, not before', async () => {
    await prepare('two');
    const stop = new AbortController();
    const gone = connect(server);
    const options = { durationMs: 6_000, renewDeadlineMs: 4_000, retryMs: 500 };
    const who = {
      client: gone.client,
      namespace: 'two',
      name: 'operator',
      identity: 'gone',
      fieldManager: 'x',
    };
    const elector = new LeaderElector({ ...who, ...options, log, onLost: () => undefined });
    await elector.acquire(stop.signal);
    await gone.close(); // as if its network were cut
    const began = performance.now();
    const next = candidate('two', 'next');
    assert.equal(await next.elector.acquire(never), true);
    const waited = performance.now() - began;
    assert.ok(waited > 6_000 && waited < 9_000, `${waited} ms`);
    assert.equal(elector.isLeader, false, 'and knew it before');
    await next.elector.release();
  });

  it('a leader is lost when the API server is away for too long, and not when it is away for a moment', async () => {
    await prepare('three');
    const { elector, lost, failures } = candidate('three', 'a');
    await elector.acquire(never);
    await server.kill();
    await eventually('a renewal fails', () => failures() > 0);
    assert.equal(elector.isLeader, true);
    await eventually('it is lost', () => lost.length > 0, 10_000);
    assert.deepEqual([elector.isLeader, lost], [false, ['no renewal in time']]);
    await server.restart();
    assert.equal((await lease('three'))?.holderIdentity, 'a');
    const again = candidate('three', 'b');
    assert.equal(await again.elector.acquire(never), true);
    await again.elector.release();
  });
});
