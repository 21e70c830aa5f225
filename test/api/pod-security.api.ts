// Our levels of pod security against the API server's own admission: what we take, a namespace that enforces the level takes.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { desired } from '../../src/desired/index.ts';
import type { ControlledLevel } from '../../src/desired/pod-security/level.ts';
import { podViolations } from '../../src/desired/pod-security/pod.ts';
import type { Client } from '../../src/kube/client.ts';
import { isForbidden, isInvalid } from '../../src/kube/errors.ts';
import type { KubeObject, Resource } from '../../src/kube/object.ts';
import { startApiServer, type ApiServer } from '../support/api-server.ts';
import { sample, setField, validServer } from '../support/manifests.ts';
import { podFields, type PodFields } from '../support/pod-fields.ts';
import { connect, NAMESPACES, write } from './connect.ts';

const LEVELS: readonly ControlledLevel[] = ['restricted', 'baseline'];
const PODS: Resource = { apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespaced: true };

function templateFor(fields: PodFields['fields']) {
  const object = sample('echo');
  for (const [path, value] of Object.entries(fields)) setField(object, path, value);
  const objects = desired({ server: validServer(object), sidecarImage: 'sidecar:1' });
  const deployment = objects.find(({ kind }) => kind === 'Deployment');
  return (deployment as unknown as { spec: { template: { metadata: object; spec: object } } }).spec.template;
}

describe('our levels and those of the API server', { timeout: 300_000 }, () => {
  let server: ApiServer;
  let client: Client;
  let close: () => Promise<void>;

  before(async () => {
    server = await startApiServer();
    ({ client, close } = connect(server));
    for (const level of LEVELS) {
      const labels = { 'pod-security.kubernetes.io/enforce': level };
      await client.create(
        NAMESPACES,
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name: level, labels } },
        write,
      );
    }
  });
  after(async () => {
    await close();
    await server.stop();
  });

  /** What the API server says to such a pod in a namespace that enforces the level. */
  async function admission(level: string, template: { metadata: object; spec: object }): Promise<string> {
    const metadata = { ...template.metadata, name: 'pod', namespace: level };
    const pod: KubeObject = { apiVersion: 'v1', kind: 'Pod', ...template, metadata };
    try {
      await client.create(PODS, pod, { ...write, dryRun: true });
      return 'taken';
    } catch (error) {
      if (isForbidden(error) && /violates PodSecurity/.test((error as Error).message)) return 'violation';
      if (isInvalid(error) || (error as { status?: number }).status === 400) return 'invalid';
      throw error;
    }
  }

  for (const level of LEVELS)
    for (const { name, fields, ...levels } of podFields)
      it(`agree at ${level}: ${name}`, async () => {
        const template = templateFor(fields);
        const ours = podViolations(template, level).length === 0;
        assert.equal(ours, levels[level]);
        const theirs = await admission(level, template);
        assert.equal(theirs === 'taken', ours, theirs); // some contradict themselves, and are invalid anyway
      });

  for (const level of LEVELS)
    it(`take no pod at ${level} that the API server calls a violation`, async () => {
      const counts = { taken: 0, violation: 0, invalid: 0 };
      await fc.assert(
        fc.asyncProperty(anyFields, async (fields) => {
          const template = templateFor(fields);
          if (podViolations(template, level).length > 0) return;
          const answer = (await admission(level, template)) as keyof typeof counts;
          counts[answer]++;
          assert.notEqual(answer, 'violation');
        }),
        { numRuns: 3_000 },
      );
      assert.ok(counts.taken > 50, JSON.stringify(counts));
    });
});

const bool = fc.constantFrom(true, false, null);
const securityContext = fc.record(
  {
    allowPrivilegeEscalation: bool,
    appArmorProfile: fc.constantFrom(null, { type: 'RuntimeDefault' }, { type: 'Unconfined' }),
    capabilities: fc.record(
      {
        add: fc.subarray(['NET_BIND_SERVICE', 'CHOWN', 'SYS_ADMIN', 'all']),
        drop: fc.subarray(['ALL', 'NET_RAW', 'all']),
      },
      { requiredKeys: [] },
    ),
    privileged: bool,
    procMount: fc.constantFrom(null, 'Default', 'Unmasked'),
    readOnlyRootFilesystem: bool,
    runAsGroup: fc.constantFrom(null, 0, 1000),
    runAsNonRoot: bool,
    runAsUser: fc.constantFrom(null, 0, 1, 65532, 2 ** 31),
    seLinuxOptions: fc.record(
      {
        type: fc.constantFrom('', 'container_t', 'spc_t'),
        level: fc.constant('s0'),
        user: fc.constantFrom('', 'root'),
      },
      { requiredKeys: [] },
    ),
    seccompProfile: fc.constantFrom(null, { type: 'RuntimeDefault' }, { type: 'Unconfined' }),
    windowsOptions: fc.record({ hostProcess: bool }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
);
const source = fc.constantFrom(
  {},
  { emptyDir: {} },
  { configMap: { name: 'x' } },
  { hostPath: { path: '/' } },
  { hostPath: null, secret: { secretName: 'x' } },
  { nfs: { server: 'x', path: '/' } },
  { image: { reference: 'x' } },
  { projected: { sources: [{ serviceAccountToken: { path: 'x' } }] } },
);
const probe = fc.constantFrom(
  { exec: { command: ['true'] } },
  { httpGet: { port: 80, host: '' } },
  { httpGet: { port: 80, host: '127.0.0.1' } },
  { tcpSocket: { port: 80, host: 'x' } },
);
/** Small values often, so that most pods are asked about. */
const anyFields: fc.Arbitrary<PodFields['fields']> = fc.record(
  {
    'spec.server.securityContext': securityContext,
    'spec.podTemplate.volumes': fc
      .array(source, { maxLength: 2 })
      .map((list) => list.map((one, index) => ({ name: `v${index}`, ...one }))),
    'spec.server.livenessProbe': probe,
    'spec.podTemplate.annotations': fc.constantFrom(
      { 'container.apparmor.security.beta.kubernetes.io/server': 'runtime/default' },
      { 'container.apparmor.security.beta.kubernetes.io/server': 'unconfined' },
      { 'example.com/x': 'y' },
    ),
  },
  { requiredKeys: [] },
);
