// The server answers only its sidecar: tried from another pod, and reported by the operator from a probe of its own.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { waitFor } from './support/wait.ts';
import { World, type Json } from './support/world.ts';

let world: World;
before(async () => {
  world = await World.create();
  await world.apply(world.echo(), prober(world.namespace));
  await world.until('Ready', 'True', 60_000);
  await waitFor(
    async () => (await world.get('pod', 'prober')).status.phase === 'Running',
    'the prober pod',
    60_000,
  );
});
after(() => world.destroy());

describe('the server', () => {
  it('refuses connections to its own port, and the operator has tried', async () => {
    const condition = await world.until('Isolated', 'True');
    assert.equal(condition.reason, 'ProbeRefused');
    assert.equal(await connect(8000), 'closed');
    assert.equal(await connect(8001), 'open');
    assert.equal(await connect(9001), 'closed', 'only the operator reaches the admin port');
  });

  it('is guarded by a policy that comes back when it is removed by hand', async () => {
    const { uid } = (await world.get('networkpolicy', 'echo')).metadata;
    await world.kubectl('delete', 'networkpolicy', 'echo');
    await waitFor(async () => {
      const policy = await world.find('networkpolicy', 'echo');
      return policy !== undefined && policy.metadata.uid !== uid;
    }, 'the policy to be restored');
  });

  it('that listens on all addresses is still closed, by the policy', async () => {
    await world.apply(world.echo((spec) => (spec.server.env = [{ name: 'HOST', value: '0.0.0.0' }])));
    await world.kubectl('rollout', 'status', 'deployment/echo', '--timeout=90s');
    await waitFor(async () => (await connect(8000)) === 'closed', 'the policy to be enforced');
    assert.equal((await world.until('Isolated', 'True')).reason, 'ProbeRefused');
  });

  it('that listens on all addresses with isolation off is reported', async () => {
    await world.apply(
      world.echo((spec) => {
        spec.server.env = [{ name: 'HOST', value: '0.0.0.0' }];
        spec.network = { isolation: 'None' };
      }),
    );
    await waitFor(
      async () => (await world.find('networkpolicy', 'echo')) === undefined,
      'the policy to be gone',
    );
    await waitFor(
      async () => (await world.condition('Isolated'))?.reason === 'UpstreamReachable',
      'the report',
      90_000,
    );
    const condition = await world.until('Isolated', 'False');
    assert.match(condition.message, /port 8000 of pod echo-.*without a token/);
  });
});

/** What a connection to a port of the server's pod gives, tried from another pod. */
async function connect(port: number): Promise<string> {
  const pods: Json[] = await world.list('pod', 'app.kubernetes.io/instance=echo');
  const pod = pods.findLast((candidate) => candidate.metadata.deletionTimestamp === undefined);
  const script =
    `const s = require('node:net').connect({ host: '${pod.status.podIP}', port: ${port}, timeout: 2000 });` +
    `const end = (r) => { console.log(r); process.exit(0); };` +
    `s.on('connect', () => end('open')).on('error', () => end('closed')).on('timeout', () => end('closed'));`;
  return (await world.kubectl('exec', 'prober', '--', 'node', '-e', script)).trim();
}

function prober(namespace: string): Json {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'prober', namespace },
    spec: {
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 0,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'prober',
          image: 'mcp-echo-server:0.1.0',
          command: ['node', '-e', 'setInterval(() => {}, 1000)'],
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        },
      ],
    },
  };
}
