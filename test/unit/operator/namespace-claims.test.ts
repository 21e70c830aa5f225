// Two installations of the operator on one API server: one manages a namespace, the other stands by until that one is gone.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { CLAIM_NAME } from '../../../src/api/names.ts';
import { Controller } from '../../../src/operator/controller.ts';
import type { ConfigMap, ServerObject } from '../../../src/operator/kinds.ts';
import type { ApiTransport } from '../../../src/kube/transport.ts';
import { createMetrics } from '../../../src/operator/metrics.ts';
import { readSettings } from '../../../src/operator/settings.ts';
import type { MemoryApiServer } from '../../support/memory-api-server.ts';
import { NOW, report } from '../../support/operator-inputs.ts';
import { FakeScheduler, settle, until } from '../kube/fake-scheduler.ts';
import { newServer, silent, startApi } from './operator.ts';

const EXPIRY_MS = 120_000;
/** One installation watches these kinds: servers, pods, and six of children. */
const WATCHES = 8;

interface Installation {
  readonly name: string;
  readonly metrics: ReturnType<typeof createMetrics>;
  readonly scheduler: FakeScheduler;
  stop(): Promise<void>;
}

let api: MemoryApiServer;
let running: Installation[] = [];
/** Requests that are sent and not answered, watches aside. */
let underWay = 0;
/** Watches, each with the events that were taken from it. */
const watches = new Set<{ taken: number }>();

beforeEach(async () => {
  api = await startApi();
  api.rights = undefined; // those of the installation are for one namespace
});
afterEach(async () => {
  for (const one of [...running]) await one.stop();
  await api.close();
});

/** Starts one, and waits until it has done what there is to do. */
async function install(namespace: string, env: NodeJS.ProcessEnv = {}): Promise<Installation> {
  const end = new AbortController();
  const metrics = createMetrics();
  const scheduler = new FakeScheduler();
  const place = { POD_NAMESPACE: namespace, POD_NAME: 'operator-0', SIDECAR_IMAGE: 'sidecar:1' };
  const controller = new Controller({
    settings: readSettings({ ...place, LEADER_ELECTION: 'false', CLAIM_EXPIRY_SECONDS: '120', ...env }),
    client: api.client(counted),
    metrics,
    certManager: false,
    clock: () => NOW,
    log: silent,
    stop: end.signal,
    identity: `${namespace}-${running.length}`,
    scheduler,
    probe: () => Promise.resolve(report()),
  });
  const ended = controller.run();
  const one: Installation = {
    name: `${namespace}/protected-mcp-operator`,
    metrics,
    scheduler,
    async stop() {
      running = running.filter((other) => other !== one);
      end.abort();
      await ended;
    },
  };
  running.push(one);
  await until(() => api.keys('Secret').includes(`${namespace}/protected-mcp-ca`), 'its authority');
  await settle();
  await quiet();
  return one;
}

function counted(transport: ApiTransport): ApiTransport {
  return {
    call: async (request) => {
      underWay++;
      try {
        return await transport.call(request);
      } finally {
        underWay--;
      }
    },
    stream: async (request) => watched(await transport.stream(request)),
  };
}

/** One line is one event; it was taken when the next is asked for. */
async function* watched(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const watch = { taken: 0 };
  watches.add(watch);
  try {
    for await (const chunk of stream) {
      yield chunk;
      watch.taken += chunk.filter((byte) => byte === 10).length;
    }
  } finally {
    watches.delete(watch);
  }
}

const taken = () => [...watches].reduce((sum, watch) => sum + watch.taken, 0);

/** Nothing is under way but the watches, and all that they had to tell was taken. */
async function quiet(): Promise<void> {
  for (let before = -1; before !== api.writes.length;) {
    before = api.writes.length;
    for (let turn = 0; turn < 3; turn++) {
      await settle();
      await until(
        () => underWay === 0 && api.open <= WATCHES * running.length && taken() === api.told,
        'only watches are open, and nothing is on its way',
      );
    }
  }
}

/** Time goes by for all, in steps in which each does what is due. */
async function pass(ms: number, stepMs = 60_000): Promise<void> {
  for (let left = ms; left > 0; left -= stepMs) {
    for (const { scheduler } of running) await scheduler.advance(Math.min(stepMs, left));
    await quiet();
  }
}

const claim = (namespace = 'demo') => api.get<ConfigMap>('ConfigMap', `${namespace}/${CLAIM_NAME}`);
const holder = (namespace = 'demo') => claim(namespace)?.data?.['holder'];
const authority = (namespace: string) =>
  (api.get<ConfigMap>('ConfigMap', `${namespace}/protected-mcp-ca`)?.data ?? {})['ca.crt'];
const delivered = () => api.get<ConfigMap>('ConfigMap', 'demo/echo-ca')?.data?.['ca.crt'];
const condition = (type: string) =>
  api
    .get<ServerObject>('ProtectedMcpServer', 'demo/echo')
    ?.status?.conditions?.find((one) => one.type === type);
const events = () =>
  api.keys('Event').map((key) => {
    const { reason, type } = api.get<never>('Event', key) as unknown as { reason: string; type: string };
    return `${type} ${reason}`;
  });
