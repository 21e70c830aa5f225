// What the golden files show but do not explain: which object exists when, and what a user may change.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonObject, Manifest } from '../../../src/api/object.ts';
import { desired } from '../../../src/desired/index.ts';
import { sample, setField, validServer } from '../../support/manifests.ts';

function objectsWith(changes: Record<string, unknown> = {}): Manifest[] {
  const object = sample('full');
  for (const [field, value] of Object.entries(changes)) setField(object, field, value);
  return desired({ server: validServer(object), sidecarImage: 'sidecar:installed' });
}

function kinds(changes: Record<string, unknown>): string[] {
  return objectsWith(changes).map(({ kind }) => kind);
}

/** The value at a path of one object. */
function field(changes: Record<string, unknown>, kind: string, ...path: (string | number)[]): unknown {
  const object = objectsWith(changes).find((object) => object.kind === kind);
  return path.reduce<unknown>(
    (at, step) => (at as Record<string | number, unknown> | undefined)?.[step],
    object,
  );
}

const podSpec = ['spec', 'template', 'spec'] as const;

function containers(changes: Record<string, unknown> = {}): JsonObject[] {
  return field(changes, 'Deployment', ...podSpec, 'containers') as JsonObject[];
}

describe('which objects there are', () => {
  const own = { 'spec.podTemplate.serviceAccountName': undefined };
  it('all, in the order in which they are applied', () => {
    assert.deepEqual(kinds(own), [
      'ServiceAccount',
      'ConfigMap',
      'Certificate',
      'Service',
      'NetworkPolicy',
      'PodDisruptionBudget',
      'Deployment',
    ]);
  });
  it('no ServiceAccount when the user names one', () => assert.ok(!kinds({}).includes('ServiceAccount')));
  it('no NetworkPolicy without isolation', () => {
    assert.ok(!kinds({ 'spec.network.isolation': 'None' }).includes('NetworkPolicy'));
  });
  for (const replicas of [undefined, 0, 1]) {
    it(`no PodDisruptionBudget with replicas ${replicas}, where it would block every drain`, () => {
      assert.ok(!kinds({ 'spec.replicas': replicas }).includes('PodDisruptionBudget'));
    });
  }
});

describe('the keys that the sidecar signs with', () => {
  const none = {
    'spec.protectedResourceMetadata.signedMetadata': undefined,
    'spec.authentication.identityAssertion': undefined,
  };
  const signing = (changes: Record<string, unknown>) =>
    JSON.stringify(field(changes, 'Deployment', ...podSpec)).match(/protected-mcp-signing-\w+/g) ?? [];

  it('are mounted in the sidecar, each from its own Secret, and only there', () => {
    const [server, sidecar] = containers();
    assert.ok(!JSON.stringify(server).includes('signing'));
    for (const use of ['metadata', 'identity']) {
      assert.ok(JSON.stringify(sidecar).includes(`/etc/protected-mcp/signing/${use}`));
    }
  });

  it('are not there when nothing is signed', () => assert.deepEqual(signing(none), []));

  it('come one by one', () => {
    const only = { 'spec.protectedResourceMetadata.signedMetadata': undefined };
    assert.deepEqual([...new Set(signing(only))], ['protected-mcp-signing-identity']);
  });
});

describe('the Deployment', () => {
  it('leaves replicas to autoscalers when the user does', () => {
    assert.deepEqual(
      Object.keys(field({ 'spec.replicas': undefined }, 'Deployment', 'spec') as object).sort(),
      ['selector', 'strategy', 'template'],
    );
  });

  it('has the same pods whatever the replicas, so that scaling restarts none', () => {
    const template = (replicas: number) =>
      field({ 'spec.replicas': replicas }, 'Deployment', 'spec', 'template');
    assert.deepEqual(template(1), template(5));
  });

  it('has the same pods whatever the sidecar is told, because it reloads its configuration', () => {
    const changes = { 'spec.authorization.requiredScopes': ['other'], 'spec.sidecar.logLevel': 'debug' };
    assert.deepEqual(
      field(changes, 'Deployment', 'spec', 'template'),
      field({}, 'Deployment', 'spec', 'template'),
    );
  });

  it("lets the user's labels stand beside, never instead of, those that select the pods", () => {
    const labels = field({}, 'Deployment', 'spec', 'template', 'metadata', 'labels') as Record<
      string,
      string
    >;
    const selector = field({}, 'Deployment', 'spec', 'selector', 'matchLabels') as Record<string, string>;
    assert.equal(labels['team'], 'tools');
    for (const [label, value] of Object.entries(selector)) assert.equal(labels[label], value);
  });

  it('gives no container a service-account token', () => {
    assert.equal(field({}, 'Deployment', ...podSpec, 'automountServiceAccountToken'), false);
  });

  it("mounts configuration, certificate and CA bundles in the sidecar's container only", () => {
    const [server, sidecar] = containers();
    assert.doesNotMatch(JSON.stringify(server), /protected-mcp-(config|tls|ca)|\/etc\/protected-mcp/);
    assert.match(JSON.stringify(sidecar), /protected-mcp-tls/);
  });
});

