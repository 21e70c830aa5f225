// The authority's life on a real API server, with the rights and under the policy that the operator is installed with.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { Client } from '../../src/kube/client.ts';
import { ROTATE_ANNOTATION } from '../../src/operator/authority.ts';
import { AuthorityKeeper } from '../../src/operator/authority-keeper.ts';
import { LeafCertificates } from '../../src/operator/leaf-certificates.ts';
import { startApiServer } from '../support/api-server.ts';
import { CONFIG_MAPS, connect, createNamespace, log, never, SECRETS, write } from './connect.ts';
import { installRights, OPERATOR_NAMESPACE, operatorAccount, untilEnforced } from './installation.ts';

const OVERLAP_MS = 3_600_000;
const YEAR_MS = 365 * 86_400_000;
const AUTHORITY = { name: 'protected-mcp-ca', namespace: OPERATOR_NAMESPACE };

describe('the authority, with the account of the operator', { timeout: 120_000 }, () => {
  let admin: Client;
  let keeper: AuthorityKeeper;
  let leaves: LeafCertificates;
  let now = Date.now();
  const close: (() => Promise<unknown>)[] = [];

  before(async () => {
    const server = await startApiServer();
    const connection = connect(server);
    admin = connection.client;
    close.push(() => server.stop(), connection.close);
    await createNamespace(admin, OPERATOR_NAMESPACE);
    await installRights(admin);
    const account = await operatorAccount(server, connection.transport);
    close.push(account.close);
    await untilEnforced(account);
    const place = {
      client: new Client(account.transport),
      namespace: OPERATOR_NAMESPACE,
      clock: () => now,
    };
    leaves = new LeafCertificates({ ...place, signer: () => keeper.signer });
    keeper = new AuthorityKeeper({
      ...place,
      overlapMs: OVERLAP_MS,
      permitted: { dnsNames: ['svc'], ipAddresses: [] },
      issued: leaves,
      isAnyTrusted: () => false,
      log,
      record: () => undefined,
      onChange: () => undefined,
      onRestore: () => undefined,
    });
  });
  after(async () => {
    for (const one of close.toReversed()) await one();
  });

  const stored = async () => (await admin.get(SECRETS, AUTHORITY, { signal: never })).data ?? {};
  const certificate = async (name = 'tls.crt') =>
    Buffer.from((await stored())[name] ?? '', 'base64').toString('utf8');

  it('is made and published', async () => {
    await keeper.check(never);
    const published = await admin.get(CONFIG_MAPS, AUTHORITY, { signal: never });
    assert.equal(published.data?.['ca.crt'], await certificate());
  });

  it('is put back when it was deleted', async () => {
    const before = await stored();
    await admin.delete(SECRETS, AUTHORITY, { signal: never });
    await keeper.check(never);
    assert.deepEqual(await stored(), before);
  });

  it('is rotated', async () => {
    const before = await certificate();
    const secret = await admin.get(SECRETS, AUTHORITY, { signal: never });
    const annotations = { ...secret.metadata.annotations, [ROTATE_ANNOTATION]: 'yes' };
    await admin.update(SECRETS, { ...secret, metadata: { ...secret.metadata, annotations } }, write);
    await keeper.check(never);
    assert.equal(await certificate('previous.crt'), before);
    for (let step = 0; step < 3; step++) {
      now += OVERLAP_MS;
      await keeper.check(never);
    }
    assert.deepEqual(Object.keys(await stored()).toSorted(), ['tls.crt', 'tls.key']);
    assert.notEqual(await certificate(), before);
  });

  it('is renewed near its end', async () => {
    const before = new X509Certificate(await certificate());
    now += 9.6 * YEAR_MS;
    await keeper.check(never);
    const after = new X509Certificate(await certificate());
    assert.ok(after.publicKey.equals(before.publicKey) && after.validToDate > before.validToDate);
  });

  it('issues certificates that are kept, read by the next operator, and forgotten', async () => {
    const leaf = await leaves.issue('demo/echo', ['echo.demo.svc'], []);
    for (const deliver of [leaf, await leaves.issue('demo/echo', ['echo.demo.svc'], [])])
      assert.equal(await leaves.keep('demo/echo', deliver, 'bundle', never), true);
    await leaves.load(never);
    assert.deepEqual(leaves.keys(), ['demo/echo']);
    await leaves.forget('demo/echo', never);
    const { items } = await admin.list(SECRETS, { namespace: OPERATOR_NAMESPACE, signal: never });
    assert.deepEqual(
      items.map(({ metadata }) => metadata.name),
      [AUTHORITY.name],
    );
  });
});
