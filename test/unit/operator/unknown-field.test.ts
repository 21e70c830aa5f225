// Resources of a definition that is newer than the operator: what it does not know may forbid something, and is never ignored.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ServerObject } from '../../../src/operator/kinds.ts';
import { invalidity } from '../../../src/operator/validity.ts';
import { VERSION } from '../../../src/protocol/version.ts';
import { sample, setField, validServer } from '../../support/manifests.ts';
import { KEY, Operator, newServer, rollOut, startApi } from './operator.ts';

function full(field?: string, value?: unknown): ServerObject {
  const server = structuredClone(validServer(sample('full')));
  if (field !== undefined) setField(server, field, value);
  return server; // as the API server would hand it out
}

describe('a field that this version does not know is named', () => {
  const rows: [what: string, field: string, value: unknown, said: string][] = [
    ['a part of the spec', 'spec.quota', { perMinute: 1 }, 'spec.quota'],
    ['an empty one', 'spec.quota', {}, 'spec.quota'],
    ['one that is false', 'spec.transport.allowBatches', false, 'spec.transport.allowBatches'],
    [
      'one of a list’s entry',
      'spec.authentication.issuers[1].pins',
      ['x'],
      'spec.authentication.issuers[1].pins',
    ],
    [
      'one deep down',
      'spec.authentication.issuers[0].jwks.maxAge',
      '1h',
      'spec.authentication.issuers[0].jwks.maxAge',
    ],
    ['one of the network', 'spec.network.egressTo', [], 'spec.network.egressTo'],
    ['one that every object has', 'spec.sidecar.constructor', 'x', 'spec.sidecar.constructor'],
    ['a value of an enumeration', 'spec.network.isolation', 'Strict', 'spec.network.isolation: Strict'],
    [
      'one in a list',
      'spec.authentication.issuers[0].algorithms',
      ['RS256', 'ML-DSA-65'],
      'spec.authentication.issuers[0].algorithms[1]: ML-DSA-65',
    ],
    ['one of a mode', 'spec.authentication.dpop.mode', 'Prefer', 'spec.authentication.dpop.mode: Prefer'],
  ];
  for (const [what, field, value, said] of rows) {
    it(`${what}: ${field}`, () => {
      const failure = invalidity(full(field, value));
      assert.equal(failure?.reason, 'UnknownField');
      assert.ok(
        failure.message.startsWith(`${said}: not known to this operator, version ${VERSION};`),
        failure.message,
      );
    });
  }

  it('eight of many, which would not fit into a condition', () => {
    const server = full();
    for (let index = 0; index < 100; index++) setField(server, `spec.field${index}`, 'x');
    const { message = '' } = invalidity(server) ?? {};
    assert.match(message, /spec\.field7, and 92 more: /);
    assert.ok(message.length < 1024);
  });
});

describe('what this version knows, and what is not its own, is taken', () => {
  const rows: [what: string, server: ServerObject][] = [
    ['every field', full()],
    ['the least', structuredClone(validServer(sample('echo')))],
    ['labels and annotations of any name', full('spec.podTemplate.labels', { 'example.com/new': 'x' })],
    ['a probe, which is Kubernetes’ own', full('spec.server.livenessProbe', { quic: { port: 1 } })],
    ['a volume of a newer Kubernetes', full('spec.podTemplate.volumes', [{ name: 'v', quantum: {} }])],
    [
      'a selector’s labels',
      full('spec.network.ingressFrom', [{ podSelector: { matchLabels: { any: 'x' } } }]),
    ],
  ];
  for (const [what, server] of rows) it(what, () => assert.equal(invalidity(server), undefined));
});

describe('a server with a field that the operator does not know', () => {
  const withField = (server: ServerObject) => {
    setField(server, 'spec.authorization.denyTools', ['delete_everything']);
    server.spec.authorization.requiredScopes = [];
  };

  it('keeps what was applied before, and says so; once the field is gone it is worked with again', async (t) => {
    const api = await startApi();
    t.after(() => api.close());
    const operator = await Operator.start(api);
    t.after(() => operator.stop());
    const conditions = () => {
      const server = api.get('ProtectedMcpServer', KEY) as ServerObject;
      return Object.fromEntries(
        (server.status?.conditions ?? []).map(({ type, status, reason }) => [type, `${status} ${reason}`]),
      );
    };
    api.put(newServer());
    await operator.reconcile();
    rollOut(api);
    await operator.reconcile();
    const file = () => JSON.stringify(api.get('ConfigMap', 'demo/echo-sidecar'));
    const before = file();

    api.put(newServer(withField));
    const writes = await operator.reconcile();
    assert.deepEqual(writes, ['apply ProtectedMcpServer/status demo/echo']);
    assert.equal(file(), before);
    assert.deepEqual(
      [conditions()['Accepted'], conditions()['Ready']],
      ['False UnknownField', 'False NotAccepted'],
    );
    assert.ok(operator.events.includes('Warning AcceptedFalse'));

    api.put(newServer());
    await operator.reconcile();
    assert.equal(conditions()['Accepted'], 'True Accepted');
  });
});
