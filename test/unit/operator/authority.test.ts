// The life of the own authority, with clients that trust what is published and connect to what is served: they never see a
// failure. And what happens when its Secret is gone.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { connect, createServer, type Server } from 'node:tls';
import type { KubeObject } from '../../../src/kube/object.ts';
import { ABANDON_ANNOTATION } from '../../../src/operator/authority-keeper.ts';
import { fingerprint, newAuthority, ROTATE_ANNOTATION } from '../../../src/operator/authority.ts';
import type { ServerObject } from '../../../src/operator/kinds.ts';
import type { MemoryApiServer } from '../../support/memory-api-server.ts';
import {
  KEY,
  NAMESPACE,
  newServer,
  Operator,
  OVERLAP_MS,
  startApi,
  type OperatorOptions,
} from './operator.ts';

const DAY_MS = 86_400_000;
/** So that everything that is issued is valid by the real clock, which TLS clients go by. */
const START = Date.now() - 30 * DAY_MS;
const AUTHORITY = `${NAMESPACE}/protected-mcp-ca`;
const HOST = 'echo.demo.svc';

type Data = KubeObject & { data: Record<string, string> };

let api: MemoryApiServer;
const stops: (() => void)[] = [];

beforeEach(async () => {
  api = await startApi();
});
afterEach(async () => {
  for (const stop of stops.splice(0)) stop();
  await api.close();
});

async function start(options: OperatorOptions = {}): Promise<Operator> {
  const operator = await Operator.start(api, { now: START, ...options });
  stops.push(() => operator.stop());
  return operator;
}

async function startWithServer(): Promise<Operator> {
  api.put(newServer());
  const operator = await start();
  await operator.reconcile();
  return operator;
}

const secretOf = (key: string) => api.get<Data>('Secret', key);
const decoded = (key: string, name: string) =>
  Buffer.from(secretOf(key)?.data[name] ?? '', 'base64').toString('utf8');
/** What a client in the server's namespace reads. */
const published = () => api.get<Data>('ConfigMap', 'demo/echo-ca')?.data['ca.crt'] ?? '';
const roots = (pem: string) => pem.match(/-----BEGIN/g)?.length;
const condition = () => {
  const found = api.get<ServerObject>('ProtectedMcpServer', KEY)?.status?.conditions;
  return found?.find(({ type }) => type === 'CertificateReady');
};
const annotate = (kind: string, name: string, value: string) =>
  api.edit<KubeObject>(kind, AUTHORITY, (object) => {
    Object.assign(object.metadata, { annotations: { ...object.metadata.annotations, [name]: value } });
  });

