// What a resource may not ask for: every control of the Pod Security Standards, the sidecar's keys, and Services that publish.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { desired } from '../../../src/desired/index.ts';
import { POD_SECURITY_LEVELS } from '../../../src/desired/pod-security/level.ts';
import { podViolations } from '../../../src/desired/pod-security/pod.ts';
import { refusal, type Permitted } from '../../../src/operator/refusal.ts';
import { sample, setField, validServer } from '../../support/manifests.ts';
import { PERMITTED } from '../../support/operator-inputs.ts';
import { podFields, unknownPodFields, type PodFields } from '../../support/pod-fields.ts';

function refused(
  fields: PodFields['fields'],
  permitted: Partial<Permitted> = {},
  from: 'echo' | 'full' = 'echo',
) {
  const object = sample(from);
  for (const [path, value] of Object.entries(fields)) setField(object, path, value);
  const objects = desired({ server: validServer(object), sidecarImage: 'sidecar:1' });
  return refusal(objects, { ...PERMITTED, ...permitted });
}

describe('pod fields', () => {
  for (const level of POD_SECURITY_LEVELS)
    for (const { name, fields, message, ...levels } of [...podFields, ...unknownPodFields]) {
      const isTaken = level === 'unrestricted' || levels[level];
      it(`at ${level}, ${isTaken ? 'takes' : 'refuses'}: ${name}`, () => {
        const found = refused(fields, { podSecurity: level });
        if (isTaken) return assert.equal(found, undefined);
        assert.equal(found?.failure.reason, 'PodSecurityViolation');
        assert.match(found.failure.message, new RegExp(`^violates PodSecurity "${level}": spec\\.`));
        if (message !== undefined) assert.match(found.failure.message, message);
        assert.deepEqual(found.withheld, ['Deployment']);
      });
    }

  it('are all named, each with its path', () => {
    const context = { privileged: true, runAsUser: 0 };
    const found = refused({
      'spec.server.securityContext': context,
      'spec.podTemplate.volumes': [{ name: 'root', hostPath: { path: '/' } }],
    });
    for (const path of [
      /securityContext\.privileged: /,
      /securityContext\.runAsUser: /,
      /volumes\[name=root\]\.hostPath: /,
    ])
      assert.match(found?.failure.message ?? '', path);
  });
});

describe('a pod as it is desired', () => {
  const template = (change: (spec: Record<string, unknown>) => void) => {
    const objects = desired({ server: validServer(sample('echo')), sidecarImage: 'sidecar:1' });
    const { spec } = objects.find(({ kind }) => kind === 'Deployment') as unknown as {
      spec: { template: { spec: Record<string, unknown> } };
    };
    const copy = structuredClone(spec.template);
    change(copy.spec);
    return copy;
  };

  it('passes at every level', () => {
    for (const level of POD_SECURITY_LEVELS)
      assert.deepEqual(
        podViolations(
          template(() => {}),
          level,
        ),
        [],
      );
  });

  for (const [field, value] of [
    ['hostNetwork', true],
    ['hostPID', true],
    ['hostIPC', true],
    ['hostUsers', false],
    ['nodeName', 'control-plane'],
    ['priorityClassName', 'system-node-critical'],
    ['runtimeClassName', 'privileged'],
    ['initContainers', [{ name: 'x', image: 'x' }]],
    ['ephemeralContainers', [{ name: 'x', image: 'x' }]],
    ['securityContext', { sysctls: [{ name: 'kernel.msgmax', value: '1' }] }],
    ['shareProcessNamespace', true],
    ['resourceClaims', [{ name: 'gpu' }]],
  ] as const)
    it(`has no place for ${field}`, () => {
      const found = podViolations(
        template((spec) => (spec[field] = value)),
        'baseline',
      );
      assert.deepEqual(
        found.map(({ path }) => path),
        [`spec.podTemplate.${field}`],
      );
    });

  for (const [field, value] of [
    ['volumeDevices', [{ name: 'x', devicePath: '/dev/x' }]],
    ['ports', [{ containerPort: 80, hostPort: 80 }]],
    ['stdin', true],
    ['lifecycle', { preStop: { httpGet: { host: '10.0.0.1', port: 80 } } }],
    ['lifecycle', { postStart: { tcpSocket: { host: '10.0.0.1', port: 80 } } }],
    ['restartPolicy', 'Always'],
  ] as const)
    it(`has no container with ${field} ${JSON.stringify(value)}`, () => {
      const found = podViolations(
        template((spec) => Object.assign((spec['containers'] as object[])[0]!, { [field]: value })),
        'baseline',
      );
      assert.match(found[0]?.path ?? '', new RegExp(`^spec\\.server\\.${field}`));
    });
});

