// A thief with the operator's token, on a real API server: what it cannot read, make or change, and what the operator still can.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Client } from '../../src/kube/client.ts';
import type { ApiError } from '../../src/kube/errors.ts';
import type { ApiTransport, TransportRequest } from '../../src/kube/transport.ts';
import { startApiServer, type ApiServer } from '../support/api-server.ts';
import { configMap, connect, createNamespace, never, write } from './connect.ts';
import { CONFIG_MAPS, CRDS, DEPLOYMENTS, SECRETS } from './connect.ts';
import { installRights, OPERATOR_NAMESPACE, operatorAccount, untilEnforced } from './installation.ts';

const PASSWORD = Buffer.from('the password of the vault, which is long enough to be no label').toString(
  'base64',
);
const CORE = '/api/v1/namespaces';
const JSON_PATCH = 'application/json-patch+json';
const MERGE_PATCH = 'application/merge-patch+json';
const APPLY_PATCH = 'application/apply-patch+yaml';

const labels = {
  'app.kubernetes.io/managed-by': 'protected-mcp-operator',
  'app.kubernetes.io/instance': 'echo',
};
const owner = { apiVersion: 'protectedmcp.dev/v1alpha1', kind: 'ProtectedMcpServer', name: 'echo', uid: 'u' };
const ownerReferences = [{ ...owner, controller: true }];
/** As the operator would write it. */
const ours = { name: 'echo-tls', labels, ownerReferences };
const pair = { 'tls.crt': 'YQ==', 'tls.key': 'Yg==', 'ca.crt': 'Yw==' };

const secret = (metadata: object, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata,
  type: 'kubernetes.io/tls',
  data: pair,
  ...more,
});
const tokenOf = (account: string, metadata: object) =>
  secret(
    { ...metadata, annotations: { 'kubernetes.io/service-account.name': account } },
    { type: 'kubernetes.io/service-account-token', data: undefined },
  );
/** What the operator's objects select pods by. */
const selectorLabels = {
  'app.kubernetes.io/name': 'protected-mcp-server',
  'app.kubernetes.io/instance': 'echo',
};
const service = (spec: object) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'echo', labels, ownerReferences },
  spec: { selector: selectorLabels, ports: [{ port: 8001 }], ...spec },
});
const networkPolicy = (podSelector: object) => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'echo', labels, ownerReferences },
  spec: { podSelector, ingress: [{}] },
});
const deployment = (metadata: object, pod: object = {}, container: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata,
  spec: {
    selector: { matchLabels: selectorLabels },
    template: {
      metadata: { labels: selectorLabels },
      spec: {
        containers: [{ name: 'x', image: 'x', envFrom: [{ secretRef: { name: 'vault' } }], ...container }],
        ...pod,
      },
    },
  },
});

/** What says which installation manages a namespace, as the operator would write it. */
const CLAIM = 'protected-mcp-operator';
const claimLabels = { 'app.kubernetes.io/managed-by': 'protected-mcp-operator' };
const claim = (metadata: object = {}, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: CLAIM, labels: claimLabels, ...metadata },
  data: { holder: `${OPERATOR_NAMESPACE}/protected-mcp-operator` },
  ...more,
});

/** cert-manager's definition, of which the policy reads one field. */
const CERTIFICATES = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'certificates.cert-manager.io' },
  spec: {
    group: 'cert-manager.io',
    scope: 'Namespaced',
    names: {
      plural: 'certificates',
      singular: 'certificate',
      kind: 'Certificate',
      listKind: 'CertificateList',
    },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};
const certificate = (secretName: string) => ({
  apiVersion: 'cert-manager.io/v1',
  kind: 'Certificate',
  metadata: { name: 'echo-tls', labels, ownerReferences },
  spec: { secretName, dnsNames: ['echo.bank.svc'], issuerRef: { name: 'x' } },
});

interface Theft {
  readonly what: string;
  readonly method: TransportRequest['method'];
  readonly path: string;
  readonly contentType?: string;
  readonly body?: unknown;
}

