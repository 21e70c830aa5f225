// The life of an operator on an API server: when it writes, what wakes it, and when it must stop.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { KubeObject } from '../../../src/kube/object.ts';
import { Controller } from '../../../src/operator/controller.ts';
import type { ServerObject } from '../../../src/operator/kinds.ts';
import { createMetrics, type OperatorMetrics } from '../../../src/operator/metrics.ts';
import { readSettings } from '../../../src/operator/settings.ts';
import type { MemoryApiServer } from '../../support/memory-api-server.ts';
import { NOW, report } from '../../support/operator-inputs.ts';
import { FakeScheduler, settle, until } from '../kube/fake-scheduler.ts';
import { KEY, NAMESPACE, newServer, silent, startApi } from './operator.ts';

const LEASE = `${NAMESPACE}/protected-mcp-operator`;
const SERVER = 'ProtectedMcpServer';

interface Lease extends KubeObject {
  spec: { holderIdentity: string; renewTime: string; leaseDurationSeconds: number };
}

interface Running {
  readonly controller: Controller;
  readonly metrics: OperatorMetrics;
  readonly scheduler: FakeScheduler;
  /** How it ended. */
  readonly ended: Promise<unknown>;
  readonly stop: () => void;
}

let api: MemoryApiServer;
let running: Running[] = [];

beforeEach(async () => {
  api = await startApi();
});

afterEach(async () => {
  for (const { stop, ended } of running) {
    stop();
    await ended;
  }
  running = [];
  await api.close();
});

function start(identity = 'operator-0', env: NodeJS.ProcessEnv = {}, now = NOW): Running {
  const stop = new AbortController();
  const metrics = createMetrics();
  const scheduler = new FakeScheduler();
  const place = { POD_NAMESPACE: NAMESPACE, POD_NAME: identity, SIDECAR_IMAGE: 'sidecar:1' };
  const controller = new Controller({
    settings: readSettings({ ...place, ...env }),
    client: api.client(),
    metrics,
    certManager: false,
    clock: () => now,
    log: silent,
    stop: stop.signal,
    identity,
    scheduler,
    probe: () => Promise.resolve(report()),
  });
  const ended = controller.run().then(
    () => 'stopped',
    (error: unknown) => error,
  );
  const one = { controller, metrics, scheduler, ended, stop: () => stop.abort() };
  running.push(one);
  return one;
}

const named = (name: string) => newServer((server) => (server.metadata.name = name));
const accepted = (name: string) => () =>
  api
    .get<ServerObject>(SERVER, `demo/${name}`)
    ?.status?.conditions?.some(({ type, status }) => type === 'Accepted' && status === 'True') ?? false;

async function runs({ metrics }: Running): Promise<Record<string, number>> {
  const { values } = await metrics.reconciles.get();
  return Object.fromEntries(values.map(({ labels, value }) => [String(labels.outcome), value]));
}

/** Nothing is under way but the watches. */
async function quiet({ metrics }: Running): Promise<void> {
  let before = -1;
  for (let now = 0; now !== before;) {
    before = now;
    await settle();
    await until(() => api.open <= 8, 'only watches are open');
    const { values } = await metrics.requests.get();
    now = api.writes.length + values.length;
  }
}

