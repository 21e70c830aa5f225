// Who may ask for pods by a ProtectedMcpServer, on a real API server with the chart's policy: those who may create pods.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Client } from '../../src/kube/client.ts';
import { isForbidden, type ApiError } from '../../src/kube/errors.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import type { ServerObject } from '../../src/operator/kinds.ts';
import { setField } from '../support/manifests.ts';
import { newServer } from '../unit/operator/operator.ts';
import { eventually, never, SERVERS, write } from './connect.ts';
import { startWithUsers, type UsersServer } from './users.ts';

const OPERATOR = 'system:serviceaccount:mcp-system:operator';

/** Rights by user, in the namespace `demo` unless another is named. */
const ALL = ['get', 'create', 'update', 'patch', 'delete'];
const servers = (...verbs: string[]) => ({
  apiGroups: ['protectedmcp.dev'],
  resources: ['protectedmcpservers'],
  verbs,
});
const sub = (name: string) => ({
  apiGroups: ['protectedmcp.dev'],
  resources: [`protectedmcpservers/${name}`],
  verbs: ['get', 'patch', 'update'],
});
const pods = (...verbs: string[]) => ({ apiGroups: [''], resources: ['pods'], verbs });

const USERS = {
  editor: { demo: [servers(...ALL), pods('create')] },
  everything: { demo: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }] },
  requester: { demo: [servers(...ALL)] },
  elsewhere: { demo: [servers(...ALL)], other: [servers(...ALL), pods('create')] },
  'reader of pods': { demo: [servers(...ALL), pods('get', 'list', 'watch', 'update', 'delete')] },
  'exec user': {
    demo: [
      servers(...ALL),
      { apiGroups: [''], resources: ['pods/exec', 'pods/ephemeralcontainers'], verbs: ['create', 'update'] },
    ],
  },
  deployer: { demo: [servers(...ALL), { apiGroups: ['apps'], resources: ['deployments'], verbs: ALL }] },
  'other group': {
    demo: [servers(...ALL), { apiGroups: ['metrics.k8s.io'], resources: ['pods'], verbs: ['create'] }],
  },
  'one pod': { demo: [servers(...ALL), { ...pods('create'), resourceNames: ['echo'] }] },
  collector: { demo: [servers('get', 'patch', 'update', 'delete')] },
  scaler: { demo: [servers('get'), sub('scale')] },
  [OPERATOR]: { demo: [servers('get'), sub('status'), sub('finalizers')] },
} satisfies Parameters<typeof startWithUsers>[1];
const MAY_NOT = [
  'requester',
  'elsewhere',
  'reader of pods',
  'exec user',
  'deployer',
  'other group',
  'one pod',
];

/** What a pod and a Service can be asked for by a resource: each would be the user's own, by the operator's rights. */
const CONTEXT = 'spec.server.securityContext';
const VOLUMES = 'spec.podTemplate.volumes';
const projected = (source: object) => [{ name: 'v', projected: { sources: [source] } }];
const ATTACKS: readonly (readonly [what: string, path: string, value: unknown])[] = [
  ['uid 0', CONTEXT, { runAsUser: 0, runAsNonRoot: false }],
  ['privileged container', CONTEXT, { privileged: true }],
  ['capability', CONTEXT, { capabilities: { add: ['ALL'] } }],
  ['unmasked /proc', CONTEXT, { procMount: 'Unmasked' }],
  ['SELinux type', CONTEXT, { seLinuxOptions: { type: 'spc_t' } }],
  ['way around AppArmor', CONTEXT, { appArmorProfile: { type: 'Unconfined' } }],
  ['way around seccomp', CONTEXT, { seccompProfile: { type: 'Unconfined' } }],
  ['process of a Windows host', CONTEXT, { windowsOptions: { hostProcess: true } }],
  ['file of a node', VOLUMES, [{ name: 'v', hostPath: { path: '/' } }]],
  ['claimed volume', VOLUMES, [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }]],
  ['ephemeral volume', VOLUMES, [{ name: 'v', ephemeral: { volumeClaimTemplate: { spec: {} } } }]],
  ['driver’s volume', VOLUMES, [{ name: 'v', csi: { driver: 'secrets-store.csi.k8s.io' } }]],
  ['Secret by a volume', VOLUMES, [{ name: 'v', secret: { secretName: 'vault' } }]],
  ['Secret by a projected volume', VOLUMES, projected({ secret: { name: 'vault' } })],
  ['token of the account', VOLUMES, projected({ serviceAccountToken: { path: 'token' } })],
  ['certificate for the pod', VOLUMES, projected({ podCertificate: { signerName: 'a/b' } })],
  [
    'Secret by a variable',
    'spec.server.env',
    [{ name: 'K', valueFrom: { secretKeyRef: { name: 'vault', key: 'password' } } }],
  ],
  ['Secret by all variables', 'spec.server.envFrom', [{ secretRef: { name: 'vault' } }]],
  ['Secret to pull images', 'spec.podTemplate.imagePullSecrets', [{ name: 'vault' }]],
  ['Secret as certificate', 'spec.tls', { secretName: 'vault' }],
  ['ServiceAccount of another', 'spec.podTemplate.serviceAccountName', 'cluster-admin'],
  ['image in the sidecar’s place', 'spec.sidecar', { image: 'evil:1' }],
  ['node of the control plane', 'spec.podTemplate.tolerations', [{ operator: 'Exists' }]],
  ['label that others’ policies select', 'spec.podTemplate.labels', { app: 'bank' }],
  ['command', 'spec.server.command', ['sh', '-c', 'evil']],
  ['probe of the node', 'spec.server.livenessProbe', { tcpSocket: { host: '10.0.0.1', port: 22 } }],
  ['load balancer', 'spec.service', { type: 'LoadBalancer' }],
  ['port of every node', 'spec.service', { type: 'NodePort' }],
  ['name in DNS', 'spec.service', { annotations: { 'external-dns.alpha.kubernetes.io/hostname': 'x.y' } }],
  ['open network', 'spec.network', { isolation: 'None' }],
];

