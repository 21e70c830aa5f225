// A release of the operator that brings another sidecar, on a real API server with the operator's own rights: a wrong one
// reaches a tenth of the servers, a right one all of them, and what must not wait does not. What nodes do is played.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Client } from '../../src/kube/client.ts';
import { EVENTS } from '../../src/kube/events.ts';
import { objectKey, type KubeObject } from '../../src/kube/object.ts';
import { Controller } from '../../src/operator/controller.ts';
import type { Deployment as OperatorDeployment, ServerObject } from '../../src/operator/kinds.ts';
import { createMetrics, type OperatorMetrics } from '../../src/operator/metrics.ts';
import { readSettings } from '../../src/operator/settings.ts';
import { startApiServer, type ApiServer } from '../support/api-server.ts';
import { newServer } from '../unit/operator/operator.ts';
import {
  CONFIG_MAPS,
  connect,
  createNamespace,
  DEPLOYMENTS,
  eventually,
  installCrd,
  log,
  never,
  SERVERS,
  write,
} from './connect.ts';
import {
  installRights,
  OPERATOR_NAMESPACE,
  operatorAccount,
  untilEnforced,
  type OperatorAccount,
} from './installation.ts';

const TEAMS = ['team-a', 'team-b', 'team-c'];
const OF_EACH = 10;
/** A tenth of all. */
const LIMIT = 3;
/** Of a tenant: it never gets ready, with no sidecar. */
const BROKEN = { namespace: 'team-a', name: 'broken' };

type Container = { readonly name: string; readonly image: string };
type Live = OperatorDeployment & {
  readonly spec: { readonly template: { readonly spec: { readonly containers: readonly Container[] } } };
};

/** What the Deployment controller and the kubelets do: a rollout is completed, or it is not. */
class Nodes {
  readonly #client: Client;
  /** Rollouts that end in one round. */
  pace = Infinity;
  /** The most servers that were being brought to a sidecar at the same time, by its image. */
  readonly most = new Map<string, number>();

  constructor(client: Client) {
    this.#client = client;
  }

  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) await this.#round();
  }

  async #round(): Promise<void> {
    const { items } = await this.#client.list(DEPLOYMENTS, { signal: never });
    const pending = (items as unknown as Live[]).filter(
      ({ metadata, status }) => status?.observedGeneration !== metadata.generation,
    );
    const images = pending.filter((one) => objectKey(one) !== objectKey({ metadata: BROKEN })).map(sidecarOf);
    for (const image of new Set(images))
      this.most.set(image, Math.max(this.most.get(image) ?? 0, images.filter((one) => one === image).length));
    for (const live of pending.slice(0, this.pace)) await this.#end(live);
  }

  async #end({ apiVersion, kind, metadata, ...live }: Live): Promise<void> {
    const { name = '', namespace = '', generation } = metadata;
    const works = name !== BROKEN.name && sidecarOf(live) !== 'sidecar:wrong';
    const had = live.status?.availableReplicas ?? 0;
    const counts = works
      ? { replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 }
      : { replicas: had + 1, updatedReplicas: 1, readyReplicas: had, availableReplicas: had };
    const deadline = {
      type: 'Progressing',
      status: 'False',
      reason: 'ProgressDeadlineExceeded',
      message: 'timed out',
    };
    const status = { observedGeneration: generation, ...counts, conditions: works ? [] : [deadline] };
    const object = { apiVersion, kind, metadata: { name, namespace }, status };
    await this.#client.applyStatus(DEPLOYMENTS, object, write);
  }
}

function sidecarOf({ spec }: Pick<Live, 'spec'>): string {
  return spec.template.spec.containers.find(({ name }) => name === 'auth-sidecar')?.image ?? '';
}