describe('a controller that leads', () => {
  it('reconciles every server that is there', async () => {
    for (const name of ['a', 'b', 'c']) api.put(named(name));
    start();
    for (const name of ['a', 'b', 'c']) await until(accepted(name), name);
  });

  it('reconciles a server that comes, and one that changes', async () => {
    start();
    await until(() => api.get('Secret', `${NAMESPACE}/protected-mcp-ca`) !== undefined, 'it leads');
    api.put(named('late'));
    await until(accepted('late'), 'the late one');
    api.edit<ServerObject>(SERVER, 'demo/late', (server) => (server.spec.server.image = 'echo:2'));
    await until(
      () => api.get<ServerObject>(SERVER, 'demo/late')?.status?.observedGeneration === 2,
      'the change',
    );
    assert.match(JSON.stringify(api.get('Deployment', 'demo/late')), /echo:2/);
  });

  it('puts an owned object right when it is changed or deleted', async () => {
    api.put(newServer());
    start();
    await until(accepted('echo'), 'the first pass');
    const { uid } = api.get('Service', KEY)?.metadata ?? {};
    api.remove('Service', KEY);
    await until(() => api.get('Service', KEY) !== undefined, 'it is made again');
    assert.notEqual(api.get('Service', KEY)?.metadata.uid, uid);
    api.edit<KubeObject & { data: object }>('ConfigMap', 'demo/echo-sidecar', (object) => (object.data = {}));
    await until(
      () => /config\.json/.test(JSON.stringify(api.get('ConfigMap', 'demo/echo-sidecar'))),
      'it is put right',
    );
  });

  describe('puts a NetworkPolicy right that is opened by hand', () => {
    interface Policy extends KubeObject {
      spec: { ingress: object[] };
    }
    const open = () =>
      api.edit<Policy>('NetworkPolicy', KEY, (policy) => {
        policy.spec.ingress = [{}];
      });
    const isOpen = () => api.get<Policy>('NetworkPolicy', KEY)?.spec.ingress.length !== 2;
    const isPolicy = ({ verb, kind }: { verb: string; kind: string }) =>
      verb === 'apply' && kind === 'NetworkPolicy';

    it('while the answer to the last correction is on its way', async () => {
      api.put(newServer());
      const one = start();
      await until(accepted('echo'), 'the first pass');
      await quiet(one);
      const { promise: hold, resolve: release } = Promise.withResolvers<void>();
      let corrected = false;
      api.afterwards = (request) => {
        if (!isPolicy(request) || corrected) return undefined;
        corrected = true;
        return hold;
      };
      open();
      await until(() => corrected && !isOpen(), 'the correction');
      open();
      await settle();
      await until(() => api.open <= 9, 'its event has come');
      await settle();
      release();
      await until(() => !isOpen(), 'it is put right again');
    });

    it('again and again, with answers that come late', async () => {
      api.put(newServer());
      const one = start();
      await until(accepted('echo'), 'the first pass');
      let held = 0;
      api.afterwards = (request) =>
        isPolicy(request)
          ? new Promise((resolve) => setTimeout(resolve, [0, 3, 9, 1, 6][held++ % 5]))
          : undefined;
      for (let edit = 0; edit < 60; edit++) {
        open();
        await new Promise((resolve) => setTimeout(resolve, edit % 4));
      }
      await quiet(one);
      await until(() => !isOpen(), 'it is put right');
    });
  });

  it('is not woken by its own writes for ever', async () => {
    api.put(newServer());
    const one = start();
    await until(accepted('echo'), 'the first pass');
    await quiet(one);
    const writes = api.writes.length;
    const before = await runs(one);
    await quiet(one);
    assert.deepEqual([api.writes.length, await runs(one)], [writes, before]);
  });

  it('goes on with the others when one server is broken', async () => {
    api.intercept = ({ verb, key }) =>
      verb === 'apply' && key.startsWith('demo/broken') ? { code: 500, reason: 'InternalError' } : undefined;
    api.put(named('broken'));
    for (const name of ['a', 'b']) api.put(named(name));
    const one = start('operator-0', { WORKERS: '1' });
    for (const name of ['a', 'b']) await until(accepted(name), name);
    assert.equal(api.get<ServerObject>(SERVER, 'demo/broken')?.status, undefined);
    assert.ok(((await runs(one))['failed'] ?? 0) > 0);
    api.intercept = () => undefined;
    await one.scheduler.advance(60_000);
    await until(accepted('broken'), 'the broken one is tried again');
  });

  describe('goes on with the others, and says what is wrong with one', () => {
    const evil = (change: (server: ServerObject) => void) =>
      newServer((server) => {
        server.metadata.namespace = 'evil';
        change(server);
      });
    const ROWS: readonly [what: string, change: (server: ServerObject) => void, message: RegExp][] = [
      [
        'a resource that is no URL',
        ({ spec }) => (spec.protectedResourceMetadata.resource = 'https://[1:2]/mcp'),
        /^spec\.protectedResourceMetadata\.resource: must be an absolute URL/,
      ],
      ['without issuers', ({ spec }) => Reflect.deleteProperty(spec.authentication, 'issuers'), /issuers/],
      ['without a spec', (server) => Reflect.deleteProperty(server, 'spec'), /^spec: /],
      ['with a spec that is null', (server) => Object.assign(server, { spec: null }), /^spec: /],
      [
        'with a server that is a text',
        ({ spec }) => Object.assign(spec, { server: 'echo:1', authentication: null }),
        /^spec/,
      ],
    ];
    for (const [what, change, message] of ROWS) {
      it(what, async () => {
        api.put(evil(change));
        for (const name of ['a', 'b']) api.put(named(name));
        const one = start('operator-0', { WORKERS: '1' });
        for (const name of ['a', 'b']) await until(accepted(name), name);
        const condition = () =>
          api
            .get<ServerObject>(SERVER, 'evil/echo')
            ?.status?.conditions?.find(({ type }) => type === 'Accepted');
        await until(() => condition() !== undefined, 'its condition');
        assert.deepEqual([condition()?.status, condition()?.reason], ['False', 'Invalid']);
        assert.match(condition()?.message ?? '', message);
        const { values } = await one.metrics.refusals.get();
        assert.deepEqual([values[0]?.labels, values[0]?.value], [{ reason: 'Invalid' }, 1]);
        await until(() => api.keys('Event').some((key) => key.startsWith('evil/')), 'its event');
        api.remove('Service', 'demo/a');
        await until(() => api.get('Service', 'demo/a') !== undefined, 'another is put right');
      });
    }

    it('and takes it up again once it is mended', async () => {
      api.put(evil(({ spec }) => (spec.protectedResourceMetadata.resource = 'https://[1:2]/mcp')));
      start();
      await until(() => api.get<ServerObject>(SERVER, 'evil/echo')?.status !== undefined, 'it is refused');
      api.edit<ServerObject>(SERVER, 'evil/echo', ({ spec }) => {
        spec.protectedResourceMetadata.resource = 'https://echo.example.com/mcp';
      });
      await until(() => api.get('Deployment', 'evil/echo') !== undefined, 'it is made');
    });
  });

  it('forgets the certificate of a server that was deleted while no replica led', async () => {
    api.put(newServer());
    const first = start('operator-0');
    await until(accepted('echo'), 'the first pass');
    first.stop();
    assert.equal(await first.ended, 'stopped');
    const leaves = () => api.keys('Secret').filter((key) => key.includes('/leaf-'));
    assert.equal(leaves().length, 1);
    api.remove(SERVER, KEY);
    start('operator-1');
    await until(() => leaves().length === 0, 'the certificate is gone');
  });

  it('tries its first steps again until they are done', async () => {
    let refused = 0;
    api.intercept = ({ verb, kind }) => {
      if (verb !== 'create' || kind !== 'Secret' || refused > 0) return undefined;
      refused++;
      return { code: 500, reason: 'InternalError' };
    };
    api.put(newServer());
    const { scheduler } = start();
    await until(() => refused === 1, 'the first attempt');
    await until(() => scheduler.pending.includes(2_000), 'it waits');
    await scheduler.advance(2_000);
    await until(accepted('echo'), 'the second attempt');
  });
});