/** A TLS handshake with what the server's pods have mounted. @throws what the client says */
async function handshake(ca: string, host = HOST): Promise<void> {
  const server: Server = createServer({
    cert: decoded('demo/echo-tls', 'tls.crt'),
    key: decoded('demo/echo-tls', 'tls.key'),
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const socket = connect({ host: '127.0.0.1', port, ca, servername: host });
    await once(socket, 'secureConnect');
    socket.destroy();
  } finally {
    server.close();
  }
}

describe('the authority', () => {
  it('is made once, published without its key, and taken by an operator that starts later', async () => {
    await start();
    const first = decoded(AUTHORITY, 'tls.crt');
    await start();
    assert.equal(decoded(AUTHORITY, 'tls.crt'), first);
    const configMap = api.get<Data>('ConfigMap', AUTHORITY);
    assert.equal(configMap?.data['ca.crt'], first);
    assert.doesNotMatch(JSON.stringify(configMap), /PRIVATE KEY/);
  });

  it('is one, when two operators start at once', async () => {
    await Promise.all([start(), start()]);
    assert.equal(api.writes.filter((write) => write === `create Secret ${AUTHORITY}`).length, 1);
  });

  it('certifies only what it permits: clients refuse another name, though it signed it', async () => {
    const { newest } = await newAuthority({ now: START, permitted: { dnsNames: ['svc'], ipAddresses: [] } });
    const { serverCertificate, generateKey } = await import('../../../src/pki/x509.ts');
    for (const [dnsNames, ipAddresses, isRefused] of [
      [[HOST], [], false],
      [['login.microsoftonline.com'], [], true],
      [[HOST, 'login.microsoftonline.com'], [], true],
      [['echo.demo'], [], true],
      [['xsvc'], [], true],
      [[HOST], ['127.0.0.1'], true],
      [[HOST], ['::1'], true],
    ] as const) {
      const key = await generateKey();
      const cert = await serverCertificate({
        key,
        names: { commonName: 'test', dnsNames, ipAddresses },
        validity: { notBefore: new Date(START), notAfter: new Date(START + 90 * DAY_MS) },
        authority: newest,
      });
      api.put({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'echo-tls', namespace: 'demo' },
        data: {
          'tls.crt': Buffer.from(cert).toString('base64'),
          'tls.key': Buffer.from(key).toString('base64'),
        },
      });
      const [host] = dnsNames;
      if (isRefused)
        await assert.rejects(
          handshake(newest.certificate, host),
          /permitted subtree|excluded subtree/,
          dnsNames.join(),
        );
      else await handshake(newest.certificate, host);
    }
  });

  it('is made again for the same key near its end, with the operator’s own rights', async () => {
    api.put(newServer());
    const operator = await start({ now: Date.now() - 9.6 * 365 * DAY_MS });
    const before = decoded(AUTHORITY, 'tls.crt');
    operator.clock.now = START;
    await operator.checkAuthority();
    const after = decoded(AUTHORITY, 'tls.crt');
    assert.notEqual(after, before);
    assert.ok(new X509Certificate(after).publicKey.equals(new X509Certificate(before).publicKey));
    await operator.reconcile();
    assert.equal(roots(published()), 1);
    for (const trusted of [before, published()]) await handshake(trusted);
  });

  it('is made again for the same key when the platform allows another host', async () => {
    const first = await startWithServer();
    const before = published();
    const leaf = decoded('demo/echo-tls', 'tls.crt');
    first.stop();
    const hostRules = { localhost: true, byNamespace: [{ namespace: 'demo', hosts: ['echo.example.com'] }] };
    const next = await start({ hostRules });
    await next.reconcile();
    assert.notEqual(published(), before);
    assert.equal(decoded('demo/echo-tls', 'tls.crt'), leaf);
    for (const trusted of [before, published()]) await handshake(trusted);
    api.edit<ServerObject>('ProtectedMcpServer', KEY, (server) => {
      server.spec.protectedResourceMetadata.resource = 'https://echo.example.com/mcp';
    });
    await next.reconcile();
    assert.equal(condition()?.status, 'True');
    await handshake(published(), 'echo.example.com');
  });
});

describe('a rotation', () => {
  it('changes the key, and no client sees it: not one that reads again once within the overlap, either', async () => {
    const operator = await startWithServer();
    const first = decoded(AUTHORITY, 'tls.crt');
    let slow = published();
    let stale = slow;
    annotate('Secret', ROTATE_ANNOTATION, 'please');
    const counts: (number | undefined)[] = [];
    for (let day = 0; day <= 15; day++) {
      await operator.checkAuthority();
      await operator.reconcile();
      await handshake(published());
      await handshake(slow);
      counts.push(roots(published()));
      if (day % 6 === 5) [stale, slow] = [slow, published()];
      operator.clock.now += DAY_MS;
    }
    assert.deepEqual(counts, [2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1]);
    assert.notEqual(decoded(AUTHORITY, 'tls.crt'), first);
    assert.ok(!published().includes(first.trim()) && stale !== slow);
    await assert.rejects(handshake(first), 'the authority before is not in use any more');
  });

  it('goes on after a restart, and leaves no trace of the key before', async () => {
    const operator = await startWithServer();
    const before = decoded(AUTHORITY, 'tls.key');
    annotate('Secret', ROTATE_ANNOTATION, 'please');
    await operator.checkAuthority();
    assert.equal(decoded(AUTHORITY, 'previous.key'), before);
    assert.equal(secretOf(AUTHORITY)?.metadata.annotations?.[ROTATE_ANNOTATION], undefined);
    operator.stop();
    const next = await start({ now: START + OVERLAP_MS });
    await next.checkAuthority();
    await next.reconcile();
    assert.ok(!JSON.stringify(secretOf(AUTHORITY)).includes(Buffer.from(before).toString('base64')));
    assert.ok(
      new X509Certificate(decoded('demo/echo-tls', 'tls.crt')).verify(
        new X509Certificate(decoded(AUTHORITY, 'tls.crt')).publicKey,
      ),
    );
  });

  it('that is asked for during another waits for its end', async () => {
    const operator = await startWithServer();
    annotate('Secret', ROTATE_ANNOTATION, '1');
    await operator.checkAuthority();
    const second = decoded(AUTHORITY, 'tls.crt');
    annotate('Secret', ROTATE_ANNOTATION, '2');
    await operator.checkAuthority();
    assert.equal(decoded(AUTHORITY, 'tls.crt'), second);
    operator.clock.now += OVERLAP_MS;
    await operator.checkAuthority();
    await operator.reconcile();
    operator.clock.now += OVERLAP_MS;
    await operator.checkAuthority();
    await operator.checkAuthority();
    assert.notEqual(decoded(AUTHORITY, 'tls.crt'), second);
    assert.equal(decoded(AUTHORITY, 'previous.crt'), second);
  });

  it('keeps the authority before published while a paused server serves its certificate', async () => {
    const operator = await startWithServer();
    annotate('Secret', ROTATE_ANNOTATION, 'please');
    await operator.checkAuthority();
    await operator.reconcile();
    operator.clock.now += 3 * OVERLAP_MS;
    for (let look = 0; look < 3; look++) await operator.checkAuthority();
    assert.equal(roots(api.get<Data>('ConfigMap', AUTHORITY)?.data['ca.crt'] ?? ''), 2);
    await operator.reconcile();
    await operator.checkAuthority();
    assert.equal(roots(api.get<Data>('ConfigMap', AUTHORITY)?.data['ca.crt'] ?? ''), 1);
  });
});

