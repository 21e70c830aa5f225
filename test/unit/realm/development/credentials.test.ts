// What the development Keycloak's certificate Job makes, and what it never touches again.
import assert from 'node:assert/strict';
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { ensureCredentials } from '../../../../src/realm/development/credentials.ts';
import { ObjectServer } from './object-server.ts';

const DAY_MS = 86_400_000;
const START = Date.parse('2027-01-01T00:00:00Z');

describe('the credentials of the development Keycloak', () => {
  let server: ObjectServer;
  beforeEach(async () => {
    server = await ObjectServer.start();
  });
  afterEach(() => server.stop());

  const ensureAt = async (now: number) =>
    (await ensureCredentials(server.api, { namespace: 'keycloak', clock: () => now })).map(
      ({ object, action }) => `${object} ${action}`,
    );

  it('are made, the password before the certificate that Keycloak waits for', async () => {
    assert.deepEqual(await ensureAt(START), [
      'Secret/keycloak-admin created',
      'Secret/keycloak-tls created',
      'ConfigMap/keycloak-ca created',
    ]);
    assert.equal(server.value('keycloak-admin', 'username'), 'admin');
    assert.match(server.value('keycloak-admin', 'password'), /^[\w-]{32}$/);
  });

  it('hold a certificate for every name under which Keycloak is reached, from the authority that is published', async () => {
    await ensureAt(START);
    const certificate = new X509Certificate(server.value('keycloak-tls', 'tls.crt'));
    const authority = new X509Certificate(server.value('keycloak-ca', 'ca.crt'));
    for (const name of ['localhost', 'keycloak.keycloak.svc', 'keycloak.keycloak.svc.cluster.local'])
      assert.equal(certificate.checkHost(name), name);
    assert.equal(certificate.checkIP('127.0.0.1'), '127.0.0.1');
    assert.ok(certificate.verify(authority.publicKey));
    assert.ok(certificate.checkPrivateKey(createPrivateKey(server.value('keycloak-tls', 'tls.key'))));
    assert.equal(certificate.validToDate.getTime(), START + 365 * DAY_MS);
  });

  it('hold no key of the authority', async () => {
    await ensureAt(START);
    const secret = [...server.objects.values()].find(({ metadata }) => metadata.name === 'keycloak-tls');
    assert.deepEqual(Object.keys(secret?.data ?? {}).toSorted(), ['ca.crt', 'tls.crt', 'tls.key']);
    const authority = new X509Certificate(server.value('keycloak-ca', 'ca.crt'));
    assert.ok(!authority.checkPrivateKey(createPrivateKey(server.value('keycloak-tls', 'tls.key'))));
  });

  it('are left alone by another run', async () => {
    await ensureAt(START);
    server.writes.length = 0;
    assert.deepEqual(await ensureAt(START + 334 * DAY_MS), [
      'Secret/keycloak-admin unchanged',
      'Secret/keycloak-tls unchanged',
      'ConfigMap/keycloak-ca unchanged',
    ]);
    assert.deepEqual(server.writes, []);
  });

  it('get a new certificate in the last 30 days, with its authority, and keep the password', async () => {
    await ensureAt(START);
    const before = { authority: server.value('keycloak-ca', 'ca.crt') };
    assert.deepEqual(await ensureAt(START + 336 * DAY_MS), [
      'Secret/keycloak-admin unchanged',
      'Secret/keycloak-tls replaced',
      'ConfigMap/keycloak-ca replaced',
    ]);
    const authority = server.value('keycloak-ca', 'ca.crt');
    assert.notEqual(authority, before.authority);
    const certificate = new X509Certificate(server.value('keycloak-tls', 'tls.crt'));
    assert.ok(certificate.verify(new X509Certificate(authority).publicKey));
  });

  it('publish the authority of the certificate again, when it was changed or deleted', async () => {
    await ensureAt(START);
    const authority = server.value('keycloak-ca', 'ca.crt');
    const path = '/api/v1/namespaces/keycloak/configmaps/keycloak-ca';
    server.objects.set(path, { ...server.objects.get(path)!, data: { 'ca.crt': 'another' } });
    assert.equal((await ensureAt(START)).at(-1), 'ConfigMap/keycloak-ca replaced');
    assert.equal(server.value('keycloak-ca', 'ca.crt'), authority);
    server.objects.delete(path);
    assert.equal((await ensureAt(START)).at(-1), 'ConfigMap/keycloak-ca created');
    assert.equal(server.value('keycloak-ca', 'ca.crt'), authority);
  });

  it('tell which object was refused, and no secret', async () => {
    const { api } = server;
    const object = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'keycloak-admin', namespace: 'keycloak' },
      data: { password: 'c2VjcmV0' },
    } as const;
    await api.create(object);
    await assert.rejects(api.create(object), {
      message: /^create Secret keycloak\/keycloak-admin: 409 .*already exists$/,
    });
  });
});
