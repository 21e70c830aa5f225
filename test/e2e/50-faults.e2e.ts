// What goes wrong around the operator: after each, the state of the world is right, and memory and sockets are flat.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { block, compactEtcd, kubectl, restartApiServer, unblock } from '../cluster/cluster.ts';
import { waitFor } from './support/wait.ts';
import { installOperator, OPERATOR, OPERATOR_NAMESPACE } from './support/operator.ts';
import { World, type Json } from './support/world.ts';

let world: World;
before(async () => {
  world = await World.create();
  await world.apply(world.echo());
  await world.until('Ready', 'True', 60_000);
});
after(async () => {
  await unblock();
  await world.destroy();
});
afterEach(async () => {
  await world.until('Ready', 'True', 90_000);
  const { residentMiB, sockets } = await operatorUse();
  process.stdout.write(`operator: ${residentMiB} MiB, ${sockets} sockets\n`);
  assert.ok(residentMiB < 250, `${residentMiB} MiB resident`);
  assert.ok(sockets < 40, `${sockets} sockets`);
});

describe('after a fault the world is right', () => {
  it('the operator is killed in the middle of a rollout', async () => {
    await world.apply(world.echo((spec) => (spec.podTemplate = { annotations: { round: '1' } })));
    await kubectl([
      'delete',
      'pod',
      await leaderPod(),
      '--namespace',
      OPERATOR_NAMESPACE,
      '--grace-period=0',
      '--force',
    ]);
    await waitFor(
      async () => (await world.get('deployment', 'echo')).spec.template.metadata.annotations.round === '1',
      'the rollout',
      90_000,
    );
  });

  it('the API server is killed and started again in the middle of watches', async () => {
    await restartApiServer();
    await world.kubectl('delete', 'service', 'echo');
    await waitFor(
      async () => (await world.find('service', 'echo')) !== undefined,
      'the Service to be made again',
      60_000,
    );
  });

  it("etcd's history is compacted", async () => {
    await world.apply(world.echo((spec) => (spec.podTemplate = { annotations: { round: '2' } })));
    await compactEtcd();
    await restartApiServer();
    await world.kubectl('delete', 'networkpolicy', 'echo');
    await waitFor(
      async () => (await world.find('networkpolicy', 'echo')) !== undefined,
      'the policy to be made again',
      60_000,
    );
  });

  it('two operators: one leads, the other takes over within 35 s', async () => {
    await installOperator(['replicaCount=2']);
    const first = await leaderPod();
    assert.ok(
      (await operatorPods()).some(({ metadata }) => metadata.name !== first),
      'there is a second operator',
    );
    const startedAt = Date.now();
    // Cut off, not ended: one that ends gives its lease back, and the other would not have to wait for it to run out.
    const { podIP } = (await operatorPods()).find(({ metadata }) => metadata.name === first)?.status ?? {};
    await block(podIP, 6443);
    await waitFor(async () => (await leaderPod()) !== first, 'a new leader', 60_000);
    const seconds = (Date.now() - startedAt) / 1000;
    process.stdout.write(`taken over after ${seconds.toFixed(1)} s\n`);
    assert.ok(seconds < 35, `${seconds} s`);
    await unblock();
    await world.kubectl('delete', 'service', 'echo');
    await waitFor(
      async () => (await world.find('service', 'echo')) !== undefined,
      'the new leader to work',
      60_000,
    );
    await installOperator(['replicaCount=1']);
  });

  it('the authorization server is out of reach: KeysAvailable is False, then True, by itself', async () => {
    world.issuer.hang = true; // packets get there and nothing comes back
    await world.kubectl('delete', 'pod', '--selector=app.kubernetes.io/instance=echo', '--grace-period=1');
    const condition = await world.until('KeysAvailable', 'False', 90_000);
    assert.equal(condition.reason, 'IssuerUnreachable', condition.message);
    assert.match(condition.message, /has no signing keys for https:.*no answer within 5 s/);
    world.issuer.hang = false;
    world.issuer.release();
    await world.until('KeysAvailable', 'True', 60_000);
  });
});

async function operatorPods(): Promise<Json[]> {
  const selector = `--selector=app.kubernetes.io/name=protected-mcp-operator`;
  const text = await kubectl(['get', 'pod', '--namespace', OPERATOR_NAMESPACE, selector, '--output=json']);
  return (JSON.parse(text) as { items: Json[] }).items.filter(
    ({ metadata }) => metadata.deletionTimestamp === undefined,
  );
}

async function leader(): Promise<string> {
  const path = `--output=jsonpath={.spec.holderIdentity}`;
  return kubectl(['get', 'lease', OPERATOR, '--namespace', OPERATOR_NAMESPACE, path]);
}

/** The pod that leads and runs; after a kill it takes a moment until there is one. */
async function leaderPod(): Promise<string> {
  let name = '';
  await waitFor(
    async () => {
      name = (await leader()).split('_')[0] ?? '';
      const pods = await operatorPods();
      return pods.some(({ metadata, status }) => metadata.name === name && status.phase === 'Running');
    },
    'an operator to lead',
    60_000,
  );
  return name;
}

/** Resident memory and open sockets of the operator's process, asked through its own /proc. */
async function operatorUse(): Promise<{ residentMiB: number; sockets: number }> {
  const script = `const fs = require('node:fs');
    const isSocket = (fd) => { try { return fs.readlinkSync('/proc/1/fd/' + fd).startsWith('socket:'); } catch { return false; } };
    const sockets = fs.readdirSync('/proc/1/fd').filter(isSocket).length;
    const [, pages] = fs.readFileSync('/proc/1/statm', 'utf8').split(' ');
    console.log(JSON.stringify({ sockets, residentMiB: Math.round((pages * 4096) / 2 ** 20) }));`;
  const pod = await leaderPod();
  const text = await kubectl(['exec', pod, '--namespace', OPERATOR_NAMESPACE, '--', 'node', '-e', script]);
  return JSON.parse(text) as { residentMiB: number; sockets: number };
}
