// Which names the shared authority certifies for whom.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { X509Certificate } from 'node:crypto';
import { objectKey } from '../../../src/kube/object.ts';
import {
  issuableHosts,
  permittedNames,
  refusedHost,
  type HostRules,
} from '../../../src/operator/host-ownership.ts';
import type { ServerObject } from '../../../src/operator/kinds.ts';
import { HostClaimed, LeafCertificates } from '../../../src/operator/leaf-certificates.ts';
import { newAuthority } from '../../../src/operator/authority.ts';
import { NOW, serverObject } from '../../support/operator-inputs.ts';

const RULES: HostRules = {
  localhost: true,
  byNamespace: [
    {
      namespace: 'demo',
      hosts: ['*.apps.example.com', 'mcp.example.com', '192.0.2.1', '2001:db8::1', 'echo'],
    },
    { namespace: 'bank', hosts: ['mcp.example.com', 'bank.example.com'] },
    { namespace: '*', hosts: ['everyone.example.com'] },
  ],
};

const server = (resource: string | undefined, metadata: Partial<ServerObject['metadata']> = {}) =>
  serverObject((object) => {
    Object.assign(object.metadata, { creationTimestamp: '2026-01-02T00:00:00Z' }, metadata);
    const published = object.spec.protectedResourceMetadata as { resource?: string | undefined };
    if (resource === undefined) delete published.resource;
    else published.resource = resource;
  });
const hostOf = (resource: string) => new URL(resource).hostname.replace(/^\[|\]$/g, '');

describe('a host is not certified, and left out of the certificate', () => {
  for (const resource of [
    // another's Service
    'https://victim.bank.svc:8001/mcp',
    'https://victim.bank.svc.cluster.local/mcp',
    'https://victim.bank/mcp',
    'https://victim/mcp',
    'https://keycloak.keycloak.svc/mcp',
    'https://keycloak.keycloak/mcp',
    'https://kubernetes.default.svc/mcp',
    'https://kubernetes/mcp',
    'https://echo.bank.svc/mcp',
    // what only looks like one's own
    'https://echo.demo.svc.example.com/mcp',
    'https://echo.demo.svc.cluster.local.example.com/mcp',
    'https://a.echo.demo.svc/mcp',
    'https://xecho.demo.svc/mcp',
    // short names mean another host elsewhere: a namespace `dev` would have `web.dev`
    'https://echo.demo/mcp',
    // hosts of nobody in the cluster
    'https://login.microsoftonline.com/mcp',
    'https://www.example.com/mcp',
    'https://bank.example.com/mcp',
    // wildcards stand for one label, and for one at least
    'https://apps.example.com/mcp',
    'https://a.b.apps.example.com/mcp',
    'https://xapps.example.com/mcp',
    'https://.apps.example.com/mcp',
    'https://*.apps.example.com/mcp',
    // spellings
    'https://a.apps.example.com./mcp',
    'https://echo.demo.svc./mcp',
    'https://a_b.apps.example.com/mcp',
    'https://-a.apps.example.com/mcp',
    'https://localhost./mcp',
    'https://a.localhost/mcp',
    // addresses that are not listed, in any spelling
    'https://10.202.0.10/mcp',
    'https://127.0.0.1:8001/mcp',
    'https://[::1]:8001/mcp',
    'https://[::ffff:192.0.2.1]/mcp',
    'https://0x0a.1/mcp',
    'https://192.0.2.10/mcp',
    'https://[2001:db8::10]/mcp',
  ]) {
    it(resource, () => {
      const one = server(resource);
      const refused = refusedHost(one, RULES, [one], []);
      assert.deepEqual(refused, { host: hostOf(resource), reason: 'HostNotAllowed' });
      assert.deepEqual(issuableHosts(one, refused), ['echo.demo.svc', 'echo.demo.svc.cluster.local']);
    });
  }

  it('a name of a Service whose namespace looks like a domain of Services', () => {
    const one = server(undefined, { namespace: 'svc-x' });
    assert.deepEqual(issuableHosts(one, undefined), ['echo.svc-x.svc', 'echo.svc-x.svc.cluster.local']);
  });

  it('localhost, where the platform does not allow it', () => {
    const one = server('https://localhost:8001/mcp');
    const refused = refusedHost(one, { localhost: false, byNamespace: [] }, [one], []);
    assert.equal(refused?.reason, 'HostNotAllowed');
  });

  it('nothing at all, of a resource that is no URL', () => {
    const one = server('https://[1:2]/mcp');
    assert.equal(refusedHost(one, RULES, [one], []), undefined);
    assert.deepEqual(issuableHosts(one, undefined), ['echo.demo.svc', 'echo.demo.svc.cluster.local']);
  });
});

