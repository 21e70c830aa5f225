// Whatever one object holds, the operator decides about that object and goes on with the others. Resources come from the
// CRD's schema at random, accepted ones and ones that were stored before a rule existed; children as hands leave them.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import fc from 'fast-check';
import type { ProtectedMcpServer } from '../../../src/api/protected-mcp-server.gen.ts';
import { stubOf } from '../../../src/kube/budget.ts';
import type { AuthorityView } from '../../../src/operator/authority-keeper.ts';
import { decide, type Decision } from '../../../src/operator/decide.ts';
import { coversHosts, LeafCertificates, type Leaf } from '../../../src/operator/leaf-certificates.ts';
import { CHILD_KINDS, type Pod, type ServerObject } from '../../../src/operator/kinds.ts';
import { podState, probeTargets } from '../../../src/operator/pods.ts';
import { statusOf } from '../../../src/operator/report.ts';
import { versionOf } from '../../../src/operator/revision.ts';
import type { World } from '../../../src/operator/world.ts';
import { authorityCertificate, generateKey } from '../../../src/pki/x509.ts';
import { parseConfig } from '../../../src/sidecar/config/config.ts';
import { acceptedServers, hostileUrls, storedServers } from '../../support/crd-values.ts';
import { EVERY_ROW } from '../../kit/selection.ts';
import { checkServer, sample, setField } from '../../support/manifests.ts';
import { NOW, PERMITTED, pod, serverObject } from '../../support/operator-inputs.ts';

const DAY_MS = 86_400_000;

let leaves: LeafCertificates;
let leaf: Leaf;
let view: AuthorityView;

before(async () => {
  const key = await generateKey();
  const validity = { notBefore: new Date(NOW - DAY_MS), notAfter: new Date(NOW + 3650 * DAY_MS) };
  const certificate = await authorityCertificate(key, { commonName: 'test', ...validity });
  const client = {} as never; // nothing is stored here
  const authority = { certificate, key };
  leaves = new LeafCertificates({ client, namespace: 'system', clock: () => NOW, signer: () => authority });
  view = { bundle: certificate, signers: [certificate], lost: undefined };
  leaf = await leaves.issue('demo/echo', ['echo.demo.svc'], []);
});

function world(server: ProtectedMcpServer, changes: Partial<World> = {}): World {
  const object = server as ServerObject; // as the API server would have it
  return {
    now: NOW,
    server: object,
    servers: [object],
    existing: [],
    leaf: undefined,
    authority: view,
    holders: [],
    hostRules: { localhost: true, byNamespace: [{ namespace: '*', hosts: ['*.example.com'] }] },
    pods: [pod()],
    adminIngressFrom: [],
    permitted: PERMITTED,
    contender: undefined,
    newest: versionOf('sidecar:1'),
    hasTurn: false,
    certManager: true,
    ...changes,
  };
}

/** The decision and the conditions that come of it, as a pass over the server would have them. */
function pass(given: World): { decision: Decision; accepted: string; message: string } {
  const decision = decide(given);
  const failure = decision.kind === 'refuse' ? decision.why.failure : undefined;
  const next = statusOf(given, decision, { failure, leaf, deployment: undefined });
  const found = next?.conditions?.find(({ type }) => type === 'Accepted');
  assert.ok(found, 'there is a status');
  return { decision, accepted: `${found.status} ${found.reason}`, message: found.message };
}

function configOf(decision: Decision): unknown {
  assert.equal(decision.kind, 'reconcile');
  const { plan } = decision;
  const configMap = plan.apply.find(({ desired }) => desired.metadata.name?.endsWith('-sidecar'));
  const { data } = configMap?.desired as unknown as { data: Record<string, string> };
  return JSON.parse(data['config.json'] ?? '');
}

const runs = { numRuns: EVERY_ROW ? 300 : 50 };

describe('a resource that the CRD accepts', () => {
  it('is reconciled, with a configuration that its sidecar accepts', () => {
    fc.assert(
      fc.property(acceptedServers, (server) => {
        const { decision, accepted, message } = pass(world(server));
        assert.equal(accepted, 'True Accepted', message);
        parseConfig(configOf(decision), 'config.json');
      }),
      runs,
    );
  });

  const PATHS = [
    'spec.protectedResourceMetadata.resource',
    'spec.authentication.issuers[0].issuer',
    'spec.authentication.issuers[0].jwks.uri',
    'spec.authentication.issuers[1].introspection.endpoint',
  ];
  for (const path of PATHS) {
    it(`never has a URL that cannot work in ${path}`, () => {
      for (const url of hostileUrls) {
        const server = sample('full');
        setField(server, path, url);
        Object.assign(server['metadata'] as object, { namespace: 'demo', uid: 'uid', generation: 1 });
        if (checkServer(server).length > 0) continue;
        const { decision } = pass(world(server as unknown as ProtectedMcpServer));
        parseConfig(configOf(decision), url);
      }
    });
  }

  it('gets a certificate that covers its hosts, so that it is not issued for ever', async () => {
    for (const url of hostileUrls) {
      const server = sample('echo');
      setField(server, PATHS[0] ?? '', url);
      Object.assign(server['metadata'] as object, { namespace: 'demo', uid: 'uid', generation: 1 });
      if (checkServer(server).length > 0) continue;
      const decision = decide(world(server as unknown as ProtectedMcpServer));
      assert.ok(decision.kind === 'reconcile' && decision.plan.certificate.source === 'issued', url);
      const { hosts } = decision.plan.certificate;
      assert.ok(coversHosts(await leaves.issue('demo/echo', hosts, []), hosts), url);
    }
  });
});