describe('a Secret of the authority that is gone', () => {
  it('is put back as it was, and said, while an operator runs', async () => {
    const operator = await startWithServer();
    const before = secretOf(AUTHORITY)?.data;
    api.remove('Secret', AUTHORITY);
    await operator.checkAuthority();
    assert.deepEqual(secretOf(AUTHORITY)?.data, before);
    assert.ok(operator.events.includes('Warning AuthorityRestored'));
    await handshake(published());
  });

  it('is put back when it was changed, too: to another authority, or to nothing', async () => {
    const operator = await startWithServer();
    const before = secretOf(AUTHORITY)?.data;
    const other = await newAuthority({ now: START, permitted: { dnsNames: ['com'], ipAddresses: [] } });
    for (const data of [
      {},
      {
        'tls.crt': Buffer.from(other.newest.certificate).toString('base64'),
        'tls.key': Buffer.from(other.newest.key).toString('base64'),
      },
    ]) {
      api.edit<Data>('Secret', AUTHORITY, (secret) => void (secret.data = data as Record<string, string>));
      await operator.checkAuthority();
      assert.deepEqual(secretOf(AUTHORITY)?.data, before);
    }
  });

  it('during a rotation comes back with both', async () => {
    const operator = await startWithServer();
    annotate('Secret', ROTATE_ANNOTATION, 'please');
    await operator.checkAuthority();
    const before = secretOf(AUTHORITY)?.data;
    api.remove('Secret', AUTHORITY);
    await operator.checkAuthority();
    assert.deepEqual(secretOf(AUTHORITY)?.data, before);
  });

  it('is not replaced by a new authority after a restart: that is said, and what is served goes on', async () => {
    (await startWithServer()).stop();
    const [trusted, leaf] = [published(), decoded('demo/echo-tls', 'tls.crt')];
    api.remove('Secret', AUTHORITY);
    const next = await start();
    api.put(newServer((server) => (server.metadata.name = 'late')));
    await next.reconcile();
    await next.reconcile('demo/late');
    assert.equal(secretOf(AUTHORITY), undefined);
    assert.ok(next.events.includes('Warning AuthorityLost'));
    assert.deepEqual([published(), decoded('demo/echo-tls', 'tls.crt')], [trusted, leaf]);
    assert.equal(condition()?.status, 'True');
    assert.match(condition()?.message ?? '', /not renewed: .*Restore it from a backup/);
    const late = api.get<ServerObject>('ProtectedMcpServer', 'demo/late')?.status?.conditions;
    const found = late?.find(({ type }) => type === 'CertificateReady');
    assert.deepEqual([found?.status, found?.reason], ['False', 'AuthorityLost']);
    assert.match(found?.message ?? '', new RegExp(`${ABANDON_ANNOTATION}=${fingerprint(trusted)}`));
  });

  it('is not replaced either when what it published is gone as well', async () => {
    (await startWithServer()).stop();
    const trusted = published();
    api.remove('Secret', AUTHORITY);
    api.remove('ConfigMap', AUTHORITY);
    const next = await start();
    await next.reconcile();
    assert.equal(secretOf(AUTHORITY), undefined);
    assert.equal(published(), trusted);
    await handshake(published());
  });

  it('is not replaced either when the whole namespace of the operator is gone', async () => {
    (await startWithServer()).stop();
    const trusted = published();
    for (const kind of ['Secret', 'ConfigMap'])
      for (const key of api.keys(kind)) if (key.startsWith(`${NAMESPACE}/`)) api.remove(kind, key);
    const next = await start();
    await next.reconcile();
    assert.equal(secretOf(AUTHORITY), undefined);
    assert.equal(published(), trusted);
    api.put({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'protected-mcp-ca', namespace: NAMESPACE },
    });
    assert.match(condition()?.message ?? '', /kubectl create configmap .*=unknown/);
    annotate('ConfigMap', ABANDON_ANNOTATION, 'unknown');
    await next.checkAuthority();
    assert.ok(secretOf(AUTHORITY) !== undefined);
  });

  it('is not replaced either when it is there and empty', async () => {
    (await startWithServer()).stop();
    api.edit<Data>('Secret', AUTHORITY, (secret) => void (secret.data = {}));
    await start();
    assert.deepEqual(secretOf(AUTHORITY)?.data, {});
  });

  it('is taken from a backup as soon as that is there', async () => {
    (await startWithServer()).stop();
    const backup = secretOf(AUTHORITY);
    const leaf = decoded('demo/echo-tls', 'tls.crt');
    api.remove('Secret', AUTHORITY);
    const next = await start();
    api.put(backup ?? {});
    await next.checkAuthority();
    await next.reconcile();
    assert.equal(decoded('demo/echo-tls', 'tls.crt'), leaf);
    assert.match(condition()?.message ?? '', /renewed on/);
    await handshake(published());
  });

  it('from a backup that is older than a rotation takes over without a failure', async () => {
    const operator = await startWithServer();
    const backup = secretOf(AUTHORITY);
    annotate('Secret', ROTATE_ANNOTATION, 'please');
    for (let step = 0; step < 3; step++) {
      await operator.checkAuthority();
      await operator.reconcile();
      operator.clock.now += OVERLAP_MS;
    }
    operator.stop();
    api.put(backup ?? {});
    const next = await start({ now: operator.clock.now - OVERLAP_MS });
    const slow = published();
    for (let day = 0; day < 8; day++) {
      await next.checkAuthority();
      await next.reconcile();
      await handshake(published());
      if (day < 7) await handshake(slow);
      next.clock.now += DAY_MS;
    }
    assert.ok(
      new X509Certificate(decoded('demo/echo-tls', 'tls.crt')).verify(
        new X509Certificate(decoded(AUTHORITY, 'tls.crt')).publicKey,
      ),
    );
  });

  it('gives way to a new authority where the lost one is named, and clients have the overlap to read it', async () => {
    (await startWithServer()).stop();
    const slow = published();
    api.remove('Secret', AUTHORITY);
    const next = await start();
    annotate('ConfigMap', ABANDON_ANNOTATION, 'another');
    await next.checkAuthority();
    assert.equal(secretOf(AUTHORITY), undefined);
    annotate('ConfigMap', ABANDON_ANNOTATION, fingerprint(slow));
    for (let day = 0; day < 8; day++) {
      await next.checkAuthority();
      await next.reconcile();
      await handshake(published());
      if (day < 7) await handshake(slow);
      next.clock.now += DAY_MS;
    }
    await assert.rejects(handshake(slow));
    // What was said once is not said for the next one.
    next.stop();
    api.remove('Secret', AUTHORITY);
    await start();
    assert.equal(secretOf(AUTHORITY), undefined);
  });
});
