// What the status says is so: a version that cannot be rolled out, a policy that is not in force, a path that is wrong.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { CommandError } from '../cluster/run.ts';
import { waitFor } from './support/wait.ts';
import { LIST_TOOLS, World, type Json } from './support/world.ts';

const CRASH = ['node', '--eval', 'console.error("no tools here"); process.exit(3)'];
const FILL_MEMORY = ['node', '--eval', 'const all = []; for (;;) all.push(Buffer.alloc(1 << 20, 1));'];

let world: World;
before(async () => {
  world = await World.create();
  await world.apply(world.echo());
  await world.until('Ready', 'True', 60_000);
});
after(() => world.destroy());

const generation = async () => (await world.get('pmcp', 'echo')).metadata.generation as number;

/** Ready, for the newest generation. */
async function readyForNewest(status: string, timeoutMs: number): Promise<string> {
  const newest = await generation();
  let last: Json;
  await waitFor(
    async () => {
      last = await world.condition('Ready');
      return last?.status === status && last?.observedGeneration === newest;
    },
    `Ready=${status} of generation ${newest}`,
    timeoutMs,
  );
  return last?.message as string;
}

/** What people and their tools wait with. */
async function kubectlWait(): Promise<boolean> {
  try {
    await world.kubectl('wait', 'pmcp/echo', '--for=condition=Ready', '--timeout=3s');
    return true;
  } catch (error) {
    if (error instanceof CommandError) return false;
    throw error;
  }
}

interface Unfinished {
  readonly what: string;
  readonly change: (spec: Json) => void;
  readonly message: RegExp;
}

const UNFINISHED: readonly Unfinished[] = [
  {
    what: 'its image does not exist',
    change: (spec) => (spec.server.image = 'localhost/no-such-server:1'),
    message: /no-such-server:1/,
  },
  {
    what: 'its server ends at once',
    change: (spec) => (spec.server.command = CRASH),
    message: /container "server".*exit code 3/,
  },
  {
    what: 'its server is killed for its memory',
    change: (spec) => {
      spec.server.command = FILL_MEMORY;
      spec.server.resources = { limits: { memory: '96Mi' } };
    },
    message: /container "server".*exit code 137, OOMKilled/,
  },
  {
    what: 'a ConfigMap is missing',
    change: (spec) => (spec.server.envFrom = [{ configMapRef: { name: 'no-such-settings' } }]),
    message: /configmap "no-such-settings" not found/,
  },
  {
    what: 'a Secret is missing',
    change: (spec) => {
      spec.podTemplate = { volumes: [{ name: 'credentials', secret: { secretName: 'no-such-secret' } }] };
      spec.server.volumeMounts = [{ name: 'credentials', mountPath: '/credentials', readOnly: true }];
    },
    message: /secret "no-such-secret" not found/,
  },
  {
    what: 'no node has room',
    change: (spec) => (spec.server.resources = { requests: { memory: '4000Gi' } }),
    message: /Insufficient memory/,
  },
];

describe('a version that cannot be rolled out', () => {
  afterEach(async () => {
    await world.kubectl('delete', 'resourcequota', '--all');
    await world.apply(world.echo());
    await readyForNewest('True', 90_000);
  });

  for (const { what, change, message } of UNFINISHED) {
    it(`is not Ready, and says why: ${what}`, async () => {
      await world.apply(world.echo(change));
      const newest = await generation();
      let said = '';
      await waitFor(
        async () => {
          const ready = await world.condition('Ready');
          said = `${ready?.status} ${ready?.reason}: ${ready?.message}`;
          return (
            ready?.observedGeneration === newest && ready?.status === 'False' && message.test(ready.message)
          );
        },
        `the cause (last: ${said})`,
        60_000,
      );
      assert.equal(await kubectlWait(), false);
      assert.equal((await world.condition('Available'))?.status, 'True');
      assert.equal((await world.condition('Progressing'))?.reason, 'Stalled');
      const answer = await world.call({ token: world.issuer.token(), body: LIST_TOOLS });
      assert.equal(answer.status, 200, 'the version before serves on');
    });
  }

  it('is not Ready, and says why: a quota', async () => {
    await world.apply({
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'few', namespace: world.namespace },
      spec: { hard: { pods: '1' } },
    });
    await world.apply(world.echo((spec) => (spec.server.env = [{ name: 'VERSION', value: '2' }])));
    assert.match(await readyForNewest('False', 30_000), /./);
    await waitFor(
      async () => /Deployment .*exceeded quota: few/.test((await world.condition('Ready'))?.message ?? ''),
      'the cause',
      60_000,
    );
    assert.equal(await kubectlWait(), false);
  });
});

describe('Ready', () => {
  it('is False while the path of the endpoint is wrong', async () => {
    await world.apply(world.echo((spec) => (spec.server.path = '/wrong')));
    await waitFor(
      async () => (await world.condition('Ready'))?.reason === 'EndpointNotUsable',
      'the wrong path',
      60_000,
    );
    assert.match((await world.condition('Ready'))?.message ?? '', /spec\.server\.path/);
    await world.apply(world.echo());
    await readyForNewest('True', 120_000);
  });

  it('is True for a tightened policy only when every sidecar enforces it', async () => {
    const token = world.issuer.token();
    assert.equal((await world.call({ token, body: LIST_TOOLS })).status, 200);
    await world.apply(world.echo((spec) => (spec.authorization = { requiredScopes: ['mcp:admin'] })));
    const startedAt = Date.now();
    await readyForNewest('True', 180_000);
    assert.equal((await world.call({ token, body: LIST_TOOLS })).status, 403);
    process.stdout.write(`in force after ${((Date.now() - startedAt) / 1000).toFixed(1)} s\n`);
    assert.equal((await world.condition('ConfigurationCurrent'))?.status, 'True');
    await world.apply(world.echo());
    await readyForNewest('True', 180_000);
  });
});

describe('an autoscaler', () => {
  it('gets the replicas as they are, and the PodDisruptionBudget follows it', async () => {
    await world.apply(world.echo((spec) => (spec.replicas = 2)));
    await readyForNewest('True', 60_000);
    await world.apply(world.echo((spec) => delete spec.replicas));
    await readyForNewest('True', 60_000);
    assert.equal((await world.get('deployment', 'echo')).spec.replicas, 2);
    await world.kubectl('scale', 'deployment', 'echo', '--replicas=1');
    await waitFor(
      async () => (await world.find('poddisruptionbudget', 'echo')) === undefined,
      'the PodDisruptionBudget to go',
      30_000,
    );
    await world.kubectl('annotate', 'pmcp', 'echo', 'example.com/touch=now'); // wakes the operator
    assert.equal((await world.get('deployment', 'echo')).spec.replicas, 1);
  });
});
