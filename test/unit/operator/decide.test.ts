// What is done in which world: one row a case, the row's name is the rule.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { PAUSED_ANNOTATION } from '../../../src/api/names.ts';
import { objectKey, type KubeObject } from '../../../src/kube/object.ts';
import { decide, type Decision } from '../../../src/operator/decide.ts';
import { issuableHosts } from '../../../src/operator/host-ownership.ts';
import { CERTIFICATES, type ServerObject } from '../../../src/operator/kinds.ts';
import { LeafCertificates, type Leaf } from '../../../src/operator/leaf-certificates.ts';
import { versionOf } from '../../../src/operator/revision.ts';
import type { World } from '../../../src/operator/world.ts';
import { authorityCertificate, generateKey } from '../../../src/pki/x509.ts';
import { NOW, PERMITTED, serverObject } from '../../support/operator-inputs.ts';

const DAY_MS = 86_400_000;
const SHARED = ['mcp.example.com', 'echo.example.com'];
const HOSTS = {
  localhost: true,
  byNamespace: [
    { namespace: 'demo', hosts: SHARED },
    { namespace: 'elsewhere', hosts: SHARED },
  ],
};

/** What a decision comes to, in words that a row can hold. */
interface Summary {
  readonly kind: Decision['kind'];
  /** Before the Deployment. */
  readonly apply: readonly string[];
  readonly deployment: boolean;
  readonly prune: readonly string[];
  readonly failure: string | undefined;
  readonly certificate: string;
  /** Reason and host. */
  readonly refused: string | undefined;
}

const SUPPORTS = [
  'ServiceAccount/echo',
  'ConfigMap/echo-sidecar',
  'ConfigMap/echo-ca',
  'Service/echo',
  'NetworkPolicy/echo',
];
const without = (...names: string[]) => SUPPORTS.filter((name) => !names.includes(name));

const PRIVILEGED =
  'PodSecurityViolation: violates PodSecurity "restricted": spec.server.securityContext.privileged: privileged';
const ROOT =
  'PodSecurityViolation: violates PodSecurity "restricted": spec.server.securityContext.runAsUser: runAsUser=0';

let authority: { certificate: string; key: string };
let strange: typeof authority;
let leaf: Leaf;
/** Of the same hosts, near its end. */
let oldLeaf: Leaf;
/** Of another authority. */
let strangeLeaf: Leaf;
/** With a host too many. */
let widerLeaf: Leaf;

async function newAuthority() {
  const key = await generateKey();
  const certificate = await authorityCertificate(key, {
    commonName: 'test',
    notBefore: new Date(NOW - DAY_MS),
    notAfter: new Date(NOW + 3650 * DAY_MS),
  });
  return { certificate, key };
}

before(async () => {
  authority = await newAuthority();
  const client = {} as never; // nothing is stored here
  const issuer = (clock: () => number, of = authority) =>
    new LeafCertificates({ client, namespace: 'system', clock, signer: () => of });
  const hosts = issuableHosts(serverObject(), undefined);
  leaf = await issuer(() => NOW).issue('demo/echo', hosts, []);
  oldLeaf = await issuer(() => NOW - 61 * DAY_MS).issue('demo/echo', hosts, []);
  strange = await newAuthority();
  strangeLeaf = await issuer(() => NOW, strange).issue('demo/echo', hosts, []);
  widerLeaf = await issuer(() => NOW).issue('demo/echo', [...hosts, 'gone.example.com'], []);
});

const LOST = () => ({ bundle: authority.certificate, signers: [], lost: 'It is lost.' });
const delivered = (
  one: Leaf,
  deliveredAt: number | undefined,
  bundle: string | undefined = authority.certificate,
) => ({
  leaf: one,
  deliveredAt,
  bundle,
});

/** A world in which only the server is there. */
function fresh(server: ServerObject = serverObject(), changes: Partial<World> = {}): World {
  return {
    now: NOW,
    server,
    servers: [server],
    existing: [],
    leaf: undefined,
    authority: { bundle: authority.certificate, signers: [authority.certificate], lost: undefined },
    holders: [],
    hostRules: HOSTS,
    pods: [],
    adminIngressFrom: [],
    permitted: PERMITTED,
    contender: undefined,
    newest: versionOf('sidecar:1'),
    hasTurn: false,
    certManager: true,
    ...changes,
  };
}

