// What the metadata can be made to say besides: the root document, other languages, a signature, the issuer's own metadata.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';
import type { SidecarConfig } from '../../src/sidecar/config/config.ts';
import { assertRefused, challengeParameters, METADATA_URL } from '../support/challenge.ts';
import { TestBed, type CallOptions } from '../support/sidecar.ts';
import { waitFor } from '../kit/wait.ts';

const ORIGIN = 'https://localhost:8001';
const ROOT = '/.well-known/oauth-protected-resource';
const DOCUMENT = `${ROOT}/mcp`;
const KEYS = `${DOCUMENT}/jwks.json`;
const AUTHORIZATION_SERVER = '/.well-known/oauth-authorization-server';
const directory = mkdtempSync(join(tmpdir(), 'metadata-test-'));
const keyFile = join(directory, 'private.key');

/** Replaces the key that signs; gives nothing back, since what is published is what counts. */
function writeKey(): void {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }));
}

let bed: TestBed;
let original: SidecarConfig;
before(async () => {
  writeKey();
  bed = await TestBed.start();
  original = bed.config;
});
after(async () => {
  await bed.stop();
  rmSync(directory, { recursive: true });
});
beforeEach(() => {
  bed.upstream.requests.length = 0;
});

/** Changes the configuration and waits until it is in force. */
async function takeOver(changes: Partial<SidecarConfig>): Promise<void> {
  const replaced = occurrences('configuration reloaded');
  await bed.writeConfig({ ...original, ...changes });
  await waitFor(() => occurrences('configuration reloaded') > replaced, 'the configuration to be taken over');
}

const occurrences = (text: string) => bed.log.split(text).length - 1;
const get = (path: string, options: CallOptions = {}) => bed.call({ method: 'GET', path, ...options });
const json = async (path: string) => JSON.parse((await get(path)).body) as Record<string, unknown>;
const tokenFor = (aud: unknown) => bed.callWith(bed.issuer.token({ claims: { aud } }));

describe('the root document', () => {
  it('Origin: names the origin, and tokens for the origin pass; everything else stays', async () => {
    await takeOver({ rootDocument: 'Origin' });
    const [root, own] = [await json(ROOT), await json(DOCUMENT)];
    assert.equal(root.resource, ORIGIN);
    assert.equal(own.resource, `${ORIGIN}/mcp`);
    assert.deepEqual({ ...root, resource: '' }, { ...own, resource: '' });
    assert.equal((await tokenFor(ORIGIN)).status, 200);
    assert.equal((await tokenFor('echo-mcp-server')).status, 200);
    for (const aud of [
      `${ORIGIN}/other`,
      `${ORIGIN}2`,
      'https://localhost',
      'http://localhost:8001',
      'localhost:8001',
    ]) {
      assertRefused(await tokenFor(aud), 'invalid_token');
    }
    assertRefused(await bed.call(), 'none');
  });

  it('Off: is not there, and tokens for the origin are refused', async () => {
    await takeOver({ rootDocument: 'Off' });
    for (const path of [ROOT, `${ROOT}/`]) assert.equal((await get(path)).status, 404);
    assert.equal((await get(DOCUMENT)).status, 200);
    assertRefused(await tokenFor(ORIGIN), 'invalid_token');
  });

  it('Alias: is the same document, and tokens for the origin are refused', async () => {
    await takeOver({ rootDocument: 'Alias', requiredScopes: ['mcp:basic', 'x'] });
    assert.equal((await get(ROOT)).body, (await get(DOCUMENT)).body);
    assertRefused(await tokenFor(ORIGIN), 'invalid_token', 'mcp:basic x');
  });
});

