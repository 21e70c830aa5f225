// The rights that the chart grants against the requests of an operator through its whole life: none is missing, none unused.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { objectLabels } from '../../../src/api/names.ts';
import { ROTATE_ANNOTATION } from '../../../src/operator/authority.ts';
import { CHECK_MS } from '../../../src/operator/authority-keeper.ts';
import { canUseCertManager } from '../../../src/operator/cert-manager.ts';
import { Controller } from '../../../src/operator/controller.ts';
import { CERTIFICATES, CHILD_KINDS, type Pod, type ServerObject } from '../../../src/operator/kinds.ts';
import { createMetrics } from '../../../src/operator/metrics.ts';
import { readSettings } from '../../../src/operator/settings.ts';
import type { KubeObject } from '../../../src/kube/object.ts';
import type { MemoryApiServer } from '../../support/memory-api-server.ts';
import { NOW, report } from '../../support/operator-inputs.ts';
import { Rights } from '../../support/rights.ts';
import { FakeScheduler, settle, until } from '../kube/fake-scheduler.ts';
import { KEY, NAMESPACE, newServer, rollOut, silent, startApi } from './operator.ts';

const YEAR_MS = 365 * 86_400_000;
const SERVER = 'ProtectedMcpServer';
const AUTHORITY = `${NAMESPACE}/protected-mcp-ca`;

let api: MemoryApiServer;
let rights: Rights;
let now: number;
let scheduler: FakeScheduler;
let end: () => Promise<unknown>;

beforeEach(async () => {
  rights = Rights.ofInstallation();
  api = await startApi({ certManager: true, rights });
  now = NOW;
  await start();
});
afterEach(async () => {
  await end();
  await api.close();
});

async function start(): Promise<void> {
  const stop = new AbortController();
  const client = api.client();
  scheduler = new FakeScheduler();
  const place = { POD_NAMESPACE: NAMESPACE, POD_NAME: 'operator-0', SIDECAR_IMAGE: 'sidecar:1' };
  const controller = new Controller({
    settings: readSettings(place),
    client,
    metrics: createMetrics(),
    certManager: await canUseCertManager(client, undefined, { log: silent, signal: stop.signal }),
    clock: () => now,
    log: silent,
    stop: stop.signal,
    identity: 'operator-0',
    scheduler,
    probe: () => Promise.resolve(report()),
  });
  const ended = controller.run();
  end = () => {
    stop.abort();
    return ended;
  };
}

const conditionOf = (name: string, wanted: string) => () =>
  api
    .get<ServerObject>(SERVER, `demo/${name}`)
    ?.status?.conditions?.some(({ type, status, reason }) => `${type} ${status} ${reason}` === wanted) ??
  false;
/** Lets time pass until something is so. */
const passUntil = async (isSo: () => boolean, what: string) => {
  for (let step = 0; step < 200 && !isSo(); step++) {
    now += CHECK_MS;
    await scheduler.advance(CHECK_MS);
    await settle();
  }
  await until(isSo, what);
};

const certificateOfAuthority = () =>
  api.get<KubeObject & { data: Record<string, string> }>('Secret', AUTHORITY)?.data['tls.crt'];

describe('the operator', () => {
  it('uses every right that it has, asks for no other, and works on', async () => {
    const used = (right: string) => () => rights.used.has(right);
    api.put(newServer((server) => (server.spec.replicas = 2)));
    api.put(
      newServer((server) => {
        server.metadata.name = 'managed';
        server.spec.tls = { issuerRef: { kind: 'Issuer', name: 'ca' } };
      }),
    );
    for (const name of ['echo', 'managed']) await until(conditionOf(name, 'Accepted True Accepted'), name);

    // A pod that has an old configuration is woken, and of one that does not start the events are read.
    rollOut(api);
    const pod = api.get<Pod>('Pod', 'demo/echo-1');
    api.put({
      ...pod,
      metadata: { ...pod?.metadata, name: 'echo-2', uid: 'pod-2' },
      status: { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }] },
    });
    for (const right of ['ClusterRole pods: patch', 'ClusterRole events: list'])
      await passUntil(used(right), right);

    // What belongs to a server and is not desired any more is deleted, of every kind.
    const { uid = '' } = api.get(SERVER, KEY)?.metadata ?? {};
    const ownerReferences = [
      { apiVersion: newServer().apiVersion, kind: SERVER, name: 'echo', uid, controller: true },
    ];
    const metadata = { name: 'stray', namespace: 'demo', labels: objectLabels('echo'), ownerReferences };
    for (const { apiVersion, kind } of [...CHILD_KINDS, CERTIFICATES])
      api.put({ apiVersion, kind, metadata });
    const isPruned = () =>
      [...CHILD_KINDS, CERTIFICATES].every(({ kind }) => api.get(kind, 'demo/stray') === undefined);
    await passUntil(isPruned, 'strays are deleted');

    // The delivered certificate is replaced, and renewed.
    await passUntil(used('ClusterRole secrets: update'), 'the certificate is delivered again');

    // The authority: put back when it is deleted (an event, and with the next time its series), rotated, renewed.
    for (const right of ['Role events: create', 'Role events: update'])
      await passUntil(() => {
        if (api.get('Secret', AUTHORITY) !== undefined && !rights.used.has(right))
          api.remove('Secret', AUTHORITY);
        return rights.used.has(right) && api.get('Secret', AUTHORITY) !== undefined;
      }, right);
    const first = certificateOfAuthority();
    api.edit<KubeObject>('Secret', AUTHORITY, (secret) => {
      Object.assign(secret.metadata, { annotations: { [ROTATE_ANNOTATION]: 'please' } });
    });
    await passUntil(() => certificateOfAuthority() !== first, 'it is rotated');
    const second = certificateOfAuthority();
    now += 9.6 * YEAR_MS;
    await passUntil(() => certificateOfAuthority() !== second, 'it is renewed');

    // An event of a server that repeats is counted in its series.
    for (let time = 0; time < 40 && !rights.used.has('ClusterRole events: update'); time++) {
      const isPaused = time % 2 === 0;
      api.edit<ServerObject>(SERVER, KEY, (server) => {
        server.metadata.annotations = isPaused ? { 'protectedmcp.dev/paused': 'true' } : {};
        server.spec.server.image = `echo:${time}`;
      });
      await passUntil(
        conditionOf('echo', isPaused ? 'Accepted False Paused' : 'Accepted True Accepted'),
        `turn ${time}`,
      );
    }

    // The certificate of a server that is gone is forgotten.
    api.remove(SERVER, KEY);
    await passUntil(used('Role secrets: delete'), 'it is forgotten');

    assert.deepEqual(rights.refused, []);
    assert.deepEqual([...rights.used].toSorted(), rights.granted);
  });
});