describe('a release with another sidecar', { timeout: 240_000 }, () => {
  let server: ApiServer;
  let client: Client;
  let account: OperatorAccount;
  let nodes: Nodes;
  let metrics: OperatorMetrics;
  let operator: { readonly stop: AbortController; readonly ended: Promise<void> } | undefined;
  const end = new AbortController();
  const close: (() => Promise<unknown>)[] = [];

  before(async () => {
    server = await startApiServer();
    const admin = connect(server);
    ({ client } = admin);
    for (const name of [...TEAMS, OPERATOR_NAMESPACE]) await createNamespace(client, name);
    await installCrd(client);
    await installRights(client);
    account = await operatorAccount(server, admin.transport);
    close.push(() => server.stop(), admin.close, account.close);
    await untilEnforced(account);
    nodes = new Nodes(client);
    const played = nodes.run(end.signal);
    close.push(() => played);
  });
  after(async () => {
    await halt();
    end.abort();
    for (const one of close.toReversed()) await one();
  });

  /** `helm upgrade`, or a restart. */
  async function release(sidecarImage: string): Promise<void> {
    await halt();
    metrics = createMetrics();
    const stop = new AbortController();
    const controller = new Controller({
      settings: readSettings({
        POD_NAMESPACE: OPERATOR_NAMESPACE,
        POD_NAME: 'operator-0',
        SIDECAR_IMAGE: sidecarImage,
        LEADER_ELECTION: 'false',
      }),
      client: new Client(account.transport),
      metrics,
      certManager: false,
      clock: () => Date.now(),
      log,
      stop: stop.signal,
      identity: 'operator-0',
    });
    operator = { stop, ended: controller.run() };
  }

  async function halt(): Promise<void> {
    operator?.stop.abort();
    await operator?.ended;
    operator = undefined;
  }

  const create = (namespace: string, name: string) =>
    client.apply(
      SERVERS,
      newServer(({ metadata }) => Object.assign(metadata, { namespace, name })),
      write,
    );
  const find = async (namespace: string, name: string) =>
    (await client.get(SERVERS, { namespace, name }, { signal: never })) as unknown as ServerObject;
  const deployment = async (namespace: string, name: string) =>
    (await client.get(DEPLOYMENTS, { namespace, name }, { signal: never })) as unknown as Live;
  const says = async (namespace: string, name: string, type: string) => {
    const { status } = await find(namespace, name);
    return status?.conditions?.find((one) => one.type === type)?.reason;
  };
  const withSidecar = async (image: string): Promise<string[]> => {
    const { items } = await client.list(DEPLOYMENTS, { signal: never });
    return (items as unknown as Live[]).filter((one) => sidecarOf(one) === image).map(objectKey);
  };
  const gauge = async (line: string): Promise<number> => {
    const found = (await metrics.registry.metrics()).split('\n').find((one) => one.startsWith(`${line} `));
    return Number(found?.slice(line.length));
  };
  const servers = (state: string) => gauge(`mcp_operator_sidecar_rollout_servers{state="${state}"}`);
  const isHeld = () => gauge('mcp_operator_sidecar_rollout_held');
  const events = async (namespace: string, reason: string) =>
    (await client.list(EVENTS, { namespace, signal: never })).items.filter(
      (event) => (event as KubeObject & { reason?: string }).reason === reason,
    );

  it('begins with servers that all have the one before', async () => {
    await release('sidecar:1');
    for (const namespace of TEAMS)
      for (let index = 0; index < OF_EACH; index++) await create(namespace, `echo-${index}`);
    await create(BROKEN.namespace, BROKEN.name);
    await eventually(
      'all are rolled out',
      async () => (await servers('done')) === TEAMS.length * OF_EACH,
      90_000,
    );
    assert.equal(await servers('failing'), 1);
    assert.equal(await isHeld(), 0);
  });

  it('stops at a tenth of the servers when they do not get ready with it', async () => {
    await release('sidecar:wrong');
    await eventually('it is held', async () => (await isHeld()) === 1);
    assert.equal((await withSidecar('sidecar:wrong')).length, LIMIT);
    assert.equal(await servers('failing'), LIMIT);
    assert.equal(await servers('under_way'), 0);
    assert.equal(await servers('waiting'), TEAMS.length * OF_EACH + 1 - LIMIT);
  });

  it('says so in an event of the operator, and of the servers that do not get ready', async () => {
    await eventually(
      'of the operator',
      async () => (await events(OPERATOR_NAMESPACE, 'RolloutHeld')).length > 0,
    );
    const [key = ''] = await withSidecar('sidecar:wrong');
    const [namespace = '', name = ''] = key.split('/');
    await eventually('of a server', async () => (await events(namespace, 'RolloutHeld')).length > 0);
    assert.equal(await says(namespace, name, 'Progressing'), 'Stalled');
  });

  it('says in the condition of the others that they wait', async () => {
    const waits = async () => (await says('team-b', 'echo-9', 'Progressing')) === 'WaitingForTurn';
    await eventually('it waits', waits);
    assert.equal(await says('team-b', 'echo-9', 'Available'), 'ReplicasAvailable');
    assert.equal((await find('team-b', 'echo-9')).status?.applied?.sidecarImage, 'sidecar:1');
  });

  it('is still held for an operator that has just started', async () => {
    await release('sidecar:wrong');
    await eventually('it is held', async () => (await isHeld()) === 1);
    await eventually(
      'all were looked at',
      async () => ((await metrics.reconciles.get()).values[0]?.value ?? 0) > TEAMS.length * OF_EACH,
    );
    assert.equal((await withSidecar('sidecar:wrong')).length, LIMIT);
  });

  it('does not keep a changed policy from a server that waits', async () => {
    const changed = newServer((object) => {
      Object.assign(object.metadata, { namespace: 'team-b', name: 'echo-9' });
      object.spec.authorization.requiredScopes = ['mcp:admin'];
    });
    const before = await deployment('team-b', 'echo-9');
    await client.apply(SERVERS, changed, write);
    const config = async () =>
      (await client.get(CONFIG_MAPS, { namespace: 'team-b', name: 'echo-9-sidecar' }, { signal: never }))
        .data;
    await eventually('it is there', async () => /mcp:admin/.test((await config())?.['config.json'] ?? ''));
    assert.equal(sidecarOf(await deployment('team-b', 'echo-9')), sidecarOf(before));
  });

  it('does not reach a server that its owner changes', async () => {
    const changed = newServer((object) => {
      Object.assign(object.metadata, { namespace: 'team-b', name: 'echo-8' });
      object.spec.server.image = 'echo:2';
    });
    await client.apply(SERVERS, changed, write);
    const images = async () =>
      (await deployment('team-b', 'echo-8')).spec.template.spec.containers.map(({ image }) => image);
    await eventually('it is changed', async () => (await images())[0] === 'echo:2');
    assert.deepEqual(await images(), ['echo:2', 'sidecar:1']);
  });

  for (const image of ['evil:1', 'sidecar:0', 'sidecar:wrong'])
    it(`is no way to give a server that waits another sidecar by hand: ${image}`, async () => {
      const ref = { namespace: 'team-c', name: 'echo-9' };
      const patch = [{ op: 'replace', path: '/spec/template/spec/containers/1/image', value: image }];
      await client.patch(DEPLOYMENTS, ref, patch, { signal: never, fieldManager: 'kubectl-set' });
      await eventually(
        'it is put right',
        async () => sidecarOf(await deployment('team-c', 'echo-9')) === 'sidecar:1',
      );
    });

  it('says that it put it right', async () => {
    await eventually('it is said', async () => (await events('team-c', 'Corrected')).length > 0);
  });

  it('gives a Deployment that was deleted the sidecar that it had', async () => {
    const ref = { namespace: 'team-c', name: 'echo-8' };
    const { metadata } = await deployment(ref.namespace, ref.name);
    await client.delete(DEPLOYMENTS, ref, { signal: never });
    const isBack = async () => {
      const { items } = await client.list(DEPLOYMENTS, { namespace: 'team-c', signal: never });
      return items.some((one) => one.metadata.name === ref.name && one.metadata.uid !== metadata.uid);
    };
    await eventually('it is back', isBack);
    assert.equal(sidecarOf(await deployment(ref.namespace, ref.name)), 'sidecar:1');
  });

  it('goes on with a right one, and reaches every server, never more than a tenth at once', async () => {
    nodes.pace = 1;
    await release('sidecar:2');
    const all = TEAMS.length * OF_EACH + 1;
    await eventually('all have it', async () => (await withSidecar('sidecar:2')).length === all, 120_000);
    await eventually('all are rolled out', async () => (await servers('done')) === all - 1);
    await eventually('none waits', async () => (await servers('waiting')) === 0);
    assert.equal(await isHeld(), 0);
    const most = nodes.most.get('sidecar:2') ?? 0;
    assert.ok(most > 1 && most <= LIMIT, `${most} at once`);
    await eventually(
      'nothing waits',
      async () => (await says('team-b', 'echo-9', 'Progressing')) === 'Complete',
    );
  });

  it('writes nothing once it is done, also after a restart', async () => {
    const writes = async () => (await metrics.writes.get()).values.reduce((sum, { value }) => sum + value, 0);
    let before = -1;
    await eventually('it is quiet', async () => {
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      return before === (before = await writes());
    });
    await release('sidecar:2');
    const runs = async () => (await metrics.reconciles.get()).values[0]?.value ?? 0;
    await eventually('all were looked at', async () => (await runs()) > TEAMS.length * OF_EACH);
    assert.equal(await writes(), 0);
  });
});