const VAULT = `${CORE}/bank/secrets/vault`;
const THEFTS: readonly Theft[] = [
  { what: 'reading a Secret', method: 'GET', path: VAULT },
  { what: 'listing Secrets of a namespace', method: 'GET', path: `${CORE}/bank/secrets` },
  { what: 'listing Secrets of the cluster', method: 'GET', path: '/api/v1/secrets' },
  { what: 'watching Secrets', method: 'GET', path: `${CORE}/bank/secrets?watch=true&timeoutSeconds=1` },
  { what: 'an empty merge patch', method: 'PATCH', path: VAULT, contentType: MERGE_PATCH, body: {} },
  {
    what: 'an empty merge patch as a dry run',
    method: 'PATCH',
    path: `${VAULT}?dryRun=All`,
    contentType: MERGE_PATCH,
    body: {},
  },
  {
    what: 'an empty apply',
    method: 'PATCH',
    path: `${VAULT}?fieldManager=mcp-operator&force=true`,
    contentType: APPLY_PATCH,
    body: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'vault', namespace: 'bank' } },
  },
  {
    what: 'copying data into a label, for the message that refuses it',
    method: 'PATCH',
    path: VAULT,
    contentType: JSON_PATCH,
    body: [{ op: 'copy', from: '/data/password', path: '/metadata/labels/x' }],
  },
  {
    what: 'copying data into a time, for the message that refuses it',
    method: 'PATCH',
    path: VAULT,
    contentType: JSON_PATCH,
    body: [{ op: 'copy', from: '/data/password', path: '/metadata/creationTimestamp' }],
  },
  {
    what: 'copying data into the type, for the message that refuses it',
    method: 'PATCH',
    path: VAULT,
    contentType: JSON_PATCH,
    body: [{ op: 'copy', from: '/data/password', path: '/type' }],
  },
  {
    what: 'labelling a Secret as the operator’s',
    method: 'PATCH',
    path: VAULT,
    contentType: MERGE_PATCH,
    body: { metadata: { labels } },
  },
  {
    what: 'replacing a Secret',
    method: 'PUT',
    path: VAULT,
    body: secret({ ...ours, name: 'vault' }, { type: 'Opaque' }),
  },
  {
    what: 'replacing a Secret of the same type by one of the operator’s',
    method: 'PUT',
    path: `${CORE}/bank/secrets/echo-tls`,
    body: secret(ours),
  },
  { what: 'deleting a Secret', method: 'DELETE', path: VAULT },
  { what: 'deleting all Secrets', method: 'DELETE', path: `${CORE}/bank/secrets` },
  {
    what: 'making a token of another account',
    method: 'POST',
    path: `${CORE}/bank/secrets`,
    body: tokenOf('admin', { name: 'token' }),
  },
  {
    what: 'making one under a name that the API server completes',
    method: 'POST',
    path: `${CORE}/bank/secrets`,
    body: tokenOf('admin', { generateName: 'token-', labels, ownerReferences }),
  },
  {
    what: 'making one that looks like the operator’s',
    method: 'POST',
    path: `${CORE}/team/secrets`,
    body: tokenOf('admin', { ...ours }),
  },
  {
    what: 'making one in the operator’s namespace',
    method: 'POST',
    path: `${CORE}/${OPERATOR_NAMESPACE}/secrets`,
    body: tokenOf('installer', { name: 'leaf-0123456789abcdef0123456789abcdef', labels }),
  },
  {
    what: 'asking for a token of another account',
    method: 'POST',
    path: `${CORE}/bank/serviceaccounts/admin/token`,
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
  },
  {
    what: 'making a bootstrap token',
    method: 'POST',
    path: `${CORE}/kube-system/secrets`,
    body: secret({ name: 'bootstrap-token-abcdef' }, { type: 'bootstrap.kubernetes.io/token', data: {} }),
  },
  {
    what: 'making a Secret with other keys than a certificate’s',
    method: 'POST',
    path: `${CORE}/team/secrets`,
    body: secret(ours, { data: { ...pair, config: 'YQ==' } }),
  },
  {
    what: 'making a Secret without the label',
    method: 'POST',
    path: `${CORE}/team/secrets`,
    body: secret({ ...ours, labels: {} }),
  },
  {
    what: 'making a Secret under another name',
    method: 'POST',
    path: `${CORE}/team/secrets`,
    body: secret({ ...ours, name: 'ingress-tls' }),
  },
  {
    what: 'making a Secret that belongs to nothing',
    method: 'POST',
    path: `${CORE}/team/secrets`,
    body: secret({ ...ours, ownerReferences: [] }),
  },
  {
    what: 'replacing a Secret in the operator’s namespace that is not of its making',
    method: 'PUT',
    path: `${CORE}/${OPERATOR_NAMESPACE}/secrets/release`,
    body: secret({ ...ours, name: 'release' }, { type: 'Opaque' }),
  },
  {
    what: 'deleting a Secret in the operator’s namespace that is not of its making',
    method: 'DELETE',
    path: `${CORE}/${OPERATOR_NAMESPACE}/secrets/release`,
  },
  {
    what: 'deleting the authority',
    method: 'DELETE',
    path: `${CORE}/${OPERATOR_NAMESPACE}/secrets/protected-mcp-ca`,
  },
  {
    what: 'running a pod in the operator’s namespace under the name of the authority',
    method: 'POST',
    path: `/apis/apps/v1/namespaces/${OPERATOR_NAMESPACE}/deployments`,
    body: deployment({ name: 'protected-mcp-ca' }),
  },
  {
    what: 'mounting a Secret by another’s Deployment',
    method: 'PATCH',
    path: '/apis/apps/v1/namespaces/bank/deployments/teller',
    contentType: MERGE_PATCH,
    body: { metadata: { labels, ownerReferences }, spec: { replicas: 1 } },
  },
  {
    what: 'mounting a Secret by a Deployment that belongs to nothing',
    method: 'POST',
    path: '/apis/apps/v1/namespaces/bank/deployments',
    body: deployment({ name: 'x', labels }),
  },
  {
    what: 'running a pod in kube-system',
    method: 'POST',
    path: '/apis/apps/v1/namespaces/kube-system/deployments',
    body: deployment({ name: 'echo', labels, ownerReferences }),
  },
  ...(
    [
      ['a privileged pod', {}, { securityContext: { privileged: true } }],
      ['the network of a node', { hostNetwork: true }, {}],
      ['the processes of a node', { hostPID: true }, {}],
      ['the memory of a node', { hostIPC: true }, {}],
      ['a port of a node', {}, { ports: [{ containerPort: 22, hostPort: 22 }] }],
      ['the kernel of a node', {}, { securityContext: { capabilities: { add: ['CHOWN', 'SYS_MODULE'] } } }],
      ['every capability', {}, { securityContext: { capabilities: { add: ['ALL'] } } }],
      ['an unmasked /proc', { hostUsers: false }, { securityContext: { procMount: 'Unmasked' } }],
      ['the files of a node', { volumes: [{ name: 'x', hostPath: { path: '/' } }] }, {}],
      [
        'a privileged pod, by its first container',
        { initContainers: [{ name: 'y', image: 'y', securityContext: { privileged: true } }] },
        {},
      ],
    ] as const
  ).flatMap(([what, pod, container]): Theft[] => [
    {
      what: `using ${what}`,
      method: 'POST',
      path: '/apis/apps/v1/namespaces/team/deployments',
      body: deployment({ name: 'echo', labels, ownerReferences }, pod, container),
    },
    {
      what: `using ${what} by a Deployment that did not`,
      method: 'PATCH',
      path: '/apis/apps/v1/namespaces/shop/deployments/echo',
      contentType: MERGE_PATCH,
      body: { spec: deployment({}, pod, container).spec },
    },
  ]),
  ...(
    [
      ['an address of another', service({ externalIPs: ['192.0.2.53'] })],
      ['a name of another', service({ type: 'ExternalName', externalName: 'example.com' })],
      ['another’s pods, by a Service', service({ selector: { app: 'teller' } })],
      ['any pods, by a Service', service({ selector: undefined })],
    ] as const
  ).map(([what, body]): Theft => ({
    what: `diverting traffic of ${what}`,
    method: 'POST',
    path: `${CORE}/team/services`,
    body,
  })),
  ...[
    {},
    { matchLabels: { app: 'teller' } },
    { matchLabels: { ...selectorLabels, 'app.kubernetes.io/instance': 'teller' } },
  ].map((podSelector): Theft => ({
    what: `opening pods to everyone: ${JSON.stringify(podSelector)}`,
    method: 'POST',
    path: '/apis/networking.k8s.io/v1/namespaces/team/networkpolicies',
    body: networkPolicy(podSelector),
  })),
  {
    what: 'having cert-manager write over another’s Secret',
    method: 'POST',
    path: '/apis/cert-manager.io/v1/namespaces/bank/certificates',
    body: certificate('vault'),
  },
  {
    what: 'running another image in another’s pod',
    method: 'PATCH',
    path: `${CORE}/bank/pods/teller`,
    contentType: MERGE_PATCH,
    body: { spec: { containers: [{ name: 'x', image: 'thief' }] } },
  },
  {
    what: 'annotating another’s pod',
    method: 'PATCH',
    path: `${CORE}/bank/pods/teller`,
    contentType: MERGE_PATCH,
    body: { metadata: { annotations: { a: 'b' } } },
  },
  {
    what: 'running another image in a pod of a server',
    method: 'PATCH',
    path: `${CORE}/team/pods/echo`,
    contentType: MERGE_PATCH,
    body: { spec: { containers: [{ name: 'x', image: 'thief' }] } },
  },
  {
    what: 'taking a pod of a server out of its NetworkPolicy',
    method: 'PATCH',
    path: `${CORE}/team/pods/echo`,
    contentType: MERGE_PATCH,
    body: { metadata: { labels: { 'app.kubernetes.io/instance': 'other' } } },
  },
  ...(
    [
      ['under another name', 'team', claim({ name: 'settings' })],
      ['under a name that begins alike', 'team', claim({ name: `${CLAIM}-2` })],
      ['under a name that the API server completes', 'team', claim({ name: '', generateName: CLAIM })],
      ['in kube-system', 'kube-system', claim()],
      ['without the label', 'team', claim({ labels: {} })],
      ['with the label of another', 'team', claim({ labels: { 'app.kubernetes.io/managed-by': 'Helm' } })],
      ['with more in it', 'team', claim({}, { data: { holder: 'x', 'ca.crt': 'thief' } })],
      ['with a file in it', 'team', claim({}, { binaryData: { answer: 'YQ==' } })],
    ] as const
  ).map(([what, namespace, body]): Theft => ({
    what: `writing a claim ${what}`,
    method: 'POST',
    path: `${CORE}/${namespace}/configmaps`,
    body,
  })),
  ...(
    [
      ['ServiceAccount', `${CORE}/team/serviceaccounts`, {}],
      ['Secret', `${CORE}/team/secrets`, { type: 'kubernetes.io/tls', data: pair }],
      ['Service', `${CORE}/team/services`, { spec: service({}).spec }],
      ['Deployment', '/apis/apps/v1/namespaces/team/deployments', { spec: deployment({}).spec }],
    ] as const
  ).map(([kind, path, more]): Theft => ({
    what: `making a ${kind} by the name and label of a claim`,
    method: 'POST',
    path,
    body: {
      apiVersion: kind === 'Deployment' ? 'apps/v1' : 'v1',
      kind,
      metadata: { name: CLAIM, labels: claimLabels },
      ...more,
    },
  })),
  ...(
    [
      ['changing', MERGE_PATCH, { data: { url: 'http://thief' } }],
      ['labelling and changing', MERGE_PATCH, { metadata: { labels: claimLabels }, data: { url: 'thief' } }],
      ['labelling and claiming', MERGE_PATCH, { metadata: { labels: claimLabels }, data: { holder: 'x' } }],
      ['labelling and emptying', MERGE_PATCH, { metadata: { labels: claimLabels }, data: null }],
    ] as const
  ).map(([what, contentType, body]): Theft => ({
    what: `${what} another’s ConfigMap that has the name of a claim`,
    method: 'PATCH',
    path: `${CORE}/bank/configmaps/${CLAIM}`,
    contentType,
    body,
  })),
  {
    what: 'deleting another’s ConfigMap that has the name of a claim',
    method: 'DELETE',
    path: `${CORE}/bank/configmaps/${CLAIM}`,
  },
  {
    what: 'taking the label off a claim',
    method: 'PATCH',
    path: `${CORE}/shop/configmaps/${CLAIM}`,
    contentType: MERGE_PATCH,
    body: { metadata: { labels: null } },
  },
  {
    what: 'changing what others have put into a claim',
    method: 'PATCH',
    path: `${CORE}/shop/configmaps/${CLAIM}`,
    contentType: MERGE_PATCH,
    body: { data: { note: 'changed' } },
  },
  { what: 'deleting another’s ConfigMap', method: 'DELETE', path: `${CORE}/bank/configmaps/settings` },
  {
    what: 'changing another’s ServiceAccount',
    method: 'PATCH',
    path: `${CORE}/bank/serviceaccounts/admin`,
    contentType: MERGE_PATCH,
    body: { automountServiceAccountToken: true },
  },
  {
    what: 'deleting the policy',
    method: 'DELETE',
    path: `/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/protected-mcp-operator.${OPERATOR_NAMESPACE}`,
  },
  {
    what: 'deleting the policy’s binding',
    method: 'DELETE',
    path: `/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/protected-mcp-operator.${OPERATOR_NAMESPACE}`,
  },
];