/** The same after a first pass: everything is there as desired, and the certificate delivered just now. */
function settled(
  server: ServerObject = serverObject(),
  changes: Partial<World> = {},
  permitted: World['permitted'] = PERMITTED,
): World {
  const world = fresh(server, { leaf: delivered(leaf, NOW), permitted });
  const { plan } = decide(world) as Extract<Decision, { kind: 'reconcile' }>;
  const desired = [...plan.apply, ...(plan.deployment ? [plan.deployment] : [])];
  return { ...world, existing: desired.map((change) => change.desired), ...changes };
}

/** A settled world whose server was then changed. */
function changed(change: (server: ServerObject) => void, from?: (server: ServerObject) => void): World {
  const server = serverObject((object) => {
    from?.(object);
    change(object);
  });
  return { ...settled(serverObject(from)), server, servers: [server] };
}

/** A settled world in which one object is not as it was. */
function drifted(name: string, change: (object: KubeObject) => KubeObject | undefined): World {
  const world = settled();
  assert.ok(
    world.existing.some((object) => nameOf(object) === name),
    `${name} is there to begin with`,
  );
  return {
    ...world,
    existing: world.existing.flatMap((object) =>
      nameOf(object) === name ? (change(object) ?? []) : [object],
    ),
  };
}

const ownedBy = (uid: string) => (object: KubeObject) => ({
  ...object,
  metadata: {
    ...object.metadata,
    ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'other', uid, controller: true }],
  },
});

/** As a backup leaves it: made for the server of this name that is gone. */
const left = (object: KubeObject) => {
  const [owner] = object.metadata.ownerReferences ?? [];
  const ownerReferences = owner === undefined ? [] : [{ ...owner, uid: 'server-uid-of-last-week' }];
  return { ...object, metadata: { ...object.metadata, ownerReferences } };
};

const withData = (data: Record<string, string>) => (object: KubeObject) =>
  ({ ...object, data }) as KubeObject;

function other(namespace: string, created: string, resource?: string): ServerObject {
  return serverObject((server) => {
    Object.assign(server.metadata, {
      name: 'other',
      namespace,
      uid: 'other-uid',
      creationTimestamp: created,
    });
    if (resource !== undefined) server.spec.protectedResourceMetadata.resource = resource;
  });
}

const withResource = (resource: string) => (server: ServerObject) => {
  server.metadata.creationTimestamp = '2026-11-02T00:00:00Z';
  server.spec.protectedResourceMetadata.resource = resource;
};

function nameOf({ kind, metadata }: KubeObject): string {
  return `${kind}/${metadata.name}`;
}

function summary(decision: Decision): Partial<Summary> {
  if (!('plan' in decision)) return { kind: decision.kind };
  const { plan } = decision;
  const { certificate } = plan;
  return {
    kind: decision.kind,
    apply: plan.apply.map(({ desired }) => nameOf(desired)),
    deployment: plan.deployment !== undefined,
    prune: plan.prune.map(nameOf),
    failure:
      plan.failure &&
      `${plan.failure.reason}: ${plan.failure.message.split(/ exists| \(container| is not/)[0]}`,
    certificate:
      certificate.source === 'issued'
        ? `${certificate.leaf !== undefined ? 'keep' : certificate.lost === undefined ? 'issue' : 'cannot issue'}, delivery ${certificate.delivery}`
        : certificate.source,
    refused:
      certificate.source === 'issued' && certificate.refused !== undefined
        ? `${certificate.refused.reason} ${certificate.refused.host}`
        : undefined,
  };
}

interface Row {
  readonly rule: string;
  readonly world: () => World;
  readonly then: Partial<Summary>;
}

const NOTHING = { kind: 'reconcile', apply: [], deployment: false, prune: [], failure: undefined } as const;
const QUIET = { ...NOTHING, certificate: 'keep, delivery none' } as const;

