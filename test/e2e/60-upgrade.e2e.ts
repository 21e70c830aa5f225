// The chart is upgraded, rolled back, and reinstalled over what it kept, by both helms: resources stay, sidecars serve.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { environment, kubectl } from '../cluster/cluster.ts';
import { run } from '../cluster/run.ts';
import { waitFor } from './support/wait.ts';
import { Load } from './support/load.ts';
import { installOperator, OPERATOR_NAMESPACE, RELEASE } from './support/operator.ts';
import { World } from './support/world.ts';

let world: World;
before(async () => {
  world = await World.create();
  await world.apply(world.echo());
  await world.until('Ready', 'True', 90_000);
});
after(() => world.destroy());

async function underLoad(change: () => Promise<unknown>): Promise<void> {
  const load = await Load.start(world);
  const { uid } = (await world.get('pmcp', 'echo')).metadata;
  const pods = (await world.list('pod')).map(({ metadata }) => metadata.uid);
  await change();
  await waitFor(() => load.calls > 100, 'the load to run');
  const { calls, failures } = await load.stop();
  process.stdout.write(`${calls} calls, ${failures.length} failed\n`);
  assert.deepEqual(failures, []);
  assert.equal((await world.get('pmcp', 'echo')).metadata.uid, uid, 'the resource stays');
  assert.deepEqual(
    (await world.list('pod')).map(({ metadata }) => metadata.uid),
    pods,
    'the pods stay',
  );
}

describe('the chart', () => {
  it('is upgraded with other values, and nothing is interrupted', async () => {
    await underLoad(() => installOperator(['logLevel=debug', 'workers=8']));
  });

  it('is uninstalled and installed again: the CRD and the resources are kept', async () => {
    await underLoad(async () => {
      await run('helm', ['uninstall', RELEASE, '--namespace', OPERATOR_NAMESPACE, '--wait'], {
        env: environment(),
      });
      assert.equal(
        (await world.call({ token: world.issuer.token() })).status,
        200,
        'served without an operator',
      );
      await installOperator();
    });
    await world.apply(world.echo((spec) => (spec.service = { annotations: { seen: 'yes' } })));
    await waitFor(
      async () => (await world.get('service', 'echo')).metadata.annotations.seen === 'yes',
      'the new operator to work',
      60_000,
    );
  });

  it('passes its own test', async () => {
    const output = await run('helm', ['test', RELEASE, '--namespace', OPERATOR_NAMESPACE], {
      env: environment(),
    });
    assert.match(output, /Phase:\s+Succeeded/);
  });

  it('is upgraded by helm 4 as well', async () => {
    await underLoad(() => installOperator([], 'helm4'));
    await installOperator([], 'helm4');
  });

  it('in namespaced mode works with Roles only, and only there', async () => {
    await installOperator([`watchNamespaces={${world.namespace}}`]);
    assert.equal(await clusterRoles(), '', 'no ClusterRole of ours is left');
    await world.apply(world.echo(() => {}, 'narrow'));
    await world.until('Ready', 'True', 60_000, 'narrow');
    const elsewhere = world.echo(() => {}, 'elsewhere');
    elsewhere.metadata.namespace = 'default';
    await world.apply(elsewhere);
    await new Promise((resolve) => setTimeout(resolve, 3_000)); // long enough for a status, were there to be one
    const status = await kubectl([
      'get',
      'pmcp',
      'elsewhere',
      '--namespace=default',
      '--output=jsonpath={.status}',
    ]);
    assert.equal(status, '');
    await kubectl(['delete', 'pmcp', 'elsewhere', '--namespace=default']);
    await installOperator();
  });
});

async function clusterRoles(): Promise<string> {
  const selector = '--selector=app.kubernetes.io/name=protected-mcp-operator';
  return kubectl(['get', 'clusterroles,clusterrolebindings', selector, '--output=name']);
}