describe('readiness of a replica that leads', () => {
  const readiness = async ({ controller }: Running) => {
    const health = controller.health().listen(0, '127.0.0.1');
    await once(health, 'listening');
    const answer = await fetch(`http://127.0.0.1:${(health.address() as AddressInfo).port}/readyz`);
    const text = `${answer.status} ${await answer.text()}`;
    health.closeAllConnections();
    health.close();
    return text;
  };
  const isSecret = ({ kind, key }: { kind: string; key: string }) =>
    kind === 'Secret' && key === `${NAMESPACE}/protected-mcp-ca`;

  it('waits for its authority', async () => {
    let asked = 0;
    api.intercept = (request) => {
      if (!isSecret(request)) return undefined;
      asked++;
      return { code: 500, reason: 'InternalError' };
    };
    const one = start();
    await until(() => asked > 0, 'it reads its authority');
    assert.match(await readiness(one), /^503 authority not read yet/);
    api.intercept = () => undefined;
    await one.scheduler.advance(2_000);
    await until(() => api.get('ConfigMap', `${NAMESPACE}/protected-mcp-ca`) !== undefined, 'it is made');
    await settle();
    assert.match(await readiness(one), /^200 /);
  });

  it('ends with its authority, and servers are still looked after', async () => {
    api.put(newServer());
    const first = start('operator-0');
    await until(accepted('echo'), 'the first pass');
    first.stop();
    assert.equal(await first.ended, 'stopped');
    api.remove('Secret', `${NAMESPACE}/protected-mcp-ca`);
    api.remove('Service', KEY);
    const second = start('operator-1');
    await until(() => api.get('Service', KEY) !== undefined, 'the Service is made again');
    assert.match(await readiness(second), /^503 The Secret .* is missing/);
  });

  it('does not depend on a renewal of the authority: one that is refused is tried again', async () => {
    api.put(newServer());
    const first = start('operator-0');
    await until(accepted('echo'), 'the first pass');
    first.stop();
    await first.ended;
    api.remove('Service', KEY);
    let refused = 0;
    api.intercept = (request) => {
      if (!isSecret(request) || request.verb !== 'update') return undefined;
      refused++;
      return { code: 403, reason: 'Forbidden' };
    };
    const second = start('operator-1', {}, NOW + 9.6 * 365 * 86_400_000);
    await until(() => api.get('Service', KEY) !== undefined, 'the Service is made again');
    assert.match(await readiness(second), /^200 /);
    assert.ok(refused > 0);
  });
});