const ROWS: readonly Row[] = [
  {
    rule: 'a server that is gone is forgotten',
    world: () => fresh(undefined, { server: undefined, servers: [] }),
    then: { kind: 'forget' },
  },
  {
    rule: 'for a server that is being deleted nothing is made',
    world: () =>
      fresh(serverObject((server) => (server.metadata.deletionTimestamp = '2026-11-23T11:59:00Z'))),
    then: { kind: 'ignore' },
  },
  {
    rule: 'a server that is being deleted is ignored also while paused',
    world: () =>
      fresh(
        serverObject((server) => {
          server.metadata.deletionTimestamp = '2026-11-23T11:59:00Z';
          server.metadata.annotations = { [PAUSED_ANNOTATION]: 'true' };
        }),
      ),
    then: { kind: 'ignore' },
  },
  {
    rule: 'a paused server only gets its status',
    world: () => changed((server) => (server.metadata.annotations = { [PAUSED_ANNOTATION]: 'true' })),
    then: { kind: 'pause' },
  },
  ...['yes', 'True', '1', '', 'until Monday'].map((value) => ({
    rule: `a pause annotation pauses, unless it says no: "${value}"`,
    world: () => changed((server) => (server.metadata.annotations = { [PAUSED_ANNOTATION]: value })),
    then: { kind: 'pause' } as const,
  })),
  ...['false', 'False', 'no', 'off', '0'].map((value) => ({
    rule: `a pause annotation that says no pauses nothing: "${value}"`,
    world: () => changed((server) => (server.metadata.annotations = { [PAUSED_ANNOTATION]: value })),
    then: QUIET,
  })),
  {
    rule: 'a new server gets every object, and the Deployment apart from the rest',
    world: () => fresh(),
    then: { ...NOTHING, apply: SUPPORTS, deployment: true },
  },
  {
    rule: 'the first delivery of a certificate is unforced',
    world: () => fresh(),
    then: { certificate: 'issue, delivery first' },
  },
  { rule: 'a world that is as desired is left alone', world: () => settled(), then: QUIET },
  {
    rule: 'what the API server added is no difference',
    world: () =>
      drifted('Service/echo', (object) => ({
        ...object,
        metadata: { ...object.metadata, resourceVersion: '7' },
        status: { loadBalancer: {} },
      })),
    then: QUIET,
  },
  {
    rule: 'a deleted object is made again',
    world: () => drifted('Service/echo', () => undefined),
    then: { ...QUIET, apply: ['Service/echo'] },
  },
  {
    rule: 'a changed object is put right',
    world: () => drifted('ConfigMap/echo-sidecar', withData({ 'config.json': '{}' })),
    then: { ...QUIET, apply: ['ConfigMap/echo-sidecar'] },
  },
  {
    rule: 'a deleted Deployment is made again',
    world: () => drifted('Deployment/echo', () => undefined),
    then: { ...QUIET, deployment: true },
  },
  {
    rule: 'an object without its digest is applied again: a field may be left that is no longer desired',
    world: () =>
      drifted('Service/echo', (object) => ({ ...object, metadata: { ...object.metadata, annotations: {} } })),
    then: { ...QUIET, apply: ['Service/echo'] },
  },
  {
    rule: 'a change of the sidecar’s configuration leaves the Deployment alone',
    world: () => changed((server) => (server.spec.authentication.clockSkew = '7s')),
    then: { ...QUIET, apply: ['ConfigMap/echo-sidecar'], deployment: false },
  },
  {
    rule: 'a change of the image changes the Deployment alone',
    world: () => changed((server) => (server.spec.server.image = 'echo:2')),
    then: { ...QUIET, deployment: true },
  },
  {
    rule: 'another sidecar of the operator changes the Deployment alone, of which nothing is known',
    world: () => settled(undefined, { newest: versionOf('sidecar:2') }),
    then: { ...QUIET, deployment: true },
  },
  {
    rule: 'a second replica gets a PodDisruptionBudget',
    world: () =>
      changed(
        (server) => (server.spec.replicas = 2),
        (server) => (server.spec.replicas = 1),
      ),
    then: { ...QUIET, apply: ['PodDisruptionBudget/echo'], deployment: true },
  },
  {
    rule: 'with one replica the PodDisruptionBudget is pruned',
    world: () =>
      changed(
        (server) => (server.spec.replicas = 1),
        (server) => (server.spec.replicas = 2),
      ),
    then: { ...QUIET, deployment: true, prune: ['PodDisruptionBudget/echo'] },
  },
  {
    rule: 'a pod that may not be made keeps the Deployment from being made, and nothing else',
    world: () => fresh(serverObject((server) => (server.spec.server.securityContext = { privileged: true }))),
    then: {
      ...QUIET,
      apply: SUPPORTS,
      certificate: 'issue, delivery first',
      failure: PRIVILEGED,
    },
  },
  {
    rule: 'a running server stays as it is when the level is tightened',
    world: () => {
      const server = serverObject((object) => (object.spec.server.securityContext = { runAsUser: 0 }));
      const before = settled(server, {}, { ...PERMITTED, podSecurity: 'baseline' });
      return { ...before, permitted: PERMITTED };
    },
    then: { ...QUIET, failure: ROOT },
  },
  {
    rule: 'and what guards its pods is still put right',
    world: () => {
      const server = serverObject((object) => (object.spec.server.securityContext = { runAsUser: 0 }));
      const { existing, ...before } = settled(server, {}, { ...PERMITTED, podSecurity: 'baseline' });
      const left = existing.filter(({ kind }) => kind !== 'NetworkPolicy' && kind !== 'Deployment');
      return { ...before, existing: left, permitted: PERMITTED };
    },
    then: { ...QUIET, apply: ['NetworkPolicy/echo'], failure: ROOT },
  },
  {
    rule: 'a Service that is no longer allowed stays, and is not written',
    world: () => {
      const server = serverObject((object) => (object.spec.service.type = 'LoadBalancer'));
      const before = settled(server, {}, { ...PERMITTED, serviceTypes: ['LoadBalancer'] });
      return { ...before, permitted: PERMITTED };
    },
    then: { ...QUIET, failure: 'ServiceNotAllowed: spec.service.type: LoadBalancer' },
  },
  {
    rule: 'a Service that is not allowed is not made',
    world: () => fresh(serverObject((server) => (server.spec.service.type = 'NodePort'))),
    then: {
      ...QUIET,
      apply: without('Service/echo'),
      certificate: 'issue, delivery first',
      failure: 'ServiceNotAllowed: spec.service.type: NodePort',
    },
  },
  {
    rule: 'when an autoscaler sets replicas, the PodDisruptionBudget follows and nothing else',
    world: () =>
      drifted('Deployment/echo', (object) => ({
        ...object,
        spec: { ...(object as KubeObject & { spec: object }).spec, replicas: 7 },
      })),
    then: { ...QUIET, apply: ['PodDisruptionBudget/echo'] },
  },
  {
    rule: 'isolation None prunes the NetworkPolicy',
    world: () => changed((server) => (server.spec.network.isolation = 'None')),
    then: { ...QUIET, prune: ['NetworkPolicy/echo'] },
  },
  {
    rule: 'an object that belongs to another owner is not pruned',
    world: () => {
      const world = changed((server) => (server.spec.network.isolation = 'None'));
      const existing = world.existing.map((object) =>
        object.kind === 'NetworkPolicy' ? ownedBy('other-uid')(object) : object,
      );
      return { ...world, existing };
    },
    then: { ...QUIET, prune: [] },
  },
  {
    rule: 'a name that another owner has is a failure, and not applied over',
    world: () => drifted('ConfigMap/echo-sidecar', ownedBy('other-uid')),
    then: { ...QUIET, failure: 'ObjectNotOwned: ConfigMap demo/echo-sidecar' },
  },
  {
    rule: 'what was made for an earlier server of the name is taken over, and its certificate delivered again',
    world: () => {
      const world = settled(undefined, { leaf: undefined });
      return { ...world, existing: world.existing.map(left) };
    },
    then: {
      ...NOTHING,
      apply: [
        'ServiceAccount/echo',
        'ConfigMap/echo-sidecar',
        'ConfigMap/echo-ca',
        'Service/echo',
        'NetworkPolicy/echo',
      ],
      deployment: true,
      certificate: 'issue, delivery again',
    },
  },
  {
    rule: 'what was made for an earlier server of the name and is not wanted is deleted',
    world: () => {
      const world = changed((server) => (server.spec.network.isolation = 'None'));
      const existing = world.existing.map((object) =>
        object.kind === 'NetworkPolicy' ? left(object) : object,
      );
      return { ...world, existing };
    },
    then: { ...QUIET, prune: ['NetworkPolicy/echo'] },
  },
  {
    rule: 'a Deployment of another owner is another’s',
    world: () => drifted('Deployment/echo', ownedBy('other-uid')),
    then: { ...QUIET, deployment: false, failure: 'ObjectNotOwned: Deployment demo/echo' },
  },
  {
    rule: 'what is missing is applied also when another name is taken',
    world: () => {
      const world = drifted('ConfigMap/echo-sidecar', ownedBy('other-uid'));
      return { ...world, existing: world.existing.filter(({ kind }) => kind !== 'Service') };
    },
    then: { apply: ['Service/echo'], failure: 'ObjectNotOwned: ConfigMap demo/echo-sidecar' },
  },
  {
    rule: 'a certificate in its last third is renewed, and delivered again',
    world: () => settled(undefined, { leaf: delivered(oldLeaf, NOW) }),
    then: { ...NOTHING, certificate: 'issue, delivery again' },
  },
  {
    rule: 'a certificate of another authority is replaced',
    world: () => settled(undefined, { leaf: delivered(strangeLeaf, NOW) }),
    then: { ...NOTHING, certificate: 'issue, delivery again' },
  },
  {
    rule: 'a certificate with a host that is not the server’s any more is replaced',
    world: () => settled(undefined, { leaf: delivered(widerLeaf, NOW) }),
    then: { ...NOTHING, certificate: 'issue, delivery again' },
  },
  {
    rule: 'another resource host asks for another certificate',
    world: () => changed(withResource('https://echo.example.com/mcp')),
    then: { apply: ['ConfigMap/echo-sidecar'], certificate: 'issue, delivery again' },
  },
  {
    rule: 'after a restart the certificate is delivered again: the Secret may be gone',
    world: () => settled(undefined, { leaf: delivered(leaf, undefined) }),
    then: { ...NOTHING, certificate: 'keep, delivery again' },
  },
  {
    rule: 'within half a resync it is not delivered again',
    world: () => settled(undefined, { leaf: delivered(leaf, NOW - 29_000) }),
    then: QUIET,
  },
  {
    rule: 'after half a resync it is',
    world: () => settled(undefined, { leaf: delivered(leaf, NOW - 30_000) }),
    then: { ...NOTHING, certificate: 'keep, delivery again' },
  },
  {
    rule: 'a certificate that the user brings is the user’s: none is issued, and no authority published',
    world: () => fresh(serverObject((server) => (server.spec.tls = { secretName: 'mine' }))),
    then: { ...NOTHING, apply: without('ConfigMap/echo-ca'), deployment: true, certificate: 'secret' },
  },
  {
    rule: 'the published authority is pruned when the user brings a certificate',
    world: () => changed((server) => (server.spec.tls = { secretName: 'mine' })),
    then: { ...NOTHING, deployment: true, prune: ['ConfigMap/echo-ca'], certificate: 'secret' },
  },
  {
    rule: 'an issuerRef asks cert-manager',
    world: () =>
      fresh(serverObject((server) => (server.spec.tls = { issuerRef: { kind: 'Issuer', name: 'ca' } }))),
    then: {
      apply: [
        'ServiceAccount/echo',
        'ConfigMap/echo-sidecar',
        'Certificate/echo-tls',
        'Service/echo',
        'NetworkPolicy/echo',
      ],
      deployment: true,
      failure: undefined,
      certificate: 'cert-manager',
    },
  },
  {
    rule: 'without cert-manager its Certificate is left out, and the rest is applied',
    world: () =>
      fresh(
        serverObject((server) => (server.spec.tls = { issuerRef: { kind: 'Issuer', name: 'ca' } })),
        {
          certManager: false,
        },
      ),
    then: { ...NOTHING, apply: without('ConfigMap/echo-ca'), deployment: true, certificate: 'cert-manager' },
  },
  {
    rule: 'a Certificate of cert-manager is pruned when the operator issues again',
    world: () => {
      const world = settled();
      const [template] = world.existing;
      assert.ok(template);
      const { apiVersion, kind } = CERTIFICATES;
      const certificate = { apiVersion, kind, metadata: { ...template.metadata, name: 'echo-tls' } };
      return { ...world, existing: [...world.existing, certificate] };
    },
    then: { ...QUIET, prune: ['Certificate/echo-tls'] },
  },
  {
    rule: 'a host inside the cluster that is not the server’s own Service is refused',
    world: () => fresh(serverObject(withResource('https://vault.bank.svc:8001/mcp'))),
    then: { refused: 'HostNotAllowed vault.bank.svc', apply: SUPPORTS, deployment: true },
  },
  {
    rule: 'a host that a server of another namespace has in its certificate is refused, also to an older server',
    world: () => {
      const server = serverObject(withResource('https://mcp.example.com/mcp'));
      const newer = other('elsewhere', '2026-11-03T00:00:00Z', 'https://mcp.example.com/other');
      return fresh(server, { servers: [server, newer], holders: [objectKey(newer)] });
    },
    then: { refused: 'HostInUse mcp.example.com' },
  },
  {
    rule: 'a host that a server of another namespace names, and does not have, is not refused',
    world: () => {
      const server = serverObject(withResource('https://mcp.example.com/mcp'));
      const older = other('elsewhere', '2026-11-01T00:00:00Z', 'https://mcp.example.com/other');
      return fresh(server, { servers: [server, older] });
    },
    then: { refused: undefined },
  },
  {
    rule: 'a new bundle is delivered at once, with the same certificate',
    world: () => settled(undefined, { leaf: delivered(leaf, NOW, 'an older bundle') }),
    then: { certificate: 'keep, delivery again' },
  },
  {
    rule: 'during a rotation a certificate of the authority before stays',
    world: () => {
      const signers = [authority.certificate, strange.certificate];
      const bundle = signers.join('');
      const view = { bundle, signers, lost: undefined };
      return settled(undefined, { leaf: delivered(strangeLeaf, NOW), authority: view });
    },
    then: { certificate: 'keep, delivery again' },
  },
  {
    rule: 'without an authority the certificate that there is stays, also when it is due for renewal',
    world: () => settled(undefined, { leaf: delivered(oldLeaf, NOW), authority: LOST() }),
    then: { ...NOTHING, certificate: 'keep, delivery none' },
  },
  {
    rule: 'without an authority nothing is issued, and what clients trust is not taken from them',
    world: () => settled(undefined, { leaf: undefined, authority: { ...LOST(), bundle: '' } }),
    then: { ...NOTHING, certificate: 'cannot issue, delivery again' },
  },
  {
    rule: 'a certificate of which the record is gone is replaced: the Deployment says that it was delivered',
    world: () => settled(undefined, { leaf: undefined }),
    then: { ...NOTHING, certificate: 'issue, delivery again' },
  },
  {
    rule: 'a Secret that a Deployment had before from its user is not taken for a delivered one',
    world: () => {
      const before = settled(
        serverObject((server) => (server.spec.tls = { secretName: 'echo-tls' })),
        {
          leaf: undefined,
        },
      );
      const server = serverObject();
      return { ...before, server, servers: [server] };
    },
    then: { certificate: 'issue, delivery first' },
  },
  {
    rule: 'two servers of one namespace may share a host',
    world: () => {
      const server = serverObject(withResource('https://mcp.example.com/mcp'));
      const older = other('demo', '2026-11-01T00:00:00Z', 'https://mcp.example.com/other');
      return fresh(server, { servers: [server, older] });
    },
    then: { refused: undefined },
  },
];

describe('decide', () => {
  for (const { rule, world, then } of ROWS) {
    it(rule, () => {
      const given = world();
      const found = summary(decide(Object.freeze(given)));
      assert.deepEqual(
        Object.fromEntries(Object.keys(then).map((member) => [member, found[member as keyof Summary]])),
        then,
      );
    });
  }

  it('leaves the certificate that is to be issued out of every object but the authority’s', () => {
    const { plan } = decide(fresh()) as Extract<Decision, { kind: 'reconcile' }>;
    const published = plan.apply.find(({ desired }) => nameOf(desired) === 'ConfigMap/echo-ca')?.desired;
    assert.deepEqual((published as KubeObject & { data: unknown }).data, { 'ca.crt': authority.certificate });
    assert.ok(plan.apply.every(({ desired }) => desired.kind !== 'Secret'));
  });

  it('says the same of the same world', () => {
    const world = fresh();
    assert.deepEqual(decide(world), decide(world));
  });
});
