// What others add to a server's objects on a real API server: it is taken away again, and an event says what it was.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Client } from '../../src/kube/client.ts';
import { EVENTS } from '../../src/kube/events.ts';
import type { KubeObject, Resource } from '../../src/kube/object.ts';
import { CHILD_KINDS, type ServerObject } from '../../src/operator/kinds.ts';
import { newServer } from '../unit/operator/operator.ts';
import { eventually, never, SERVERS, write } from './connect.ts';
import { startOperator, type RunningOperator } from './running-operator.ts';

interface Addition {
  readonly what: string;
  readonly kind: string;
  readonly name?: string;
  readonly operations: readonly object[];
  /** In the event. */
  readonly said: RegExp;
}

const add = (path: string, value: unknown) => [{ op: 'add', path, value }];
const POD = '/spec/template/spec';

const ADDITIONS: readonly Addition[] = [
  {
    what: 'an environment variable of the sidecar',
    kind: 'Deployment',
    operations: add(`${POD}/containers/1/env`, [{ name: 'NODE_TLS_REJECT_UNAUTHORIZED', value: '0' }]),
    said: /containers\[name=auth-sidecar\]\.env/,
  },
  {
    what: 'a container',
    kind: 'Deployment',
    operations: add(`${POD}/containers/-`, { name: 'evil', image: 'evil:1' }),
    said: /containers/,
  },
  {
    what: 'a container in front of the others',
    kind: 'Deployment',
    operations: add(`${POD}/containers/0`, { name: 'evil', image: 'evil:1' }),
    said: /containers/,
  },
  {
    what: 'an init container',
    kind: 'Deployment',
    operations: add(`${POD}/initContainers`, [{ name: 'evil', image: 'evil:1' }]),
    said: /spec\.template\.spec\.initContainers/,
  },
  {
    what: 'hostNetwork',
    kind: 'Deployment',
    operations: add(`${POD}/hostNetwork`, true),
    said: /spec\.template\.spec\.hostNetwork/,
  },
  {
    what: 'hostPID',
    kind: 'Deployment',
    operations: add(`${POD}/hostPID`, true),
    said: /hostPID/,
  },
  {
    what: 'a volume of the node',
    kind: 'Deployment',
    operations: [
      ...add(`${POD}/volumes/-`, { name: 'node', hostPath: { path: '/' } }),
      ...add(`${POD}/containers/0/volumeMounts`, [{ name: 'node', mountPath: '/node' }]),
    ],
    said: /volumeMounts|volumes/,
  },
  {
    what: 'an annotation of the pods',
    kind: 'Deployment',
    operations: add('/spec/template/metadata/annotations/sidecar.istio.io~1inject', 'false'),
    said: /spec\.template\.metadata\.annotations\.sidecar\.istio\.io\/inject/,
  },
  {
    what: 'a lifecycle hook of the server',
    kind: 'Deployment',
    operations: add(`${POD}/containers/0/lifecycle/postStart`, { exec: { command: ['evil'] } }),
    said: /postStart/,
  },
  {
    what: 'aliases of host names',
    kind: 'Deployment',
    operations: add(`${POD}/hostAliases`, [{ ip: '10.0.0.9', hostnames: ['idp.example.com'] }]),
    said: /hostAliases/,
  },
  {
    what: 'external addresses',
    kind: 'Service',
    operations: add('/spec/externalIPs', ['192.0.2.1']),
    said: /spec\.externalIPs/,
  },
  {
    what: 'another port',
    kind: 'Service',
    operations: add('/spec/ports/-', { name: 'server', port: 8000, targetPort: 8000 }),
    said: /spec\.ports/,
  },
  {
    what: 'a selector for fewer pods',
    kind: 'Service',
    operations: add('/spec/selector/evil', 'yes'),
    said: /spec\.selector/,
  },
  {
    what: 'a peer that may connect',
    kind: 'NetworkPolicy',
    operations: add('/spec/ingress/-', { from: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }),
    said: /spec\.ingress/,
  },
  {
    what: 'another file beside the configuration',
    kind: 'ConfigMap',
    name: 'echo-sidecar',
    operations: add('/data/evil.json', '{}'),
    said: /data\.evil\.json/,
  },
  {
    what: 'binary data',
    kind: 'ConfigMap',
    name: 'echo-ca',
    operations: add('/binaryData', { 'ca.der': 'AAAA' }),
    said: /binaryData/,
  },
  {
    what: 'one more change, with the record of who set what wiped out',
    kind: 'Deployment',
    operations: [
      ...add(`${POD}/hostIPC`, true),
      { op: 'replace', path: '/metadata/managedFields', value: [{}] },
    ],
    said: /^$|hostIPC/,
  },
];