describe('a thief with the token of the operator', { timeout: 120_000 }, () => {
  let server: ApiServer;
  let thief: ApiTransport;
  const close: (() => Promise<unknown>)[] = [];

  before(async () => {
    server = await startApiServer({ flags: ['--allow-privileged=true'] }); // as clusters have it
    const admin = connect(server);
    close.push(() => server.stop(), admin.close);
    for (const name of ['bank', 'shop', 'team', OPERATOR_NAMESPACE])
      await createNamespace(admin.client, name);
    await installRights(admin.client);
    await admin.client.apply(CRDS, CERTIFICATES, write);
    await fillBank(admin.client);
    const account = await operatorAccount(server, admin.transport);
    close.push(account.close);
    await untilEnforced(account);
    thief = account.transport;
  });
  after(async () => {
    for (const one of close.toReversed()) await one();
  });

  const send = (request: Omit<Theft, 'what'>) =>
    thief.call({
      ...request,
      what: request.method,
      body: request.body === undefined ? undefined : JSON.stringify(request.body),
      signal: never,
    } as TransportRequest);

  for (const { what, ...request } of THEFTS)
    it(`is refused ${what}`, async () => {
      const answer = await send(request).then(
        (found) => ({ status: 200, text: JSON.stringify(found) }),
        (error: ApiError) => ({
          status: error.status,
          text: `${error.message} ${JSON.stringify(error.body)}`,
        }),
      );
      assert.equal(answer.status, 403, answer.text);
      assert.ok(!answer.text.includes(PASSWORD), answer.text);
    });

  it('may do what remains: run a pod of a server, which can mount Secrets of its namespace', async () => {
    const path = '/apis/apps/v1/namespaces/team/deployments';
    await send({ method: 'POST', path, body: deployment({ name: 'echo', labels, ownerReferences }) });
  });

  it('may write what the operator writes: a request for a certificate', async () => {
    const path = '/apis/cert-manager.io/v1/namespaces/team/certificates';
    await send({ method: 'POST', path, body: certificate('echo-cert-manager-tls') });
  });

  it('may write what the operator writes: an annotation of a pod of a server', async () => {
    const body = { metadata: { annotations: { 'protectedmcp.dev/configuration': 'x' } } };
    await send({ method: 'PATCH', path: `${CORE}/team/pods/echo`, contentType: MERGE_PATCH, body });
  });

  it('may write what the operator writes: a claim, an answer, and the end of it', async () => {
    const path = `${CORE}/team/configmaps`;
    await send({ method: 'POST', path, body: claim() });
    const answered = claim({}, { data: { holder: 'a/b', contender: 'c/d', challenge: 'x', answer: 'x' } });
    const apply = { contentType: APPLY_PATCH, body: answered } as const;
    await send({ method: 'PATCH', path: `${path}/${CLAIM}?fieldManager=mcp-operator&force=true`, ...apply });
    await send({ method: 'DELETE', path: `${path}/${CLAIM}` });
  });

  it('may write what the operator writes: the label of a claim that others made, and then the claim', async () => {
    const path = `${CORE}/bank/configmaps/${CLAIM}`;
    const apply = (manager: string, body: object) =>
      send({
        method: 'PATCH',
        path: `${path}?fieldManager=${manager}&force=true`,
        contentType: APPLY_PATCH,
        body,
      });
    await apply('mcp-operator-claim-label', claim({}, { data: undefined }));
    const found = (await apply('mcp-operator', claim())) as { data: Record<string, string> };
    assert.deepEqual(Object.keys(found.data).toSorted(), ['holder', 'url']);
  });

  it('may write what the operator writes: a certificate, the same again, and another', async () => {
    const path = `${CORE}/team/secrets`;
    await send({ method: 'POST', path, body: secret(ours) });
    const replace = async (more: object) =>
      (await send({ method: 'PUT', path: `${path}/echo-tls`, body: secret(ours, more) })) as {
        metadata: { resourceVersion: string };
      };
    const { metadata: same } = await replace({});
    assert.equal((await replace({})).metadata.resourceVersion, same.resourceVersion);
    const { metadata: other } = await replace({ data: { ...pair, 'tls.crt': 'ZA==' } });
    assert.notEqual(other.resourceVersion, same.resourceVersion);
  });
});

