// The operator's environment: what is read, and what is said when it is wrong.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readSettings, SettingsError } from '../../../src/operator/settings.ts';

const GOOD = { POD_NAMESPACE: 'protected-mcp-system', POD_NAME: 'operator-0', SIDECAR_IMAGE: 'sidecar:1' };

describe('settings', () => {
  it('have defaults for everything but where the operator runs', () => {
    const settings = readSettings(GOOD);
    assert.equal(settings.watchNamespaces, undefined);
    assert.equal(settings.leaderElection, true);
    assert.equal(settings.workers, 8);
  });

  it('read the hosts by namespace in the spelling that they are compared in', () => {
    const hosts = ['*.Apps.Example.com', 'mcp.example.com', '192.0.2.1', '2001:DB8:0::1', '[::1]'];
    const given = JSON.stringify([{ namespace: 'demo', hosts }]);
    assert.deepEqual(readSettings({ ...GOOD, CERTIFICATE_HOSTS: given }).hostRules, {
      localhost: true,
      byNamespace: [
        {
          namespace: 'demo',
          hosts: ['*.apps.example.com', 'mcp.example.com', '192.0.2.1', '2001:db8::1', '::1'],
        },
      ],
    });
  });

  for (const [given, expected] of [
    [undefined, { unit: 'percent', value: 10 }],
    ['', { unit: 'percent', value: 10 }],
    ['1', { unit: 'servers', value: 1 }],
    ['50', { unit: 'servers', value: 50 }],
    ['1%', { unit: 'percent', value: 1 }],
    ['100%', { unit: 'percent', value: 100 }],
  ] as const)
    it(`read how many servers may change at once: ${given}`, () => {
      const env = { ...GOOD, SIDECAR_ROLLOUT_MAX_CONCURRENT: given };
      assert.deepEqual(readSettings(env).maxConcurrent, expected);
    });

  it('split the watched namespaces', () => {
    assert.deepEqual(readSettings({ ...GOOD, WATCH_NAMESPACES: 'a, b' }).watchNamespaces, ['a', 'b']);
  });

  it('let resources have the least where nothing is said', () => {
    assert.deepEqual(readSettings(GOOD).permitted, {
      podSecurity: 'restricted',
      serviceTypes: ['ClusterIP'],
      serviceAnnotations: [],
    });
  });

  it("open the admin port to the operator's namespace where the chart names no peers, and to these alone where it does", () => {
    const own = {
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'protected-mcp-system' } },
    };
    assert.deepEqual(readSettings(GOOD).adminIngressFrom, [own]);
    const peers = [
      { podSelector: {}, namespaceSelector: { matchLabels: { a: 'b' } } },
      { ipBlock: { cidr: '192.0.2.0/24' } },
    ];
    assert.deepEqual(
      readSettings({ ...GOOD, ADMIN_INGRESS_FROM: JSON.stringify(peers) }).adminIngressFrom,
      peers,
    );
    assert.deepEqual(readSettings({ ...GOOD, ADMIN_INGRESS_FROM: '[]' }).adminIngressFrom, []);
  });

  it('split what Services may have', () => {
    const env = { SERVICE_TYPES: 'ClusterIP, LoadBalancer', SERVICE_ANNOTATIONS: 'a/*,b/c,*' };
    const { permitted } = readSettings({ ...GOOD, ...env });
    assert.deepEqual(permitted.serviceTypes, ['ClusterIP', 'LoadBalancer']);
    assert.deepEqual(permitted.serviceAnnotations, ['a/*', 'b/c', '*']);
  });

  it('report every problem at once', () => {
    const env = {
      POD_NAME: 'x',
      WATCH_NAMESPACES: 'Not A Name',
      LEADER_ELECTION: 'maybe',
      WORKERS: 'many',
      LOG_LEVEL: 'loud',
    };
    assert.throws(
      () => readSettings(env),
      (error: unknown) => {
        assert.ok(error instanceof SettingsError);
        for (const name of [
          'POD_NAMESPACE',
          'SIDECAR_IMAGE',
          'WATCH_NAMESPACES',
          'LEADER_ELECTION',
          'WORKERS',
          'LOG_LEVEL',
        ]) {
          assert.match(error.message, new RegExp(name));
        }
        return true;
      },
    );
  });

  const rows: readonly (readonly [variable: string, value: string | undefined, text: RegExp])[] = [
    ['POD_NAMESPACE', undefined, /POD_NAMESPACE: is not set/],
    ['SIDECAR_IMAGE', '', /SIDECAR_IMAGE: is not set/],
    ...['0', '-1', '1.5', '0%', '101%', '010%', '10 %', '%', 'half', '10%%', '1e3', '100000'].map(
      (value) =>
        [
          'SIDECAR_ROLLOUT_MAX_CONCURRENT',
          value,
          new RegExp(
            `SIDECAR_ROLLOUT_MAX_CONCURRENT: "${value}" must be a number of servers, 1 or more, or a percentage from 1% to 100%`,
          ),
        ] as const,
    ),
    ['POD_NAME', 'Operator_0', /POD_NAME: "Operator_0" is not a Kubernetes name/],
    ['WATCH_NAMESPACES', 'a,Not A Name', /WATCH_NAMESPACES: "Not A Name" is not a Kubernetes name/],
    ['LEADER_ELECTION', 'maybe', /LEADER_ELECTION: must be true or false/],
    ['WORKERS', '0', /WORKERS: must be a number from 1 to 64/],
    ['WORKERS', '1.5', /WORKERS: must be a number from 1 to 64/],
    ['POD_SECURITY', 'privileged', /POD_SECURITY: must be one of restricted, baseline, unrestricted/],
    ['POD_SECURITY', 'Restricted', /POD_SECURITY: must be one of/],
    ['SERVICE_TYPES', 'ClusterIP,ExternalName', /SERVICE_TYPES: must be one of ClusterIP, NodePort/],
    ['SERVICE_ANNOTATIONS', 'a b', /SERVICE_ANNOTATIONS: must be names of annotations/],
    ['SERVICE_ANNOTATIONS', '*/hostname', /SERVICE_ANNOTATIONS: must be names of annotations/],
    ['ADMIN_INGRESS_FROM', 'everyone', /ADMIN_INGRESS_FROM: must be a JSON list of peers/],
    ['ADMIN_INGRESS_FROM', '{}', /ADMIN_INGRESS_FROM: must be a JSON list of peers/],
    ['ADMIN_INGRESS_FROM', '[{}]', /ADMIN_INGRESS_FROM: must be a JSON list of peers/],
    ['ADMIN_INGRESS_FROM', '[{"from":{}}]', /ADMIN_INGRESS_FROM: must be a JSON list of peers/],
    ['ADMIN_INGRESS_FROM', '[{"podSelector":"x"}]', /ADMIN_INGRESS_FROM: must be a JSON list of peers/],
    ['CLAIM_EXPIRY_SECONDS', '0', /CLAIM_EXPIRY_SECONDS: must be a number from 1 to 86400/],
    ['LOG_LEVEL', 'loud', /LOG_LEVEL: must be one of debug, info, warn, error/],
    ['CERTIFICATE_HOSTS', 'demo=example.com', /CERTIFICATE_HOSTS: is not JSON/],
    ['CERTIFICATE_HOSTS', '{}', /CERTIFICATE_HOSTS: .*expected array/],
    ...(
      [
        ['*', /"\*" is neither a host name/],
        ['*.', /"\*\." is neither/],
        ['a.*.example.com', /is neither a host name/],
        ['example.com.', /is neither a host name/],
        ['https://example.com', /is neither a host name/],
        ['example.com:8001', /is neither a host name/],
        ['bücher.example', /"bücher\.example" is neither a host name in ASCII/],
        ['0x7f.1', /is neither a host name/],
        ['10.0.0.0/8', /is neither a host name/],
        ['', /is neither a host name/],
        ['*.bank.svc', /is a name of Services/],
        ['vault.bank.svc.cluster.local', /is a name of Services/],
        ['*.svc', /is a name of Services/],
      ] as const
    ).map(
      ([host, text]) =>
        ['CERTIFICATE_HOSTS', JSON.stringify([{ namespace: 'demo', hosts: [host] }]), text] as const,
    ),
    ['CERTIFICATE_HOSTS', '[{"namespace":"De*","hosts":[]}]', /"De\*" is neither a namespace nor \*/],
    ['CERTIFICATE_HOSTS', '[{"namespace":"demo","hosts":[],"host":"x"}]', /Unrecognized key/],
    [
      'CERTIFICATE_HOSTS',
      JSON.stringify([{ namespace: '*', hosts: Array.from({ length: 201 }, (_, n) => `h${n}.example.com`) }]),
      /may have at most 200 hosts/,
    ],
    ['CERTIFICATE_LOCALHOST', 'yes', /CERTIFICATE_LOCALHOST: must be true or false/],
    ['AUTHORITY_OVERLAP', '7d', /AUTHORITY_OVERLAP: must be a duration such as 168h/],
    ['HEALTH_PORT', '65536', /HEALTH_PORT: must be a number from 0 to 65535/],
  ];
  for (const [variable, value, text] of rows) {
    it(`refuse ${variable}=${value}`, () => {
      assert.throws(() => readSettings({ ...GOOD, [variable]: value }), text);
    });
  }

  it('take an empty variable for one that is not set', () => {
    const empty = { WATCH_NAMESPACES: '', LEASE_NAME: '', WORKERS: '', LOG_LEVEL: '' };
    assert.deepEqual(readSettings({ ...GOOD, ...empty }), readSettings(GOOD));
  });
});