const touchesServers = (write: string) =>
  !/ConfigMap \S+\/protected-mcp-operator$|Event|^\S+ (Secret|ConfigMap) mcp-/.test(write);
async function gauge({ metrics }: Installation, name: string): Promise<number | undefined> {
  return ((await metrics.registry.getSingleMetric(name)?.get())?.values ?? [])[0]?.value;
}
const inNamespace = (namespace: string) =>
  newServer(({ metadata }) => Object.assign(metadata, { namespace }));

describe('two installations that watch one namespace', () => {
  it('do not fight: the one that was there first manages it', async () => {
    api.put(newServer());
    const first = await install('mcp-a');
    await until(() => holder() === first.name && condition('Ready') !== undefined, 'the first pass');
    await quiet();
    const writes = api.writes.length;
    const second = await install('mcp-b');
    await pass(4 * EXPIRY_MS);
    assert.equal(holder(), first.name);
    assert.equal(delivered(), authority('mcp-a'));
    assert.notEqual(authority('mcp-a'), authority('mcp-b'));
    assert.deepEqual(
      api.writes.slice(writes).filter(touchesServers),
      // The certificate is delivered at each resync; besides that only the condition is written, once.
      api.writes.slice(writes).filter((write) => /status|Secret demo/.test(write)),
    );
    assert.equal(api.writes.slice(writes).filter((write) => /status/.test(write)).length, 1);
    assert.equal(await gauge(second, 'mcp_operator_namespaces_of_others'), 1);
    assert.equal(await gauge(first, 'mcp_operator_namespaces_of_others'), 0);
  });

  it('say so: a condition, and events', async () => {
    api.put(newServer());
    await install('mcp-a');
    await install('mcp-b');
    await pass(60_000);
    const found = condition('Contested');
    assert.deepEqual([found?.status, found?.reason], ['True', 'OtherInstallation']);
    assert.match(
      found?.message ?? '',
      /Operator mcp-b\/protected-mcp-operator watches namespace demo too, and stands by/,
    );
    assert.equal(condition('Accepted')?.status, 'True');
    assert.ok(events().includes('Warning StandingDown'), String(events()));
    assert.ok(events().includes('Warning ContestedTrue'), String(events()));
  });

  it('cost two writes a namespace and expiry while they meet, and none otherwise', async () => {
    api.put(newServer());
    await install('mcp-a');
    const claims = () => api.writes.filter((write) => write.endsWith(`/${CLAIM_NAME}`)).length;
    await pass(4 * EXPIRY_MS);
    assert.equal(claims(), 1);
    await install('mcp-b');
    await pass(4 * EXPIRY_MS);
    assert.ok(claims() > 3 && claims() <= 1 + 2 * 5, String(claims()));
  });

  it('change places when the first is gone, and not before it has had its time', async () => {
    api.put(newServer());
    const first = await install('mcp-a');
    const second = await install('mcp-b');
    await first.stop();
    await pass(EXPIRY_MS - 60_000);
    assert.equal(holder(), first.name);
    await pass(4 * EXPIRY_MS);
    assert.equal(holder(), second.name);
    assert.equal(delivered(), authority('mcp-b'));
    await pass(60_000);
    assert.equal(condition('Contested'), undefined);
  });

  it('do not change places when the first is restarted, or replaced by its next version', async () => {
    api.put(newServer());
    const first = await install('mcp-a');
    const second = await install('mcp-b');
    await first.stop();
    await pass(EXPIRY_MS / 2);
    await install('mcp-a');
    await pass(4 * EXPIRY_MS);
    assert.equal(holder(), first.name);
    assert.equal(await gauge(second, 'mcp_operator_namespaces_of_others'), 1);
  });

  it('leave it to the second for good, when the first comes back too late', async () => {
    api.put(newServer());
    const first = await install('mcp-a');
    const second = await install('mcp-b');
    await first.stop();
    await pass(5 * EXPIRY_MS);
    await install('mcp-a');
    await pass(3 * EXPIRY_MS);
    assert.equal(holder(), second.name);
    assert.equal(delivered(), authority('mcp-b'));
  });

  it('share the namespaces where only some are watched by both', async () => {
    api.put(newServer());
    api.put(inNamespace('other'));
    const narrow = await install('mcp-a', { WATCH_NAMESPACES: 'demo' });
    const wide = await install('mcp-b');
    await until(() => holder('demo') !== undefined && holder('other') !== undefined, 'both are claimed');
    await quiet();
    assert.deepEqual([holder('demo'), holder('other')], [narrow.name, wide.name]);
  });

  it('find one holder when both come at once', async () => {
    const { promise: hold, resolve: go } = Promise.withResolvers<void>();
    let waiting = 0;
    api.intercept = async ({ verb, kind, key }) => {
      if (verb !== 'create' || kind !== 'ConfigMap' || key !== 'demo/') return undefined;
      waiting++;
      await hold;
      return undefined;
    };
    const [first, second] = [await install('mcp-a'), await install('mcp-b')];
    api.put(newServer());
    await until(() => waiting === 2, 'both want it');
    go();
    await quiet();
    const winner = [first, second].find(({ name }) => name === holder());
    assert.ok(winner);
    await pass(60_000);
    assert.equal(delivered(), authority(winner.name.split('/')[0] ?? ''));
    assert.equal(condition('Accepted')?.status, 'True');
  });

  it('keep their places when the claim is deleted by hand', async () => {
    api.put(newServer());
    const first = await install('mcp-a');
    await install('mcp-b');
    api.remove('ConfigMap', `demo/${CLAIM_NAME}`);
    await until(() => claim() !== undefined, 'it is made anew');
    await pass(60_000);
    assert.equal(holder(), first.name);
  });

  for (const [what, data] of [
    ['names a holder that is none', { holder: 'mcp-x/none' }],
    ['is emptied', {}],
    ['has another form', { holder: '', challenge: 'x', answer: 'x' }],
    ['has a challenge of a stranger', { holder: 'mcp-x/none', contender: 'y', challenge: 'z' }],
  ] as const)
    it(`lose a claim that ${what} for no longer than a holder has to answer`, async () => {
      api.put(newServer());
      const one = await install('mcp-a');
      api.edit<ConfigMap & { data?: object }>(
        'ConfigMap',
        `demo/${CLAIM_NAME}`,
        (object) => (object.data = data),
      );
      await quiet();
      assert.notEqual(holder(), one.name);
      await pass(4 * EXPIRY_MS);
      assert.equal(holder(), one.name);
    });

  it('and a third stand by alike, and one of them follows', async () => {
    api.put(newServer());
    const first = await install('mcp-a');
    const others = [await install('mcp-b'), await install('mcp-c')];
    await pass(2 * EXPIRY_MS);
    assert.equal(holder(), first.name);
    await first.stop();
    await pass(5 * EXPIRY_MS);
    const winner = others.find(({ name }) => name === holder());
    assert.ok(winner);
    await pass(3 * EXPIRY_MS);
    assert.equal(holder(), winner.name);
  });
});

