// A host that a server has in its certificate stays that server's, whatever servers of other namespaces are changed to.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { KubeObject } from '../../../src/kube/object.ts';
import type { ServerObject } from '../../../src/operator/kinds.ts';
import type { MemoryApiServer } from '../../support/memory-api-server.ts';
import { newServer, Operator, startApi } from './operator.ts';

const HOST = 'mcp.apps.example.com';
const ANYBODYS = { localhost: true, byNamespace: [{ namespace: '*', hosts: ['*.apps.example.com'] }] };
const VICTIM = 'bank/victim';
const ATTACKER = 'demo/echo';

let api: MemoryApiServer;
let operator: Operator;
const stops: (() => void)[] = [];

beforeEach(async () => {
  api = await startApi();
  await start();
});
afterEach(async () => {
  for (const stop of stops.splice(0)) stop();
  await api.close();
});

async function start(): Promise<void> {
  const started = await Operator.start(api, { hostRules: ANYBODYS });
  stops.push(() => started.stop());
  operator = started;
}

function put(key: string, host: string, createdAt: string): void {
  const [namespace = '', name = ''] = key.split('/');
  api.put(
    newServer((server) => {
      Object.assign(server.metadata, { namespace, name, creationTimestamp: createdAt });
      server.spec.protectedResourceMetadata.resource = `https://${host}/mcp`;
    }),
  );
}

const patchTo = (key: string, host: string) =>
  api.edit<ServerObject>('ProtectedMcpServer', key, (server) => {
    server.spec.protectedResourceMetadata.resource = `https://${host}/mcp`;
  });
const certificate = (key: string) => {
  const secret = api.get<KubeObject & { data: Record<string, string> }>('Secret', `${key}-tls`);
  return new X509Certificate(Buffer.from(secret?.data['tls.crt'] ?? '', 'base64'));
};
const reason = (key: string) =>
  api
    .get<ServerObject>('ProtectedMcpServer', key)
    ?.status?.conditions?.find(({ type }) => type === 'CertificateReady')?.reason;

describe('an older server that is changed to the host of a running one', () => {
  beforeEach(async () => {
    put(ATTACKER, 'other.apps.example.com', '2020-01-01T00:00:00Z');
    put(VICTIM, HOST, '2026-01-01T00:00:00Z');
    await operator.reconcile(ATTACKER);
    await operator.reconcile(VICTIM);
    patchTo(ATTACKER, HOST);
  });

  for (const [order, keys] of [
    ['looked at first', [ATTACKER, VICTIM]],
    ['looked at last', [VICTIM, ATTACKER]],
  ] as const)
    for (const restart of [false, true])
      it(`does not get it, ${order}${restart ? ', after a restart' : ''}`, async () => {
        const before = certificate(VICTIM).fingerprint256;
        if (restart) await start();
        for (const key of [...keys, ...keys]) await operator.reconcile(key);
        assert.equal(certificate(VICTIM).fingerprint256, before);
        assert.deepEqual([reason(VICTIM), reason(ATTACKER)], ['Issued', 'HostInUse']);
        assert.equal(certificate(ATTACKER).checkHost(HOST), undefined);
      });

  it('does not get it while the other is renewed', async () => {
    operator.clock.now += 61 * 86_400_000;
    for (const key of [ATTACKER, VICTIM, ATTACKER]) await operator.reconcile(key);
    assert.ok(certificate(VICTIM).checkHost(HOST));
    assert.equal(certificate(ATTACKER).checkHost(HOST), undefined);
  });

  it('gets it when the other is gone', async () => {
    await operator.reconcile(ATTACKER);
    api.remove('ProtectedMcpServer', VICTIM);
    await operator.reconcile(VICTIM);
    await operator.reconcile(ATTACKER);
    assert.equal(reason(ATTACKER), 'Issued');
    assert.ok(certificate(ATTACKER).checkHost(HOST));
  });
});

describe('two servers that ask for a host at the same time', () => {
  it('do not both get it', async () => {
    put(ATTACKER, HOST, '2020-01-01T00:00:00Z');
    put(VICTIM, HOST, '2026-01-01T00:00:00Z');
    const first = await Promise.allSettled([operator.reconcile(VICTIM), operator.reconcile(ATTACKER)]);
    assert.ok(first.some(({ status }) => status === 'fulfilled'));
    for (const key of [VICTIM, ATTACKER]) await operator.reconcile(key);
    const reasons = [reason(VICTIM), reason(ATTACKER)];
    assert.deepEqual(reasons.toSorted(), ['HostInUse', 'Issued']);
    const having = [VICTIM, ATTACKER].filter((key) => certificate(key).checkHost(HOST) !== undefined);
    assert.equal(having.length, 1);
  });
});
