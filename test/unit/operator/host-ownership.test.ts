// Which names the shared authority certifies for whom.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { foreignHost, issuableHosts } from '../../../src/operator/host-ownership.ts';
import type { ServerObject } from '../../../src/operator/kinds.ts';
import { serverObject } from '../../support/operator-inputs.ts';

const server = (resource: string | undefined, metadata: Partial<ServerObject['metadata']> = {}) =>
  serverObject((object) => {
    Object.assign(object.metadata, { creationTimestamp: '2026-01-02T00:00:00Z' }, metadata);
    const published = object.spec.protectedResourceMetadata as { resource?: string | undefined };
    if (resource === undefined) delete published.resource;
    else published.resource = resource;
  });
const victim = server('https://mcp.example.com/mcp', {
  name: 'victim',
  namespace: 'bank',
  uid: 'b',
  creationTimestamp: '2026-01-01T00:00:00Z',
});

describe('a name that is another server’s is not certified', () => {
  for (const host of [
    'victim.bank.svc',
    'victim.bank.svc.cluster.local',
    'victim.bank',
    'victim',
    'keycloak.keycloak.svc',
    'kubernetes.default.svc',
    'kubernetes',
    'mcp.example.com',
  ]) {
    it(host, () => {
      const attacker = server(`https://${host}:8001/mcp`);
      assert.equal(foreignHost(attacker, [victim, attacker]), host);
      assert.ok(!issuableHosts(attacker, host).includes(host));
    });
  }
});

describe('a name of one’s own is', () => {
  for (const resource of [
    undefined,
    'https://echo.demo.svc:8001/mcp',
    'https://echo.demo.svc.cluster.local:8001/mcp',
    'https://echo.example.com/mcp',
    'https://localhost:8001/mcp',
    'https://192.0.2.1/mcp',
    'https://[2001:db8::1]/mcp',
  ]) {
    it(String(resource), () => {
      const own = server(resource);
      assert.equal(foreignHost(own, [victim, own]), undefined);
    });
  }

  it('shared within a namespace', () => {
    const own = server('https://mcp.example.com/other', { namespace: 'bank' });
    assert.equal(foreignHost(own, [victim, own]), undefined);
  });

  it('of the older of two, and only of that', () => {
    const later = server('https://mcp.example.com/mcp');
    assert.equal(foreignHost(victim, [victim, later]), undefined);
    assert.equal(foreignHost(later, [victim, later]), 'mcp.example.com');
  });
});