describe('the policy for requesters', { timeout: 120_000 }, () => {
  let server: UsersServer;
  let admin: Client;

  before(async () => {
    server = await startWithUsers(['demo', 'other'], USERS);
    ({ admin } = server);
    await server.installPolicy('requesters');
    await eventually('the policy is in force', async () => {
      const answer = await outcome(() =>
        as('requester').create(SERVERS, named('probe'), { ...write, dryRun: true }),
      );
      return answer === 'refused';
    });
  });
  after(() => server.stop());

  const as = (user: string) => server.as(user);
  const patch = (user: string, body: object, { name = 'echo', subresource = '' } = {}) =>
    server.transportOf(user).call({
      what: 'patch',
      method: 'PATCH',
      path: `/apis/protectedmcp.dev/v1alpha1/namespaces/demo/protectedmcpservers/${name}${subresource}`,
      contentType: 'application/merge-patch+json',
      body: JSON.stringify(body),
      signal: never,
    });
  const named = (name: string, change: (object: ServerObject) => void = () => undefined) =>
    newServer((object) => {
      object.metadata.name = name;
      change(object);
    });

  /** What a write came to; a refusal by RBAC would be another. */
  async function outcome(attempt: () => Promise<unknown>): Promise<'done' | 'refused'> {
    try {
      await attempt();
      return 'done';
    } catch (error) {
      assert.ok(isForbidden(error), String(error));
      assert.match(
        (error as ApiError).message,
        /may not create pods in namespace "(demo|other)".*"create" on "pods"/,
      );
      return 'refused';
    }
  }
  async function fresh(name: string): Promise<KubeObject> {
    await admin.apply(SERVERS, named(name), write);
    return get(name);
  }
  const get = (name: string) =>
    admin.get(SERVERS, { name, namespace: 'demo' }, { signal: never }) as Promise<KubeObject>;
  const image = (object: KubeObject): never => {
    const copy = structuredClone(object) as ServerObject;
    copy.spec.server.image = 'evil:1';
    return copy as never; // of the resource's type, whichever
  };
  const writes: readonly [name: string, write: (user: string, name: string) => Promise<unknown>][] = [
    ['create', (user, name) => as(user).create(SERVERS, named(`${name}-new`), { ...write, dryRun: true })],
    [
      'create by server-side apply',
      (user, name) => as(user).apply(SERVERS, named(`${name}-new`), { ...write, dryRun: true }),
    ],
    ['replace', async (user, name) => as(user).update(SERVERS, image(await fresh(name)), write)],
    [
      'patch',
      async (user, name) => {
        await fresh(name);
        return patch(user, { spec: { server: { image: 'evil:2' } } }, { name });
      },
    ],
    [
      'change by server-side apply',
      async (user, name) => as(user).apply(SERVERS, image(await fresh(name)), write),
    ],
    [
      'patch a field that takes rights away',
      async (user, name) => {
        await fresh(name);
        return patch(user, { spec: { podTemplate: { serviceAccountName: 'cluster-admin' } } }, { name });
      },
    ],
    [
      'slip a spec in with metadata',
      async (user, name) => {
        await fresh(name);
        return patch(
          user,
          { metadata: { labels: { a: 'b' } }, spec: { server: { image: 'evil:3' } } },
          { name },
        );
      },
    ],
  ];

  for (const [what, attempt] of writes) {
    for (const user of ['editor', 'everything'])
      it(`lets ${user} ${what}`, async () =>
        assert.equal(await outcome(() => attempt(user, `echo-${user}`)), 'done'));
    for (const user of MAY_NOT)
      it(`does not let ${user} ${what}`, async () => {
        const name = `echo-${user.replaceAll(' ', '-')}`;
        assert.equal(await outcome(() => attempt(user, name)), 'refused');
      });
  }

  for (const [what, path, value] of ATTACKS)
    it(`gives those who may create servers alone no ${what}`, async () => {
      const attack = (object: ServerObject) => setField(object, path, value);
      const name = 'attacked';
      const valid = as('editor').create(SERVERS, named('legal', attack), { ...write, dryRun: true });
      assert.equal(await outcome(() => valid), 'done', 'the resource itself is valid');
      const created = as('requester').create(SERVERS, named('attack', attack), write);
      assert.equal(await outcome(() => created), 'refused');
      const before = await fresh(name);
      for (const user of ['requester', 'collector']) {
        const replaced = structuredClone(before) as ServerObject;
        attack(replaced);
        assert.equal(await outcome(() => as(user).update(SERVERS, replaced as never, write)), 'refused');
        const { spec } = named(name, attack);
        assert.equal(await outcome(() => patch(user, { spec }, { name })), 'refused');
      }
      assert.deepEqual(await get(name), before);
    });

  for (const [subresource, user, attempt] of [
    ['/scale', 'scaler', { spec: { replicas: 1, server: { image: 'evil:1' } } }],
    ['/scale', 'scaler', { spec: { podTemplate: { serviceAccountName: 'cluster-admin' } } }],
    ['/status', OPERATOR, { spec: { server: { image: 'evil:1' } } }],
    ['/status', OPERATOR, { metadata: { annotations: { a: 'b' } }, status: { replicas: 1 } }],
    ['/status', OPERATOR, { metadata: { labels: { a: 'b' } }, spec: { replicas: 7 } }],
  ] as const)
    it(`lets nothing but its own part be changed by ${subresource}: ${JSON.stringify(attempt)}`, async () => {
      const { spec: before } = (await fresh('sub')) as ServerObject;
      await outcome(() => patch(user, attempt, { name: 'sub', subresource }));
      const { spec, metadata } = (await get('sub')) as ServerObject;
      assert.deepEqual({ ...spec, replicas: 0 }, { ...before, replicas: 0 });
      assert.notEqual(spec.replicas, 7);
      assert.equal(metadata.annotations?.['a'] ?? metadata.labels?.['a'], undefined);
    });

  it('does not let a server be put back by its deleter with another spec', async () => {
    await fresh('again');
    const place = { name: 'again', namespace: 'demo' };
    assert.equal(await outcome(() => as('collector').delete(SERVERS, place, { signal: never })), 'done');
    const again = as('requester').apply(SERVERS, named('again'), write);
    assert.equal(await outcome(() => again), 'refused');
  });

  it('names the user and the namespace', async () => {
    await assert.rejects(as('requester').create(SERVERS, named('x'), write), {
      message: /user "requester" may not create pods in namespace "demo", and a ProtectedMcpServer runs pods/,
    });
  });

  it('looks at the right in the namespace of the server', async () => {
    const object = named('x', ({ metadata }) => Object.assign(metadata, { namespace: 'other' }));
    assert.equal(
      await outcome(() => as('elsewhere').create(SERVERS, object, { ...write, dryRun: true })),
      'done',
    );
  });

  for (const [what, user, body, place] of [
    ['a finalizer', 'collector', { metadata: { finalizers: ['example.com/x'] } }, {}],
    ['no finalizer', 'collector', { metadata: { finalizers: null } }, {}],
    ['a label', 'requester', { metadata: { labels: { team: 'x' } } }, {}],
    ['an annotation', 'requester', { metadata: { annotations: { 'example.com/x': 'y' } } }, {}],
    ['the spec as it is', 'requester', { spec: {} }, {}],
    ['a number of replicas', 'scaler', { spec: { replicas: 3 } }, { subresource: '/scale' }],
    ['the status', OPERATOR, { status: { replicas: 1 } }, { subresource: '/status' }],
  ] as const)
    it(`lets ${user} write ${what}`, async () => {
      await fresh('quiet');
      assert.equal(await outcome(() => patch(user, body, { name: 'quiet', ...place })), 'done');
    });

  it('lets a server be deleted', async () => {
    await fresh('gone');
    const gone = as('collector').delete(SERVERS, { name: 'gone', namespace: 'demo' }, { signal: never });
    assert.equal(await outcome(() => gone), 'done');
  });

  it('reaches no further than the watched namespaces', async () => {
    await server.installPolicy('requesters', 'watchNamespaces: [other]');
    await eventually('the namespace is left alone', async () => {
      const attempt = () => as('requester').create(SERVERS, named('free'), { ...write, dryRun: true });
      return (await outcome(attempt)) === 'done';
    });
  });
});