describe('a resource that was stored before a rule existed', () => {
  it('is reconciled, or refused with a condition that names the field', () => {
    fc.assert(
      fc.property(storedServers, (server) => {
        const { decision, accepted, message } = pass(world(server));
        if (decision.kind !== 'refuse') return;
        assert.equal(accepted, 'False Invalid');
        assert.match(message, /^spec/);
      }),
      runs,
    );
  });

  it('changes nothing in what is decided about another', () => {
    const good = serverObject((server) => (server.metadata.uid = 'good-uid'));
    const alone = JSON.stringify(decide(world(good)));
    fc.assert(
      fc.property(fc.array(storedServers, { maxLength: 3 }), (others) => {
        const elsewhere = others.map((server, index) => ({
          ...server,
          metadata: { ...server.metadata, namespace: 'elsewhere', name: `other-${index}` },
        }));
        for (const server of elsewhere) delete server.spec?.protectedResourceMetadata?.resource;
        const together = decide(world(good, { servers: [...elsewhere, good] as ServerObject[] }));
        assert.equal(JSON.stringify(together), alone);
      }),
      { numRuns: EVERY_ROW ? 100 : 25 },
    );
  });

  const ROWS: readonly [what: string, change: (server: ServerObject) => void, field: RegExp][] = [
    [
      'an address that is none',
      ({ spec }) => (spec.protectedResourceMetadata.resource = 'https://[1:2]/mcp'),
      /^spec\.protectedResourceMetadata\.resource: must be an absolute URL/,
    ],
    [
      'a resource over plain HTTP',
      ({ spec }) => (spec.protectedResourceMetadata.resource = 'http://echo/mcp'),
      /^spec\.protectedResourceMetadata\.resource: must start with https/,
    ],
    [
      'an issuer that is no URL',
      ({ spec }) => (spec.authentication.issuers[0]!.issuer = 'https://[.]'),
      /^spec\.authentication\.issuers\[0\]\.issuer: must be an absolute URL/,
    ],
    [
      'a key set that is no URL',
      ({ spec }) => (spec.authentication.issuers[0]!.jwks.uri = 'keys'),
      /^spec\.authentication\.issuers\[0\]\.jwks\.uri: must be an absolute URL/,
    ],
    ['no spec', (server) => Reflect.deleteProperty(server, 'spec'), /^spec: /],
    [
      'no authentication',
      ({ spec }) => Reflect.deleteProperty(spec, 'authentication'),
      /^spec\.authentication: /,
    ],
    [
      'issuers that are no list',
      ({ spec }) => Object.assign(spec.authentication, { issuers: 'https://idp.example.com' }),
      /^spec\.authentication\.issuers: /,
    ],
    [
      'a duration that is a number',
      ({ spec }) => Object.assign(spec.authentication, { clockSkew: 30 }),
      /^spec\.authentication\.clockSkew: /,
    ],
    [
      'peers that are null',
      ({ spec }) => Object.assign(spec.network, { ingressFrom: null }),
      /^spec\.network\.ingressFrom: /,
    ],
  ];
  for (const [what, change, field] of ROWS) {
    it(`is refused with the field: ${what}`, () => {
      const { decision, accepted, message } = pass(world(serverObject(change)));
      assert.equal(decision.kind, 'refuse');
      assert.equal(accepted, 'False Invalid');
      assert.match(message, field);
    });
  }
});

describe('a resource that its namespace has no room for', () => {
  it('is refused with its size', () => {
    const stub = stubOf(serverObject(), 2_000_000);
    const { decision, accepted, message } = pass(world(stub));
    assert.equal(decision.kind, 'refuse');
    assert.equal(accepted, 'False TooLarge');
    assert.match(message, /takes 1954 KiB/);
  });
});

describe('an object that was changed by hand', () => {
  const oddity = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constant(undefined));
  const kind = fc.constantFrom(...CHILD_KINDS.map((resource) => resource.kind));
  const child = fc
    .record({ kind, data: oddity, spec: oddity, status: oddity, owned: fc.boolean() })
    .map(({ owned, ...object }) => {
      const owner = { apiVersion: 'v1', kind: 'x', name: 'echo', uid: 'server-uid', controller: true };
      const metadata = { name: 'echo', namespace: 'demo', ...(owned && { ownerReferences: [owner] }) };
      return { apiVersion: 'v1', metadata, ...object };
    });

  it('has no part in whether its server gets a status', () => {
    fc.assert(
      fc.property(fc.array(child, { maxLength: 6 }), (existing) => {
        pass(world(serverObject(), { existing }));
      }),
      runs,
    );
  });

  it('is a pod without a status, or with parts of one', () => {
    const status = fc.record(
      {
        phase: fc.constantFrom('Running', 'Pending', ''),
        podIP: fc.constantFrom('10.0.0.1', ''),
        conditions: fc.constantFrom(undefined, [], [{ type: 'Ready' }]),
        containerStatuses: fc.constantFrom(undefined, [], [{}], [{ name: 'x', state: {} }]),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.option(status, { nil: undefined }), (given) => {
        const object = { apiVersion: 'v1', kind: 'Pod', metadata: { uid: 'x' }, status: given } as Pod;
        probeTargets(object, 8000);
        pass(world(serverObject(), { pods: [podState(object, undefined, undefined)] }));
      }),
      runs,
    );
  });
});
