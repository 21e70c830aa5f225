// What goes wrong around the operator: after each, the state of the world is right, and memory and sockets are flat.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { addresses, block, compactEtcd, kubectl, restartApiServer, unblock } from '../cluster/cluster.ts';
import { waitFor } from '../support/sidecar.ts';
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
    const [pod] = await operatorPods();
    await kubectl([
      'delete',
      'pod',
      pod?.metadata.name,
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
    const holder = await leader();
    const standby = (await operatorPods()).find(({ metadata }) => !holder.startsWith(`${metadata.name}_`));
    assert.ok(standby, 'there is a second operator');
    await kubectl([
      'delete',
      'pod',
      holder.split('_')[0] ?? '',
      '--namespace',
      OPERATOR_NAMESPACE,
      '--grace-period=0',
      '--force',
    ]);
    const startedAt = Date.now();
    await waitFor(async () => (await leader()) !== holder && (await leader()) !== '', 'a new leader', 45_000);
    const seconds = (Date.now() - startedAt) / 1000;
    process.stdout.write(`taken over after ${seconds.toFixed(1)} s\n`);
    assert.ok(seconds < 35);
    await world.kubectl('delete', 'service', 'echo');
    await waitFor(
      async () => (await world.find('service', 'echo')) !== undefined,
      'the new leader to work',
      60_000,
    );
    await installOperator(['replicaCount=1']);
  });

  it('the authorization server is out of reach: KeysAvailable is False, then True, by itself', async () => {
    const { host } = await addresses();
    await block(host, Number(new URL(world.issuer.issuer).port));
    try {
      await world.kubectl('delete', 'pod', '--selector=app.kubernetes.io/instance=echo', '--grace-period=1');
      const condition = await world.until('KeysAvailable', 'False', 90_000);
      assert.equal(condition.reason, 'IssuerUnreachable');
      assert.match(condition.message, /has no keys of https:/);
    } finally {
      await unblock();
    }
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

/** Resident memory from the metrics; open sockets from the process itself, asked through its own /proc. */
async function operatorUse(): Promise<{ residentMiB: number; sockets: number }> {
  const holder = (await leader()).split('_')[0] ?? '';
  const script = `const fs = require('node:fs');
    const fds = fs.readdirSync('/proc/1/fd').filter((fd) => { try { return fs.readlinkSync('/proc/1/fd/' + fd).startsWith('socket:'); } catch { return false; } });
    const [, pages] = fs.readFileSync('/proc/1/statm', 'utf8').split(' ');
    console.log(JSON.stringify({ sockets: fds.length, residentMiB: Math.round((pages * 4096) / 2 ** 20) }));`;
  const text = await kubectl(['exec', holder, '--namespace', OPERATOR_NAMESPACE, '--', 'node', '-e', script]);
  return JSON.parse(text) as { residentMiB: number; sockets: number };
}