describe('a host is certified', () => {
  for (const resource of [
    undefined,
    'https://echo.demo.svc:8001/mcp',
    'https://ECHO.demo.SVC:8001/mcp',
    'https://echo.demo.svc.cluster.local:8001/mcp',
    'https://localhost:8001/mcp',
    'https://a.apps.example.com/mcp',
    'https://A.Apps.Example.com:8443/mcp',
    'https://mcp.example.com/mcp',
    'https://everyone.example.com/mcp',
    'https://192.0.2.1/mcp',
    'https://[2001:DB8:0::1]/mcp',
    'https://echo/mcp',
  ]) {
    it(String(resource), () => {
      const own = server(resource);
      assert.equal(refusedHost(own, RULES, [own], []), undefined);
      if (resource !== undefined)
        assert.ok(issuableHosts(own, undefined).includes(hostOf(resource.toLowerCase())));
    });
  }
});

describe('a host that two namespaces may have', () => {
  const resource = 'https://mcp.example.com/mcp';
  const incumbent = server(resource, { name: 'incumbent', namespace: 'bank', uid: 'b' });
  const key = objectKey(incumbent);
  /** Older than the incumbent, and patched to its host. */
  const challenger = server(resource, { creationTimestamp: '2020-01-01T00:00:00Z' });
  const both = [challenger, incumbent];
  const refused = { host: 'mcp.example.com', reason: 'HostInUse' };

  it('is the one’s who has it in a certificate, however old the other is', () => {
    assert.deepEqual(refusedHost(challenger, RULES, both, [key]), refused);
    assert.equal(refusedHost(incumbent, RULES, both, []), undefined);
  });

  it('is free when the one who has it names another', () => {
    const moved = server('https://bank.example.com/mcp', { ...incumbent.metadata });
    assert.equal(refusedHost(challenger, RULES, [challenger, moved], [key]), undefined);
  });

  it('is free when the one who has it brings a certificate, or is being deleted, or is gone', () => {
    const own = structuredClone(incumbent);
    Object.assign(own.spec, { tls: { secretName: 'mine' } });
    const going = server(resource, { ...incumbent.metadata, deletionTimestamp: '2026-11-23T11:59:00Z' });
    for (const other of [[own], [going], []])
      assert.equal(refusedHost(challenger, RULES, [challenger, ...other], [key]), undefined);
  });

  it('is free when the platform does not allow it any more to the one who has it', () => {
    const rules = {
      ...RULES,
      byNamespace: RULES.byNamespace.filter(({ namespace }) => namespace !== 'bank'),
    };
    assert.equal(refusedHost(challenger, rules, both, [key]), undefined);
    assert.equal(refusedHost(incumbent, rules, both, [])?.reason, 'HostNotAllowed');
  });

  it('is free of a server that was stored without what the schema asks for', () => {
    for (const spec of [undefined, {}, { protectedResourceMetadata: { resource: 'https://[1:2]/mcp' } }]) {
      const broken = { ...incumbent, spec } as unknown as ServerObject;
      assert.equal(refusedHost(challenger, RULES, [challenger, broken], [key]), undefined);
    }
  });

  it('goes to one of two that ask for it at the same time', async () => {
    const { newest } = await newAuthority({ now: NOW, permitted: permittedNames(RULES) });
    const leaves = new LeafCertificates({
      client: {} as never, // nothing is stored here
      namespace: 'system',
      clock: () => NOW,
      signer: () => newest,
    });
    const hosts = ['mcp.example.com'];
    const [first, second] = await Promise.allSettled([
      leaves.issue('bank/incumbent', hosts, []),
      leaves.issue('demo/echo', hosts, []),
    ]);
    assert.equal(first.status, 'fulfilled');
    assert.ok(second.status === 'rejected' && second.reason instanceof HostClaimed);
    assert.deepEqual(leaves.holders('mcp.example.com', 'demo'), ['bank/incumbent']);
    assert.deepEqual(leaves.holders('mcp.example.com', 'bank'), []);
  });
});

describe('the authority’s certificate', () => {
  it('permits the names of Services and what the platform lists, and no addresses but these', async () => {
    assert.deepEqual(permittedNames({ localhost: false, byNamespace: [] }), {
      dnsNames: ['svc', 'svc.cluster.local'],
      ipAddresses: [],
    });
    const names = permittedNames(RULES);
    for (const host of ['localhost', 'apps.example.com', 'mcp.example.com'])
      assert.ok(names.dnsNames.includes(host));
    assert.deepEqual(names.ipAddresses, ['192.0.2.1', '2001:db8::1']);
    const { newest } = await newAuthority({ now: NOW, permitted: names });
    assert.equal(new X509Certificate(newest.certificate).ca, true);
  });
});
