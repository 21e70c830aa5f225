// The own authority and the certificates it issues, over an API server that only stores Secrets.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { beforeEach, describe, it } from 'node:test';
import type { Client } from '../../../src/kube/client.ts';
import { ApiError } from '../../../src/kube/errors.ts';
import type { KubeObject } from '../../../src/kube/object.ts';
import { ensureAuthority } from '../../../src/operator/authority.ts';
import { coversHosts, LeafCertificates } from '../../../src/operator/leaf-certificates.ts';

const DAY_MS = 86_400_000;
const START = Date.parse('2026-11-23T12:00:00Z');
const HOSTS = ['echo.demo.svc', 'echo.example.com', '192.0.2.1'];
const never = new AbortController().signal;

/** Stores objects by kind and name, as far as these modules ask for it. */
class SecretStore {
  readonly objects = new Map<string, KubeObject>();
  writes = 0;

  #key = (kind: string, name = '') => `${kind}/${name}`;

  get(resource: { kind: string }, { name }: { name: string }): Promise<KubeObject> {
    const found = this.objects.get(this.#key(resource.kind, name));
    if (found === undefined)
      return Promise.reject(new ApiError('get', { status: 404, body: { reason: 'NotFound' } }));
    return Promise.resolve(found);
  }

  create(resource: { kind: string }, object: KubeObject): Promise<KubeObject> {
    const key = this.#key(resource.kind, object.metadata.name);
    if (this.objects.has(key)) {
      return Promise.reject(new ApiError('create', { status: 409, body: { reason: 'AlreadyExists' } }));
    }
    return this.apply(resource, object);
  }

  apply(resource: { kind: string }, object: KubeObject): Promise<KubeObject> {
    this.writes++;
    this.objects.set(this.#key(resource.kind, object.metadata.name), object);
    return Promise.resolve(object);
  }

  replace(resource: { kind: string }, object: KubeObject): Promise<KubeObject> {
    if (!this.objects.has(this.#key(resource.kind, object.metadata.name)))
      return Promise.reject(new ApiError('replace', { status: 404, body: { reason: 'NotFound' } }));
    return this.apply(resource, object);
  }

  update(resource: { kind: string }, object: KubeObject): Promise<KubeObject> {
    return this.apply(resource, object);
  }
}

let store: SecretStore;
let now: number;
const deps = () => ({ client: store as unknown as Client, namespace: 'system', clock: () => now });

/** An operator that has just started: nothing is remembered but what is stored. */
async function operator(): Promise<LeafCertificates> {
  return new LeafCertificates({ ...deps(), authority: await ensureAuthority(deps(), never) });
}

async function issue(leaves: LeafCertificates, hosts = HOSTS): Promise<X509Certificate> {
  const known = (await leaves.find('demo/echo', never))?.leaf;
  const isGood = known !== undefined && known.renewAt > now && coversHosts(known, hosts);
  const leaf = isGood ? known : await leaves.issue(hosts);
  await leaves.keep('demo/echo', leaf, never);
  return new X509Certificate(leaf.certificate);
}

beforeEach(() => {
  store = new SecretStore();
  now = START;
});

describe('the authority', () => {
  it('is made once, published, and taken by an operator that starts later', async () => {
    const first = await ensureAuthority(deps(), never);
    const second = await ensureAuthority(deps(), never);
    assert.equal(first.certificate, second.certificate);
    assert.equal(first.key, second.key);
    const published = store.objects.get('ConfigMap/protected-mcp-ca') as KubeObject & {
      data: Record<string, string>;
    };
    assert.equal(published.data['ca.crt'], first.certificate);
    assert.doesNotMatch(JSON.stringify(published), /PRIVATE KEY/);
  });

  it('is one, when two operators start at once', async () => {
    const [a, b] = await Promise.all([ensureAuthority(deps(), never), ensureAuthority(deps(), never)]);
    assert.equal(a.certificate, b.certificate);
  });

  it('is made again for the same key near its end, so that leaves from before stay good', async () => {
    const leaf = await issue(await operator());
    const before = await ensureAuthority(deps(), never);
    now += 9.6 * 365 * DAY_MS;
    const after = await ensureAuthority(deps(), never);
    assert.notEqual(after.certificate, before.certificate);
    assert.ok(leaf.verify(new X509Certificate(after.certificate).publicKey));
  });
});

describe('a certificate', () => {
  it('is for the hosts, signed by the authority, and 90 days long', async () => {
    const certificate = await issue(await operator());
    assert.ok(certificate.checkHost('echo.demo.svc') && certificate.checkHost('echo.example.com'));
    assert.ok(certificate.checkIP('192.0.2.1'));
    assert.equal(certificate.checkHost('other.demo.svc'), undefined);
    const { certificate: authority } = await ensureAuthority(deps(), never);
    assert.ok(certificate.checkIssued(new X509Certificate(authority)));
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
    const leaf = await leaves.issue(HOSTS);
    assert.equal(await leaves.find('demo/echo', never), undefined);
    assert.equal(await leaves.keep('demo/echo', leaf, never), true);
    assert.equal((await leaves.find('demo/echo', never))?.deliveredAt, START);
    const restarted = await operator();
    assert.deepEqual(await restarted.find('demo/echo', never), { leaf, deliveredAt: undefined });
    assert.equal(await restarted.keep('demo/echo', leaf, never), false);
  });

  it('writes nothing when it is only looked at', async () => {
    const leaves = await operator();
    await issue(leaves);
    const { writes } = store;
    await issue(leaves);
    assert.equal(store.writes, writes);
  });
});