describe('a claim', () => {
  it('goes with the last server of the namespace', async () => {
    api.put(newServer());
    api.put(newServer(({ metadata }) => (metadata.name = 'second')));
    await install('mcp-a');
    api.remove('ProtectedMcpServer', 'demo/second');
    await quiet();
    assert.notEqual(claim(), undefined);
    api.remove('ProtectedMcpServer', 'demo/echo');
    await until(() => claim() === undefined, 'it is gone');
  });

  it('that a quota does not allow keeps no server from being made', async () => {
    api.intercept = ({ verb, kind, key }) =>
      verb === 'create' && kind === 'ConfigMap' && key === 'demo/'
        ? { code: 403, reason: 'Forbidden' }
        : undefined;
    api.put(newServer());
    await install('mcp-a');
    await until(() => condition('Accepted')?.status === 'True', 'it is accepted');
  });

  for (const [what, data] of [
    ['empty', undefined],
    ['of somebody else', { holder: 'mcp-x/none', challenge: 'x' }],
  ] as const)
    it(`that was made without our label is found, and taken in time: ${what}`, async () => {
      api.put({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: CLAIM_NAME, namespace: 'demo' },
        data,
      });
      api.put(newServer());
      const one = await install('mcp-a');
      await pass(4 * EXPIRY_MS);
      assert.equal(holder(), one.name);
      assert.equal(condition('Accepted')?.status, 'True');
    });

  it('whose label is removed by hand keeps its holder', async () => {
    api.put(newServer());
    const first = await install('mcp-a');
    await install('mcp-b');
    const { labels: _, ...metadata } = claim()?.metadata ?? {};
    const bare = { ...claim(), metadata };
    api.remove('ConfigMap', `demo/${CLAIM_NAME}`); // which is what a watch by label tells of it
    api.put(bare);
    await pass(2 * EXPIRY_MS);
    assert.equal(holder(), first.name);
    assert.notEqual(claim()?.metadata.labels, undefined);
  });

  it('that was made immutable by hand is made anew', async () => {
    let isImmutable = true;
    api.intercept = ({ verb, kind, key }) => {
      if (kind !== 'ConfigMap' || key !== `demo/${CLAIM_NAME}`) return undefined;
      if (verb === 'delete') isImmutable = false;
      return verb === 'apply' && isImmutable ? { code: 422, reason: 'Invalid' } : undefined;
    };
    api.put(newServer());
    const one = await install('mcp-a');
    api.edit<ConfigMap & { data?: object }>(
      'ConfigMap',
      `demo/${CLAIM_NAME}`,
      (object) => (object.data = { holder: 'x' }),
    );
    await pass(4 * EXPIRY_MS);
    assert.equal(holder(), one.name);
  });

  it('of another installation is not deleted with the last server', async () => {
    api.put(newServer());
    const first = await install('mcp-a', { WATCH_NAMESPACES: 'demo' });
    await first.stop();
    await install('mcp-b');
    api.remove('ProtectedMcpServer', 'demo/echo');
    await quiet();
    assert.equal(holder(), first.name);
  });
});