describe("the sidecar's private keys", () => {
  const tls = { secretName: 'echo-tls' };
  const rows: readonly [name: string, fields: PodFields['fields']][] = [
    ['its certificate as a volume', { 'spec.podTemplate.volumes': [{ name: 'v', secret: tls }] }],
    [
      'its key as an item',
      {
        'spec.podTemplate.volumes': [
          { name: 'v', secret: { ...tls, items: [{ key: 'tls.key', path: 'x' }] } },
        ],
      },
    ],
    [
      'its key, projected',
      {
        'spec.podTemplate.volumes': [
          {
            name: 'v',
            projected: { sources: [{ configMap: { name: 'x' } }, { secret: { name: 'echo-tls' } }] },
          },
        ],
      },
    ],
    [
      'its key as a variable',
      {
        'spec.server.env': [{ name: 'K', valueFrom: { secretKeyRef: { name: 'echo-tls', key: 'tls.key' } } }],
      },
    ],
    ['all its keys as variables', { 'spec.server.envFrom': [{ secretRef: { name: 'echo-tls' } }] }],
    [
      'the certificate of spec.tls',
      { 'spec.tls': { secretName: 'own' }, 'spec.server.envFrom': [{ secretRef: { name: 'own' } }] },
    ],
    [
      "cert-manager's",
      {
        'spec.tls': { issuerRef: { kind: 'Issuer', name: 'x' } },
        'spec.server.envFrom': [{ secretRef: { name: 'echo-cert-manager-tls' } }],
      },
    ],
    [
      'the key of the metadata',
      {
        'spec.protectedResourceMetadata.signedMetadata': { secretRef: { name: 'k', key: 'm.key' } },
        'spec.server.env': [{ name: 'K', valueFrom: { secretKeyRef: { name: 'k', key: 'm.key' } } }],
      },
    ],
    [
      'the key of identities',
      {
        'spec.authentication.identityAssertion': { header: 'X-Id', secretRef: { name: 'k' } },
        'spec.podTemplate.volumes': [{ name: 'v', secret: { secretName: 'k' } }],
      },
    ],
  ];
  for (const level of POD_SECURITY_LEVELS)
    for (const [name, fields] of rows)
      it(`at ${level}, stay out of the server: ${name}`, () => {
        const found = refused(fields, { podSecurity: level });
        assert.equal(found?.failure.reason, 'PodSecurityViolation');
        assert.match(found.failure.message, /^violates the sidecar's isolation: spec\..*private key/);
      });

  it("stay out of the server by the sidecar's own volume, in a resource older than the rule", () => {
    const server = validServer(sample('echo'));
    server.spec.server.volumeMounts = [{ name: 'protected-mcp-tls', mountPath: '/steal' }];
    const found = refusal(desired({ server, sidecarImage: 'sidecar:1' }), PERMITTED);
    assert.match(
      found?.failure.message ?? '',
      /spec\.server\.volumeMounts: the sidecar's own volume .*"protected-mcp-tls"/,
    );
  });

  for (const [name, fields] of [
    [
      'the authority of the same Secret',
      {
        'spec.podTemplate.volumes': [
          { name: 'v', secret: { secretName: 'echo-tls', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        ],
      },
    ],
    [
      'the public certificate',
      {
        'spec.server.env': [{ name: 'C', valueFrom: { secretKeyRef: { name: 'echo-tls', key: 'tls.crt' } } }],
      },
    ],
    [
      "another server's Secret: its namespace is the boundary",
      { 'spec.server.envFrom': [{ secretRef: { name: 'other' } }] },
    ],
    ['a ConfigMap of that name', { 'spec.server.envFrom': [{ configMapRef: { name: 'echo-tls' } }] }],
  ] as const)
    it(`are not these: ${name}`, () => assert.equal(refused(fields), undefined));
});

describe('Services', () => {
  const rows: readonly [name: string, fields: PodFields['fields'], message: RegExp][] = [
    [
      'a load balancer',
      { 'spec.service.type': 'LoadBalancer' },
      /^spec\.service\.type: LoadBalancer is not allowed, only ClusterIP/,
    ],
    ['a port of every node', { 'spec.service.type': 'NodePort' }, /^spec\.service\.type: NodePort/],
    ...[
      'external-dns.alpha.kubernetes.io/hostname',
      'service.beta.kubernetes.io/aws-load-balancer-internal',
      'tailscale.com/expose',
      'service.cilium.io/global',
      'networking.gke.io/load-balancer-type',
      'metallb.universe.tf/address-pool',
      'prometheus.iox/scrape',
    ].map((name): [string, PodFields['fields'], RegExp] => [
      `the annotation ${name}`,
      { 'spec.service.annotations': { [name]: 'x' } },
      new RegExp(`^spec\\.service\\.annotations: ${name} is not allowed`),
    ]),
  ];
  for (const [name, fields, message] of rows)
    it(`are refused by default: ${name}`, () => {
      const found = refused(fields);
      assert.equal(found?.failure.reason, 'ServiceNotAllowed');
      assert.match(found.failure.message, message);
      assert.deepEqual(found.withheld, ['Deployment', 'Service']);
    });

  for (const [name, fields, permitted] of [
    ['inside the cluster', {}, {}],
    [
      'with an annotation of the list',
      { 'spec.service.annotations': { 'prometheus.io/scrape': 'true' } },
      {},
    ],
    [
      'with one that is named in full',
      { 'spec.service.annotations': { 'a/b': 'x' } },
      { serviceAnnotations: ['a/b'] },
    ],
    [
      'with any, where all are listed',
      { 'spec.service.annotations': { 'a/b': 'x' } },
      { serviceAnnotations: ['*'] },
    ],
    [
      'of a type of the list',
      { 'spec.service.type': 'LoadBalancer' },
      { serviceTypes: ['ClusterIP', 'LoadBalancer'] },
    ],
  ] as const)
    it(`are made: ${name}`, () => assert.equal(refused(fields, permitted), undefined));

  for (const [field, value] of [
    ['externalIPs', ['192.0.2.53']],
    ['externalName', 'example.com'],
    ['loadBalancerIP', '192.0.2.53'],
    ['loadBalancerClass', 'example.com/public'],
    ['publishNotReadyAddresses', true],
    ['ports', [{ name: 'https', port: 8001, nodePort: 30443 }]],
  ] as const)
    it(`have no place for ${field}`, () => {
      const objects = desired({ server: validServer(sample('echo')), sidecarImage: 'sidecar:1' });
      const service = objects.find(({ kind }) => kind === 'Service');
      Object.assign(service?.['spec'] as object, { [field]: value });
      const found = refusal(objects, PERMITTED);
      assert.equal(found?.failure.reason, 'ServiceNotAllowed');
      assert.match(found.failure.message, new RegExp(`^spec\\.service\\.${field}.*unknown field`));
    });

  it('that publish a pod that may not be are not made either', () => {
    const found = refused({
      'spec.service.type': 'NodePort',
      'spec.server.securityContext': { privileged: true },
    });
    assert.equal(found?.failure.reason, 'PodSecurityViolation');
    assert.deepEqual(found.withheld, ['Deployment', 'Service']);
  });
});
