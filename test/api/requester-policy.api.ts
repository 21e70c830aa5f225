// Who may ask for pods by a ProtectedMcpServer, on a real API server with the chart's policy: those who may create pods.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { KubeConfig } from '@kubernetes/client-node';
import { Client } from '../../src/kube/client.ts';
import { kubeConfigCredentials } from '../../src/kube/credentials.ts';
import { isForbidden, type ApiError } from '../../src/kube/errors.ts';
import type { KubeObject, Resource } from '../../src/kube/object.ts';
import { createTransport, type ApiTransport } from '../../src/kube/transport.ts';
import type { ServerObject } from '../../src/operator/kinds.ts';
import { findHelms, renderChart } from '../../scripts/chart-helm.ts';
import { startApiServer, type ApiServer } from '../support/api-server.ts';
import { newServer } from '../unit/operator/operator.ts';
import { connect, createNamespace, eventually, installCrd, never, SERVERS, write } from './connect.ts';

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

interface Rights {
  readonly demo: readonly object[];
  readonly other?: readonly object[];
}

const USERS: Readonly<Record<string, Rights>> = {
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
};
const MAY_NOT = [
  'requester',
  'elsewhere',
  'reader of pods',
  'exec user',
  'deployer',
  'other group',
  'one pod',
];

const RBAC = 'rbac.authorization.k8s.io/v1';
const ADMISSION = 'admissionregistration.k8s.io/v1';
const kind = (apiVersion: string, name: string, plural: string, namespaced: boolean): Resource => ({
  apiVersion,
  kind: name,
  plural,
  namespaced,
});
const ROLES = kind(RBAC, 'Role', 'roles', true);
const BINDINGS = kind(RBAC, 'RoleBinding', 'rolebindings', true);
const POLICIES = [
  kind(ADMISSION, 'ValidatingAdmissionPolicy', 'validatingadmissionpolicies', false),
  kind(ADMISSION, 'ValidatingAdmissionPolicyBinding', 'validatingadmissionpolicybindings', false),
];

describe('the policy for requesters', { timeout: 120_000 }, () => {
  let server: ApiServer;
  let admin: Client;
  let directory: string;
  const closers: (() => Promise<unknown>)[] = [];
  const transports = new Map<string, ApiTransport>();

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'requesters-'));
    const file = join(directory, 'tokens.csv');
    writeFileSync(
      file,
      Object.keys(USERS)
        .map((name, index) => `token-${index},${name},${index}`)
        .join('\n'),
    );
    server = await startApiServer({ flags: [`--token-auth-file=${file}`] });
    const connected = connect(server);
    admin = connected.client;
    closers.push(connected.close);
    for (const name of ['demo', 'other']) await createNamespace(admin, name);
    await installCrd(admin);
    await grant();
    for (const [index, name] of Object.keys(USERS).entries())
      transports.set(name, transportOf(`token-${index}`));
    await installPolicy('{}');
    await eventually('the policy is in force', async () => {
      const answer = await outcome(() =>
        as('requester').create(SERVERS, named('probe'), { ...write, dryRun: true }),
      );
      return answer === 'refused';
    });
  });
  after(async () => {
    for (const close of closers) await close();
    await server.stop();
    rmSync(directory, { recursive: true });
  });

  async function grant(): Promise<void> {
    for (const [index, [name, rights]] of Object.entries(USERS).entries())
      for (const [namespace, rules] of Object.entries<readonly object[]>({ ...rights })) {
        const metadata = { name: `user-${index}`, namespace };
        await admin.create(ROLES, { apiVersion: RBAC, kind: 'Role', metadata, rules } as KubeObject, write);
        const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: metadata.name };
        const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name }];
        await admin.create(
          BINDINGS,
          { apiVersion: RBAC, kind: 'RoleBinding', metadata, roleRef, subjects } as KubeObject,
          write,
        );
      }
  }

  async function installPolicy(values: string): Promise<void> {
    const [helm] = findHelms();
    const objects = renderChart(helm, { name: 'pmcp', namespace: 'mcp-system', values });
    for (const resource of POLICIES)
      for (const object of objects.filter(
        (one) => one.kind === resource.kind && /requesters/.test(one.metadata.name),
      ))
        await admin.apply(resource, object, write);
  }

  function transportOf(token: string): ApiTransport {
    const config = new KubeConfig();
    const cluster = server.config.getCurrentCluster();
    assert.ok(cluster);
    config.loadFromClusterAndUser(cluster, { name: 'user', token });
    const credentials = kubeConfigCredentials(config);
    closers.push(() => credentials.destroy());
    return createTransport(credentials, { userAgent: 'test' });
  }

  const as = (user: string) => {
    const transport = transports.get(user);
    assert.ok(transport, user);
    return new Client(transport);
  };
  const patch = (user: string, body: object, { name = 'echo', subresource = '' } = {}) =>
    transports.get(user)!.call({
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
    return admin.get(SERVERS, { name, namespace: 'demo' }, { signal: never });
  }
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
    await installPolicy('watchNamespaces: [other]');
    await eventually('the namespace is left alone', async () => {
      const attempt = () => as('requester').create(SERVERS, named('free'), { ...write, dryRun: true });
      return (await outcome(attempt)) === 'done';
    });
  });
});
