// The certificates that the own authority issues, and what is kept of them, on an API server in memory.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { newAuthority, type AuthorityState } from '../../../src/operator/authority.ts';
import { coversHosts, LeafCertificates } from '../../../src/operator/leaf-certificates.ts';
import type { MemoryApiServer } from '../../support/memory-api-server.ts';
import { NAMESPACE, startApi } from './operator.ts';

const DAY_MS = 86_400_000;
const START = Date.parse('2026-11-23T12:00:00Z');
const HOSTS = ['echo.demo.svc', 'echo.example.com', '192.0.2.1', '2001:db8::1'];
const PERMITTED = { dnsNames: ['svc', 'example.com'], ipAddresses: ['192.0.2.1', '2001:db8::1'] };
const KEY = 'demo/echo';
const never = new AbortController().signal;

let api: MemoryApiServer;
let authority: AuthorityState;
let now: number;

beforeEach(async () => {
  api = await startApi();
  now = START;
  authority = await newAuthority({ now, permitted: PERMITTED });
});
afterEach(() => api.close());

/** An operator that has just started: nothing is remembered but what is stored. */
async function operator(): Promise<LeafCertificates> {
  const leaves = new LeafCertificates({
    client: api.client(),
    namespace: NAMESPACE,
    clock: () => now,
    signer: () => authority.newest,
  });
  await leaves.load(never);
  return leaves;
}

async function issue(leaves: LeafCertificates, hosts = HOSTS): Promise<X509Certificate> {
  const known = leaves.find(KEY)?.leaf;
  const isGood = known !== undefined && known.renewAt > now && coversHosts(known, hosts);
  const leaf = isGood ? known : await leaves.issue(KEY, hosts, []);
  await leaves.keep(KEY, leaf, 'bundle', never);
  return new X509Certificate(leaf.certificate);
}

describe('a certificate', () => {
  it('is for the hosts, signed by the authority, and 90 days long', async () => {
    const certificate = await issue(await operator());
    assert.ok(certificate.checkHost('echo.demo.svc') && certificate.checkHost('echo.example.com'));
    assert.ok(certificate.checkIP('192.0.2.1') && certificate.checkIP('2001:db8::1'));
    assert.equal(certificate.checkHost('other.demo.svc'), undefined);
    assert.ok(certificate.checkIssued(new X509Certificate(authority.newest.certificate)));
    assert.equal(Math.round((certificate.validToDate.getTime() - START) / DAY_MS), 90);
  });

  it('is the same until two thirds of its life, also after a restart, and another then', async () => {
    const first = await issue(await operator());
    now = START + 59.9 * DAY_MS;
    assert.equal((await issue(await operator())).fingerprint256, first.fingerprint256);
    now = START + 60.1 * DAY_MS;
    const renewed = await issue(await operator());
    assert.notEqual(renewed.fingerprint256, first.fingerprint256);
    assert.equal((await issue(await operator())).fingerprint256, renewed.fingerprint256);
  });

  it('is another when a host comes or goes', async () => {
    const leaves = await operator();
    const first = await issue(leaves);
    const more = await issue(leaves, [...HOSTS, 'new.example.com']);
    assert.notEqual(more.fingerprint256, first.fingerprint256);
    const fewer = await issue(leaves, HOSTS.slice(0, 1));
    assert.equal(fewer.checkHost('echo.example.com'), undefined);
  });

  it('is not kept before it was delivered, and is known to be the operator’s only afterwards', async () => {
    const leaves = await operator();
    const leaf = await leaves.issue(KEY, HOSTS, []);
    assert.equal(leaves.find(KEY), undefined);
    assert.equal(await leaves.keep(KEY, leaf, 'bundle', never), true);
    assert.equal(leaves.find(KEY)?.deliveredAt, START);
    const restarted = await operator();
    assert.deepEqual(restarted.find(KEY), { leaf, deliveredAt: undefined, bundle: undefined });
    assert.equal(await restarted.keep(KEY, leaf, 'bundle', never), false);
  });

  it('writes nothing when it is only looked at', async () => {
    const leaves = await operator();
    await issue(leaves);
    const { length } = api.writes;
    await issue(leaves);
    assert.equal(api.writes.length, length);
  });

  it('keeps its host from servers of other namespaces, also after a restart, until it is forgotten', async () => {
    await issue(await operator());
    const leaves = await operator();
    assert.deepEqual(leaves.holders('echo.example.com', 'elsewhere'), [KEY]);
    assert.deepEqual(leaves.holders('2001:db8::1', 'elsewhere'), [KEY]);
    await assert.rejects(leaves.issue('elsewhere/other', ['echo.example.com'], []), { name: 'HostClaimed' });
    await leaves.forget(KEY, never);
    assert.deepEqual(leaves.holders('echo.example.com', 'elsewhere'), []);
  });
});