const LEFT: readonly Omit<Addition, 'said'>[] = [
  { what: 'replicas', kind: 'Deployment', operations: add('/spec/replicas', 4) },
  {
    what: 'an annotation of a mesh',
    kind: 'Deployment',
    operations: add('/metadata/annotations/mesh.example.com~1injected', 'true'),
  },
  {
    what: 'what kubectl rollout restart sets',
    kind: 'Deployment',
    operations: add('/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt', '2026-11-28'),
  },
  { what: 'a label', kind: 'Service', operations: add('/metadata/labels/example.com~1mine', 'yes') },
  { what: 'a finalizer', kind: 'Service', operations: add('/metadata/finalizers', ['example.com/lb']) },
];

/** Without what says when and by whom. */
function contentOf(object: KubeObject): string {
  const { metadata, status: _, ...rest } = object as KubeObject & { status?: object };
  return JSON.stringify({ ...rest, labels: metadata.labels, annotations: metadata.annotations });
}

describe('what others add to objects of a server', { timeout: 120_000 }, () => {
  let operator: RunningOperator;
  let client: Client;

  before(async () => {
    operator = await startOperator();
    ({ client } = operator);
    await annotate('first');
    await eventually('everything is applied', async () => {
      const found = await client.get(SERVERS, { name: 'echo', namespace: 'demo' }, { signal: never });
      return (found as unknown as ServerObject).status?.observedGeneration === 1;
    });
  });
  after(() => operator.end());

  /** The fields that were put right, a text for each time. */
  const corrected = () =>
    operator.lines
      .map((line) => JSON.parse(line) as { msg: string; fields?: string[] })
      .filter(({ msg }) => msg === 'object put right')
      .map(({ fields }) => fields?.join(', ') ?? '');
  /** Wakes the operator, and changes nothing that it applies. */
  const annotate = (note: string) =>
    client.apply(
      SERVERS,
      newServer((object) => {
        delete object.spec.replicas;
        object.metadata.annotations = { 'example.com/note': note };
      }),
      write,
    );

  const resourceOf = (kind: string): Resource => {
    const found = CHILD_KINDS.find((resource) => resource.kind === kind)!;
    return { ...found, keepsRecord: () => true };
  };
  const ref = (name = 'echo') => ({ name, namespace: 'demo' });
  const get = (kind: string, name?: string) => client.get(resourceOf(kind), ref(name), { signal: never });
  const content = async (kind: string, name?: string) => contentOf(await get(kind, name));
  const patch = (kind: string, name: string | undefined, operations: readonly object[]) =>
    client.patch(resourceOf(kind), ref(name), operations, { fieldManager: 'kubectl-edit', signal: never });

  for (const { what, kind, name, operations, said } of ADDITIONS) {
    it(`is taken away: ${what}`, async () => {
      const before = await content(kind, name);
      operator.lines.length = 0;
      assert.notEqual(contentOf(await patch(kind, name, operations)), before);
      await eventually('it is as before', async () => (await content(kind, name)) === before);
      await eventually('it is said', () => Promise.resolve(corrected().some((fields) => said.test(fields))));
    });
  }

  for (const { what, kind, name, operations } of LEFT) {
    it(`is left: ${what}`, async () => {
      await patch(kind, name, operations);
      const before = await content(kind, name);
      await operator.lookAfter(() => annotate(what));
      assert.equal(await content(kind, name), before);
    });
  }

  it('is said in an event, the first times: events of one object are limited', async () => {
    const events: Resource<KubeObject & { reason?: string; note?: string }> = EVENTS;
    const { items } = await client.list(events, { namespace: 'demo', signal: never });
    const notes = items.filter(({ reason }) => reason === 'Corrected').map(({ note = '' }) => note);
    assert.ok(
      notes.some((note) => /^Deployment demo\/echo was changed by others and put right: spec\./.test(note)),
    );
  });

  it('is taken away beside what is left', async () => {
    const before = await content('Deployment');
    await patch('Deployment', undefined, add(`${POD}/hostNetwork`, true));
    await eventually('it is as before', async () => (await content('Deployment')) === before);
  });

  it('is taken away again and again, and the operator is quiet in between', async () => {
    const before = await content('Service');
    for (let round = 0; round < 3; round++) {
      await patch('Service', undefined, add('/spec/externalIPs', ['192.0.2.1']));
      await eventually('it is as before', async () => (await content('Service')) === before);
    }
    await operator.lookAfter(() => annotate('settled'));
    const then = await operator.writes();
    await operator.lookAfter(() => annotate('quiet'));
    assert.equal(await operator.writes(), then);
  });
});
