// Under a constant load of authorized calls, no change that the operator makes fails a single one.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { kubectl } from '../cluster/cluster.ts';
import { waitFor } from './support/wait.ts';
import { OPERATOR_NAMESPACE } from './support/operator.ts';
import { Load } from './support/load.ts';
import { World, type Json } from './support/world.ts';

let world: World;
before(async () => {
  world = await World.create();
  await world.apply(world.echo((spec) => (spec.replicas = 3)));
  await world.until('Ready', 'True', 90_000);
  await rolledOut();
});
after(() => world.destroy());

/** Runs a change under load and lets the load go on for a moment after it. */
async function underLoad(change: () => Promise<void>): Promise<void> {
  const load = await Load.start(world);
  await waitFor(() => load.calls > 50, 'the load to run');
  try {
    await change();
    const calls = load.calls;
    await waitFor(() => load.calls > calls + 100, 'more calls after the change', 30_000);
  } finally {
    const { calls, failures } = await load.stop();
    process.stdout.write(`${calls} calls, ${failures.length} failed\n`);
    assert.deepEqual(failures, []);
  }
}

describe('no request fails', () => {
  it('while the configuration changes, which takes no restart', async () => {
    const pods = await podNames();
    await underLoad(async () => {
      await world.apply(
        world.echo((spec) => {
          spec.replicas = 3;
          spec.authorization = { requiredScopes: ['mcp:basic'] };
        }),
      );
      const without = () => world.issuer.token({ claims: { scope: 'other' } });
      await waitFor(
        async () => (await world.call({ token: without() })).status === 403,
        'the scope to be required',
        150_000,
      );
    });
    assert.deepEqual(await podNames(), pods);
  });

  it('while the certificate is renewed', async () => {
    const before = (await world.get('secret', 'echo-tls')).data['tls.crt'];
    await underLoad(async () => {
      await forgetCertificate();
      await waitFor(
        async () => (await world.get('secret', 'echo-tls')).data['tls.crt'] !== before,
        'another certificate',
        100_000,
      );
    });
  });

  it('while the image is rolled out', async () => {
    await underLoad(async () => {
      await world.kubectl(
        'patch',
        'pmcp',
        'echo',
        '--type=merge',
        '--patch',
        JSON.stringify({ spec: { podTemplate: { annotations: { rollout: 'now' } } } }),
      );
      await waitFor(
        async () =>
          (await world.get('deployment', 'echo')).spec.template.metadata.annotations.rollout === 'now',
        'the Deployment to change',
      );
      await rolledOut();
      await settled(3);
    });
  });

  it('while a node is drained', async () => {
    await underLoad(async () => {
      for (const name of await podNames()) {
        await evict(name);
        await rolledOut();
      }
      await settled(3);
    });
  });

  it('while it is scaled from 3 to 1', async () => {
    await underLoad(async () => {
      await world.kubectl('patch', 'pmcp', 'echo', '--type=merge', '--patch', '{"spec":{"replicas":1}}');
      await settled(1);
    });
  });
});

async function podNames(): Promise<string[]> {
  const pods = await world.list('pod', 'app.kubernetes.io/instance=echo');
  return pods
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata }) => metadata.name as string)
    .toSorted();
}

async function rolledOut(): Promise<void> {
  await world.kubectl('rollout', 'status', 'deployment/echo', '--timeout=150s');
}

/** Until pods that are ending are gone, too: they serve to their end. */
async function settled(count: number): Promise<void> {
  await waitFor(
    async () => (await world.list('pod', 'app.kubernetes.io/instance=echo')).length === count,
    `${count} pod(s)`,
    150_000,
  );
}

/** What `kubectl drain` does to each pod: an eviction, which the PodDisruptionBudget may hold back. */
async function evict(name: string): Promise<void> {
  const eviction: Json = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name, namespace: world.namespace },
  };
  const path = `/api/v1/namespaces/${world.namespace}/pods/${name}/eviction`;
  await kubectl(['create', '--raw', path, '--filename=-'], { input: JSON.stringify(eviction) });
}

/** Makes the operator issue another certificate: the kept one is taken away, and the operator started anew. */
async function forgetCertificate(): Promise<void> {
  await kubectl([
    'delete',
    'secret',
    '--namespace',
    OPERATOR_NAMESPACE,
    '--selector=protectedmcp.dev/certificate=leaf',
  ]);
  await kubectl(['rollout', 'restart', 'deployment', '--namespace', OPERATOR_NAMESPACE]);
}