/** What is worth stealing. */
async function fillBank(admin: Client): Promise<void> {
  const opaque = (name: string, namespace: string) =>
    secret({ name, namespace }, { type: 'Opaque', data: { password: PASSWORD } });
  await admin.apply(SECRETS, opaque('vault', 'bank'), write);
  await admin.apply(SECRETS, opaque('release', OPERATOR_NAMESPACE), write);
  await admin.apply(SECRETS, secret({ name: 'protected-mcp-ca', namespace: OPERATOR_NAMESPACE }), write);
  await admin.apply(SECRETS, secret({ name: 'echo-tls', namespace: 'bank' }), write);
  await admin.apply(DEPLOYMENTS, deployment({ name: 'teller', namespace: 'bank' }), write);
  const ofServer = { name: 'echo', namespace: 'shop', labels, ownerReferences };
  await admin.apply(DEPLOYMENTS, deployment(ofServer), write);
  const core = (kind: string, plural: string) => ({ apiVersion: 'v1', kind, plural, namespaced: true });
  const named = (kind: string, name: string, namespace: string) => ({
    apiVersion: 'v1',
    kind,
    metadata: { name, namespace },
  });
  const containers = [{ name: 'x', image: 'x' }];
  for (const pod of [named('Pod', 'teller', 'bank'), named('Pod', 'echo', 'team')]) {
    const metadata = { ...pod.metadata, ...(pod.metadata.name === 'echo' && { labels }) };
    const spec = { automountServiceAccountToken: false, containers };
    const object = { ...pod, metadata, spec };
    await admin.apply(core('Pod', 'pods'), object, write);
  }
  await admin.apply(core('ConfigMap', 'configmaps'), named('ConfigMap', 'settings', 'bank'), write);
  await admin.apply(CONFIG_MAPS, configMap(CLAIM, { url: 'http://teller' }, 'bank'), write);
  const shared = claim({ namespace: 'shop' }, { data: { holder: 'a/b', note: 'by hand' } });
  await admin.apply(CONFIG_MAPS, shared, write);
  for (const [name, namespace] of [
    ['admin', 'bank'],
    ['admin', 'team'],
    ['installer', OPERATOR_NAMESPACE],
  ] as const)
    await admin.apply(
      core('ServiceAccount', 'serviceaccounts'),
      named('ServiceAccount', name, namespace),
      write,
    );
}