describe('both containers', () => {
  it('satisfy the Pod Security Standard restricted', () => {
    const plain = { 'spec.server.securityContext': undefined };
    for (const { securityContext } of containers(plain)) {
      const context = securityContext as Record<string, unknown>;
      assert.equal(context['runAsNonRoot'], true);
      assert.equal(context['allowPrivilegeEscalation'], false);
      assert.deepEqual(context['capabilities'], { drop: ['ALL'] });
      assert.deepEqual(context['seccompProfile'], { type: 'RuntimeDefault' });
    }
  });

  it('wait before they stop, the server until the sidecar has drained', () => {
    const seconds = containers().map(
      ({ lifecycle }) => (lifecycle as { preStop: { sleep: { seconds: number } } }).preStop.sleep.seconds,
    );
    assert.deepEqual(seconds, [30, 5]);
    assert.ok((field({}, 'Deployment', ...podSpec, 'terminationGracePeriodSeconds') as number) > 30);
  });
});

describe('the server container', () => {
  const env = (changes: Record<string, unknown>) =>
    containers(changes)[0]?.['env'] as { name: string; value: string }[];

  it('is told to listen on loopback', () => {
    assert.deepEqual(env({ 'spec.server.env': undefined, 'spec.server.port': 3000 }), [
      { name: 'HOST', value: '127.0.0.1' },
      { name: 'PORT', value: '3000' },
    ]);
  });

  it('has each variable once, with the value of the user', () => {
    const given = [{ name: 'PORT', value: '1' }];
    assert.deepEqual(env({ 'spec.server.env': given }), [{ name: 'HOST', value: '127.0.0.1' }, ...given]);
  });

  it('takes single security settings from the user and keeps the others', () => {
    const [server] = containers({ 'spec.server.securityContext': { runAsNonRoot: false } });
    const context = server?.['securityContext'] as Record<string, unknown>;
    assert.equal(context['runAsNonRoot'], false);
    assert.equal(context['allowPrivilegeEscalation'], false);
  });
});

describe('the sidecar container', () => {
  for (const image of [undefined, '']) {
    it(`runs the installed image when the user's is ${JSON.stringify(image)}`, () => {
      assert.equal(containers({ 'spec.sidecar.image': image })[1]?.['image'], 'sidecar:installed');
    });
  }
  it('runs the image of the user', () => {
    assert.equal(containers({ 'spec.sidecar.image': 'mine:1' })[1]?.['image'], 'mine:1');
  });
});

describe('the NetworkPolicy', () => {
  it('admits anyone to the public port when no peers are named', () => {
    assert.deepEqual(field({ 'spec.network.ingressFrom': [] }, 'NetworkPolicy', 'spec', 'ingress', 0), {
      ports: [{ protocol: 'TCP', port: 8001 }],
    });
  });
  it('admits no pod to the admin port when no peers are named', () => {
    assert.doesNotMatch(JSON.stringify(field({}, 'NetworkPolicy', 'spec', 'ingress')), /9001/);
  });
  it('admits the named peers alone to the admin port, whoever may use the public one', () => {
    const adminIngressFrom = [{ podSelector: { matchLabels: { a: 'b' } } }];
    const server = validServer(sample('echo'));
    const policy = desired({ server, sidecarImage: 'x', adminIngressFrom }).find(
      ({ kind }) => kind === 'NetworkPolicy',
    );
    const { ingress } = policy?.['spec'] as { ingress: object[] };
    assert.deepEqual(ingress[1], { ports: [{ protocol: 'TCP', port: 9001 }], from: adminIngressFrom });
    assert.equal(ingress.length, 2);
  });
  it("never names the server's own port", () => {
    assert.doesNotMatch(JSON.stringify(field({}, 'NetworkPolicy', 'spec', 'ingress')), /8000/);
  });
});