describe('leadership', () => {
  const held = (holderIdentity: string) => ({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'protected-mcp-operator', namespace: NAMESPACE },
    spec: { holderIdentity, leaseDurationSeconds: 25, renewTime: '2026-11-23T12:00:00.000000Z' },
  });

  it('of another keeps a replica from writing; it takes over when that one is gone', async () => {
    api.put(newServer());
    api.put(held('another'));
    const { scheduler, controller } = start('operator-1');
    const health = controller.health().listen(0, '127.0.0.1');
    await once(health, 'listening');
    const ready = async () =>
      (await fetch(`http://127.0.0.1:${(health.address() as AddressInfo).port}/readyz`)).status;
    await until(() => api.open >= 8, 'its caches watch');
    while ((await ready()) !== 200) await settle();
    assert.deepEqual(api.writes, []);
    api.edit<Lease>('Lease', LEASE, (lease) => (lease.spec.holderIdentity = ''));
    await scheduler.advance(7_000);
    await until(accepted('echo'), 'it took over');
    health.closeAllConnections();
    health.close();
  });

  it('that is lost while objects are applied ends all writing', async () => {
    api.put(newServer());
    const { promise: hold, resolve: release } = Promise.withResolvers<void>();
    let applying = false;
    api.intercept = async ({ verb, kind }) => {
      if (verb !== 'apply' || kind !== 'Service') return undefined;
      applying = true;
      await hold;
      return undefined;
    };
    const { scheduler, ended } = start();
    await until(() => applying, 'it applies');
    api.edit<Lease>('Lease', LEASE, ({ spec }) => {
      spec.holderIdentity = 'another';
      spec.renewTime = '2026-11-23T12:00:01.000000Z';
    });
    await scheduler.advance(3_000);
    const error = await ended;
    assert.ok(error instanceof Error);
    assert.deepEqual([error.name, error.message], ['LeadershipLost', 'leadership lost: now held by another']);
    const writes = api.writes.length;
    await until(() => api.open === 0, 'its requests have ended');
    release();
    await settle();
    assert.equal(api.writes.length, writes);
    assert.deepEqual([api.keys('Service'), api.keys('Deployment')], [[], []]);
    assert.equal(api.get<ServerObject>(SERVER, KEY)?.status, undefined);
    assert.equal(api.get<Lease>('Lease', LEASE)?.spec.holderIdentity, 'another');
  });

  it('is given up at the end, after what was under way', async () => {
    api.put(newServer());
    const { promise: hold, resolve: release } = Promise.withResolvers<void>();
    let applying = false;
    api.intercept = async ({ verb, kind }) => {
      if (verb !== 'apply' || kind !== 'Deployment') return undefined;
      applying = true;
      await hold;
      return undefined;
    };
    const { stop, ended } = start();
    await until(() => applying, 'it applies');
    stop();
    await settle();
    assert.equal(api.get<Lease>('Lease', LEASE)?.spec.holderIdentity, 'operator-0');
    release();
    assert.equal(await ended, 'stopped');
    assert.ok(accepted('echo')());
    assert.equal(api.get<Lease>('Lease', LEASE)?.spec.holderIdentity, '');
  });

  it('is not asked for when the operator is told so', async () => {
    api.put(newServer());
    start('operator-0', { LEADER_ELECTION: 'false' });
    await until(accepted('echo'), 'it reconciles');
    assert.deepEqual(api.keys('Lease'), []);
  });
});