describe('signed metadata', () => {
  const signed = (changes: Partial<SidecarConfig> = {}) =>
    takeOver({ metadata: { scopesSupported: ['mcp:basic'], signingKeyFile: keyFile }, ...changes });

  /** Verifies the document with the key that it names itself. */
  async function verified(path: string) {
    const { signed_metadata: jwt, ...plain } = await json(path);
    const { pathname, origin } = new URL(plain.jwks_uri as string);
    assert.equal(origin, ORIGIN);
    const answer = await get(pathname);
    assert.equal(answer.headers['access-control-allow-origin'], '*');
    const keys = createLocalJWKSet(JSON.parse(answer.body) as JSONWebKeySet);
    return { plain, ...(await jwtVerify(jwt as string, keys)) };
  }

  for (const [rootDocument, path, resource] of [
    ['Alias', DOCUMENT, `${ORIGIN}/mcp`],
    ['Alias', ROOT, `${ORIGIN}/mcp`],
    ['Origin', ROOT, ORIGIN],
  ] as const) {
    it(`${rootDocument} ${path}: says the same as the plain values, and who says so`, async () => {
      await signed({ rootDocument, drainSeconds: Math.random() });
      const { plain, payload, protectedHeader } = await verified(path);
      const { iss, iat, ...claims } = payload;
      assert.equal(iss, resource);
      assert.equal(plain.resource, resource);
      assert.ok(Math.abs((iat ?? 0) - Date.now() / 1000) < 60);
      assert.deepEqual(claims, plain);
      assert.equal(protectedHeader.alg, 'ES256');
    });
  }

  it('publishes nothing private', async () => {
    const { body } = await get(KEYS);
    assert.deepEqual(Object.keys((JSON.parse(body) as JSONWebKeySet).keys[0]!).sort(), [
      'alg',
      'crv',
      'kid',
      'kty',
      'use',
      'x',
      'y',
    ]);
  });

  it('is signed anew when the key changes', async () => {
    const before = (await get(KEYS)).body;
    writeKey();
    await waitFor(async () => (await get(KEYS)).body !== before, 'the new key', 15_000);
    assert.equal((await verified(DOCUMENT)).payload.iss, `${ORIGIN}/mcp`);
  });

  it('a key that is none is refused: the old one stays', async () => {
    const before = (await get(KEYS)).body;
    const refusals = occurrences('reload failed, keeping current configuration');
    writeFileSync(keyFile, 'no key');
    await waitFor(
      () => occurrences('reload failed, keeping current configuration') > refusals,
      'the refusal',
      15_000,
    );
    assert.match(bed.log, /is not a private key in PEM form/);
    assert.equal((await get(KEYS)).body, before);
    writeKey();
  });

  it('is not there unless it is wanted, and neither are keys', async () => {
    await takeOver({});
    const document = await json(DOCUMENT);
    assert.ok(!('signed_metadata' in document) && !('jwks_uri' in document));
    assert.equal((await get(KEYS)).status, 404);
  });
});

describe("the authorization server's metadata, for clients of MCP 2025-03-26", () => {
  it('is a copy, byte for byte, that any page may read', async () => {
    await takeOver({ mirrorAuthorizationServerMetadata: true });
    const asked = bed.issuer.requests;
    const answer = await get(AUTHORIZATION_SERVER, { headers: { Authorization: 'Bearer x' } });
    assert.equal(answer.status, 200);
    assert.equal(answer.body, bed.issuer.metadataText);
    assert.equal((JSON.parse(answer.body) as { issuer: string }).issuer, bed.issuer.issuer);
    assert.equal(answer.headers['content-type'], 'application/json');
    assert.equal(answer.headers['access-control-allow-origin'], '*');
    for (let i = 0; i < 20; i++) await get(AUTHORIZATION_SERVER);
    assert.equal(bed.issuer.requests, asked, 'no client causes a request');
    assert.deepEqual(bed.upstream.requests, []);
  });

  it('is at no other path, for no other method, and brings no endpoint of its own', async () => {
    for (const path of ['/mcp', '/', '/openid-configuration']) {
      assert.equal((await get(AUTHORIZATION_SERVER + path)).status, 404);
    }
    assert.equal((await get('/.well-known/openid-configuration')).status, 404);
    assert.equal((await get(AUTHORIZATION_SERVER, { method: 'POST' })).status, 405);
    for (const path of ['/authorize', '/token', '/register', '/revoke', '/introspect']) {
      for (const method of ['GET', 'POST']) assert.equal((await get(path, { method })).status, 404);
    }
    assert.deepEqual(bed.upstream.requests, []);
  });

  it('that cannot be had is 503, and no 404: the client may come back', async () => {
    const other = await TestBed.start({
      issuerUp: false,
      config: () => ({ mirrorAuthorizationServerMetadata: true }),
    });
    try {
      const answer = await other.call({ method: 'GET', path: AUTHORIZATION_SERVER });
      assert.equal(answer.status, 503);
      assert.ok(Number(answer.headers['retry-after']) > 0);
      assert.equal(answer.headers['access-control-allow-origin'], '*');
    } finally {
      await other.stop();
    }
  });
});

describe('the scopes of a first challenge', () => {
  const metadata = { scopesSupported: ['mcp:basic', 'mcp:write', 'mcp:read'] };

  it('Baseline: what is required', async () => {
    await takeOver({ initialScopes: 'Baseline', metadata });
    assertRefused(await bed.call(), 'none');
  });

  it('All: everything that is known, once each; a shortfall still names what the operation needs', async () => {
    await takeOver({ initialScopes: 'All', metadata });
    assertRefused(await bed.call(), 'none', 'mcp:basic mcp:write mcp:read');
    assertRefused(await bed.callWith('x'), 'invalid_token', 'mcp:basic mcp:write mcp:read');
    const short = bed.issuer.token({ claims: { scope: 'mcp:write' } });
    assertRefused(await bed.callWith(short), 'insufficient_scope');
    assert.deepEqual(bed.upstream.requests, []);
  });

  it('All, with nothing to name: still a full challenge', async () => {
    await takeOver({ initialScopes: 'All', requiredScopes: [], metadata: { scopesSupported: [] } });
    const { headers } = await bed.call();
    assert.deepEqual(challengeParameters(headers['www-authenticate']), { resource_metadata: METADATA_URL });
  });
});
