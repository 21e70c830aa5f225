// A FastMCP server in the cluster, from an ordinary image: restricted, read-only, without authorization of its own.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { FASTMCP_IMAGE, loadFastMcpImage } from '../fastmcp/image/load.ts';
import { waitFor } from './support/wait.ts';
import { World, type Json } from './support/world.ts';

const READ_ONLY = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  readOnlyRootFilesystem: true,
};
const CALLS = [
  { message: 'hello ' },
  { message: 'hello ', repeat_count: 1 },
  { message: 'hello ', repeat_count: 0 },
  { message: 'hello ', repeat_count: 11 },
  {},
];
/** A Service of this name would put FASTMCP_PORT into pods; the operator's get no such variables. */
const name = 'fastmcp';

let world: World;
before(async () => {
  await loadFastMcpImage();
  world = await World.create();
});
after(() => world?.destroy());

describe('a FastMCP server', () => {
  it('becomes Ready, as an unprivileged user with a read-only root file system', async () => {
    const server = { image: FASTMCP_IMAGE, securityContext: { readOnlyRootFilesystem: true } };
    await world.apply(world.echo((spec) => (spec.server = server), name));
    await world.until('Ready', 'True', 120_000, name);
    const [pod] = await world.list('pod', `app.kubernetes.io/instance=${name}`);
    const container = pod.spec.containers.find(({ image }: Json) => image === FASTMCP_IMAGE);
    const { readOnlyRootFilesystem, runAsNonRoot } = container.securityContext;
    assert.deepEqual(
      { readOnlyRootFilesystem, runAsNonRoot },
      { readOnlyRootFilesystem: true, runAsNonRoot: true },
    );
  });

  it('answers only its sidecar, and the operator has tried', async () => {
    assert.equal((await world.until('Isolated', 'True', 60_000, name)).reason, 'ProbeRefused');
  });

  it('is refused without a token, and with one for another resource', async () => {
    const refused = await world.call({ name });
    assert.equal(refused.status, 401);
    assert.match(
      refused.headers['www-authenticate'] ?? '',
      /^Bearer scope="echo-mcp-server", resource_metadata="/,
    );
    const token = world.issuer.token({ claims: { aud: 'account' } });
    assert.equal((await world.call({ name, token })).status, 401);
  });

  for (const [mode, version] of [
    ['auto', '2026-07-28'],
    ['legacy', '2025-11-25'],
  ] as const) {
    it(`serves FastMCP’s client in another pod with a token: ${version}`, async () => {
      const request = { url: `https://${name}.${world.namespace}.svc:8001/mcp`, mode, calls: CALLS };
      const result = await clientResult(mode, { ...request, token: world.issuer.token() });
      assert.equal(result.protocol_version, version);
      assert.deepEqual(
        result.tools.map((tool: Json) => tool.name),
        ['echo'],
      );
      const errors = result.calls.map((call: Json) => call.is_error);
      assert.deepEqual(errors, [false, false, true, true, true]);
      assert.equal(result.calls[0].text, 'hello hello hello ');
      assert.equal(result.calls[1].text, 'hello ');
    });
  }

  it('has started once, and complains of nothing', async () => {
    const [pod] = await world.list('pod', `app.kubernetes.io/instance=${name}`);
    for (const { restartCount } of pod.status.containerStatuses) assert.equal(restartCount, 0);
    const log = await world.kubectl('logs', pod.metadata.name, '--container=server');
    assert.doesNotMatch(log, /read-only|permission|traceback|error:/i);
  });
});

/** Runs FastMCP's client to its end in a pod, as an application in the cluster would. */
async function clientResult(mode: string, request: Json): Promise<Json> {
  const pod = `client-${mode}`;
  await world.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: pod, namespace: world.namespace },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      enableServiceLinks: false, // else FASTMCP_PORT is what Kubernetes says of the Service, and FastMCP ends on it
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'client',
          image: FASTMCP_IMAGE,
          command: ['python3', '/app/client.py', JSON.stringify(request)],
          env: [{ name: 'SSL_CERT_FILE', value: '/ca/ca.crt' }],
          volumeMounts: [{ name: 'ca', mountPath: '/ca' }],
          securityContext: READ_ONLY,
        },
      ],
      volumes: [{ name: 'ca', configMap: { name: `${name}-ca` } }],
    },
  });
  const phase = async () => (await world.get('pod', pod)).status.phase as string;
  await waitFor(async () => ['Succeeded', 'Failed'].includes(await phase()), 'the client pod', 120_000);
  const output = await world.kubectl('logs', pod);
  assert.equal(await phase(), 'Succeeded', output);
  return JSON.parse(output);
}
