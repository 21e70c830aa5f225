// The principal is asserted to the server in a JWT of the sidecar: one, good for a minute, verified with
// the key at the admin port.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet, type JWTPayload } from 'jose';
import { TestBed } from '../support/sidecar.ts';
import { waitFor } from '../kit/wait.ts';

const directory = mkdtempSync(join(tmpdir(), 'identity-test-'));
const keyFile = join(directory, 'private.key');

function writeKey(): void {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }));
}

let bed: TestBed;
before(async () => {
  writeKey();
  bed = await TestBed.start({ config: () => ({ identityAssertion: { header: 'X-Caller', keyFile } }) });
});
after(async () => {
  await bed.stop();
  rmSync(directory, { recursive: true });
});

const published = async (from = bed) =>
  JSON.parse(await (await fetch(from.adminUrl('/jwks'))).text()) as JSONWebKeySet;

/** What the server is told in a call: all values of the header, however a client spells it. */
async function told(token: string, headers: Record<string, string> = {}): Promise<string[]> {
  const answer = await bed.callWith(token, { headers });
  assert.equal(answer.status, 200, answer.body);
  const { rawHeaders } = bed.upstream.requests.at(-1)!;
  return rawHeaders.filter((_, i) => i % 2 === 1 && /^x[-_.]caller$/i.test(rawHeaders[i - 1]!));
}

async function claimsOf(assertion: string): Promise<JWTPayload> {
  const keys = createLocalJWKSet(await published());
  return (await jwtVerify(assertion, keys, { issuer: bed.config.resource, audience: bed.upstream.url }))
    .payload;
}

it('says who calls, and is good for a minute at most', async () => {
  const [assertion, ...more] = await told(bed.issuer.token());
  assert.deepEqual(more, []);
  const { sub, idp, client_id: client, iat = 0, exp = 0 } = await claimsOf(assertion!);
  assert.deepEqual([sub, idp, client], ['alice', bed.issuer.issuer, 'mcp-client']);
  assert.ok(exp - iat <= 60 && exp > Date.now() / 1000);
});

it('is another for another user, and the same for the same token within its time', async () => {
  const [alice, bob] = [bed.issuer.token(), bed.issuer.token({ claims: { sub: 'bob' } })];
  const first = await told(alice);
  assert.equal((await claimsOf((await told(bob))[0]!)).sub, 'bob');
  assert.deepEqual(await told(alice), first);
});

describe('a client cannot set it', () => {
  it('nor have it removed', async () => {
    assert.equal((await told(bed.issuer.token(), { Connection: 'close, x-caller' })).length, 1);
  });
});

it('is signed with a new key when the file changes', async () => {
  const before = (await published()).keys[0]?.kid;
  const token = bed.issuer.token();
  const [old] = await told(token);
  writeKey();
  await waitFor(async () => (await published()).keys[0]?.kid !== before, 'the new key', 15_000);
  await waitFor(async () => (await told(token))[0] !== old, 'an assertion by the new key', 15_000);
  assert.equal((await claimsOf((await told(token))[0]!)).sub, 'alice');
});

it('is not made unless it is wanted, and no key is published then', async () => {
  const plain = await TestBed.start();
  try {
    assert.equal(
      (await plain.callWith(plain.issuer.token(), { headers: { 'X-Mcp-Identity': 'x' } })).status,
      200,
    );
    assert.equal(plain.upstream.requests[0]?.headers['x-mcp-identity'], undefined);
    assert.deepEqual(await published(plain), { keys: [] });
    // On the public port there is no such thing.
    assert.equal((await plain.call({ method: 'GET', path: '/jwks' })).status, 404);
  } finally {
    await plain.stop();
  }
});
