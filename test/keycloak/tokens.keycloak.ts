// The whole arrangement: Keycloak with the realm that the program makes, the sidecar in front of a server, real clients.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
} from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { fetchAccessToken, type TokenResponse } from '../../src/local/login/authorization-code.ts';
import { run } from '../cluster/run.ts';
import { LocalMode, choosePorts } from '../support/local-mode.ts';
import { OAuthMemory } from '../kit/oauth-memory.ts';
import { Admin, type Json } from './admin.ts';
import { logInAndConsent } from './person.ts';
import { runRealm } from './realm-program.ts';
import { Keycloak } from './server.ts';

const ROOT = join(import.meta.dirname, '../..');
const REALM = '/my-realm';
const SCOPE = 'echo-mcp-server';
const INFO = { name: 'test', version: '1' };

let keycloak: Keycloak;
let admin: Admin;
let local: LocalMode;
let trusted: string[];

before(async () => {
  keycloak = await Keycloak.start();
  admin = new Admin(keycloak);
  const { code, stderr } = await runRealm(keycloak);
  assert.equal(code, 0, stderr);
  local = await startSidecar();
  trusted = getCACertificates('default');
  setDefaultCACertificates([...trusted, keycloak.ca, await local.ca()]);
});
after(async () => {
  setDefaultCACertificates(trusted);
  await local.stop();
  await admin.close();
  await keycloak.stop();
});

/** As the README says it for an authorization server that one has. Without clock skew: tokens here are short-lived. */
async function startSidecar(): Promise<LocalMode> {
  const options = ['--issuer', keycloak.issuer(), '--audience', SCOPE, '--scope', SCOPE];
  const started = await LocalMode.begin({
    ports: { ...(await choosePorts()), issuer: keycloak.port },
    fields: { 'spec.authentication.clockSkew': '0s' },
    args: [...options, '--ca-file', keycloak.caFile],
  });
  try {
    await started.ready();
    return started;
  } catch (error) {
    await started.stop();
    throw error;
  }
}

const logIn = (scope = `openid ${SCOPE}`): Promise<TokenResponse> =>
  fetchAccessToken({
    issuer: keycloak.issuer(),
    clientId: 'mcp-client',
    user: 'eitan',
    password: 'test',
    scope,
    ca: keycloak.ca,
  });

const accessToken = async (scope?: string) => (await logIn(scope)).access_token;

const CALL = {
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'echo', arguments: { message: 'ab', repeat_count: 2 } },
};

/** What the sidecar answers to a tool call; its text when the tool did what it should. */
async function callTool(
  token: string | undefined,
): Promise<{ status: number; challenge: string; text: string }> {
  const response = await local.post(CALL, token);
  const body = await response.text();
  return {
    status: response.status,
    challenge: response.headers.get('www-authenticate') ?? '',
    text: /"text":"([^"]*)"/.exec(body)?.[1] ?? body,
  };
}

async function assertAccepted(token: string): Promise<void> {
  const { status, text } = await callTool(token);
  assert.deepEqual({ status, text }, { status: 200, text: 'abab' });
}

/** The way back is the same in every case: the scope that brings the audience, and where the metadata is. */
async function assertRefused(token: string, reason: string): Promise<void> {
  const refusals = () => local.metric('mcp_sidecar_token_verifications_total', { outcome: reason });
  const before = await refusals();
  const { status, challenge, text } = await callTool(token);
  assert.equal(status, 401);
  const metadata = `${new URL(local.url).origin}/.well-known/oauth-protected-resource/mcp`;
  assert.equal(challenge, `Bearer error="invalid_token", scope="${SCOPE}", resource_metadata="${metadata}"`);
  assert.match(text, /"error_description":"The access token is invalid or has expired"/);
  assert.equal(await refusals(), before + 1, reason);
}

describe('a token', () => {
  it('of `npm run token` names the audience and the person, and calls a tool', async () => {
    const args = ['run', '-s', 'token', '--', '--issuer', keycloak.issuer(), '--ca-file', keycloak.caFile];
    const token = (await run('npm', args, { cwd: ROOT })).trim();
    const { aud, sub, azp, scope, preferred_username: name } = decodeJwt(token);
    assert.ok([aud].flat().includes(SCOPE), JSON.stringify(aud));
    assert.ok(sub);
    assert.deepEqual([azp, name], ['mcp-client', 'eitan']);
    assert.ok(String(scope).split(' ').includes(SCOPE), String(scope));
    await assertAccepted(token);
  });

  it('without the scope has no such audience, and the refusal says which scope brings it', async () => {
    const token = await accessToken('openid');
    assert.ok(![decodeJwt(token).aud].flat().includes(SCOPE));
    await assertRefused(token, 'wrong_audience');
  });

  it('of another realm of the same Keycloak is refused', async () => {
    const { body } = await admin.token('master', {
      grant_type: 'password',
      client_id: 'admin-cli',
      ...keycloak.admin,
    });
    await assertRefused(String(body['access_token']), 'unknown_issuer');
  });
});

/** What an application does with either SDK. */
interface Application {
  readonly connect: () => Promise<{
    callTool: (call: Json & { name: string }) => Promise<unknown>;
    close: () => Promise<void>;
  }>;
  readonly finishLogin: (callback: URL) => Promise<void>;
}

const sdks: Record<string, (memory: OAuthMemory) => Application> = {
  'SDK v1': (authProvider) => {
    let transport: TransportV1;
    return {
      connect: async () => {
        transport = new TransportV1(new URL(local.url), { authProvider });
        const client = new ClientV1(INFO);
        await client.connect(transport);
        return client;
      },
      finishLogin: ({ searchParams }) => transport.finishAuth(searchParams.get('code') ?? ''),
    };
  },
  'SDK v2': (authProvider) => {
    let transport: TransportV2;
    return {
      connect: async () => {
        transport = new TransportV2(new URL(local.url), { authProvider });
        const client = new ClientV2(INFO, { versionNegotiation: { mode: 'auto' } });
        await client.connect(transport);
        return client;
      },
      finishLogin: ({ searchParams }) => transport.finishAuth(searchParams),
    };
  },
};

/** From the URL to a tool, with a person in between. @returns what the person was asked to consent to */
async function connectAndCall(application: Application, memory: OAuthMemory): Promise<readonly string[]> {
  await assert.rejects(application.connect(), { message: /Unauthorized/ });
  assert.ok(memory.authorizationUrl, 'the client did not open the browser');
  const { callback, consents } = await logInAndConsent(keycloak, memory.authorizationUrl);
  assert.equal(callback.searchParams.get('error'), null, callback.href);
  await application.finishLogin(callback);
  await callAndClose(application);
  return consents;
}

async function callAndClose(application: Application): Promise<void> {
  const client = await application.connect();
  try {
    const result = await client.callTool({ name: 'echo', arguments: { message: 'ab', repeat_count: 2 } });
    assert.match(JSON.stringify(result), /"abab"/);
  } finally {
    await client.close();
  }
}

describe('official clients', () => {
  for (const [name, sdk] of Object.entries(sdks)) {
    it(`${name} registers itself, asks the person for consent, and calls a tool`, async () => {
      const memory = new OAuthMemory(undefined);
      const consents = await connectAndCall(sdk(memory), memory);
      assert.ok(
        consents.some((line) => line.includes(SCOPE)),
        consents.join(),
      );
      const { aud, sub, azp } = decodeJwt(memory.tokens()?.access_token ?? '');
      assert.deepEqual([aud, azp], [SCOPE, memory.clientInformation()?.client_id]);
      assert.ok(sub, 'a token without sub');
    });

    it(`${name} with the client id mcp-client needs no consent`, async () => {
      const memory = new OAuthMemory({ client_id: 'mcp-client', issuer: keycloak.issuer() });
      assert.deepEqual(await connectAndCall(sdk(memory), memory), []);
    });
  }

  it('a page of a browser that is not named may not register', async () => {
    const register = (origin: string) =>
      fetch(`${keycloak.issuer()}/clients-registrations/openid-connect`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin },
        body: JSON.stringify({
          redirect_uris: ['http://localhost:6274/oauth/callback'],
          token_endpoint_auth_method: 'none',
          scope: `openid ${SCOPE}`,
        }),
      });
    const admitted = await register('http://localhost:6274');
    assert.equal(admitted.status, 201, await admitted.text());
    assert.equal(admitted.headers.get('access-control-allow-origin'), 'http://localhost:6274');
    assert.equal((await register('https://evil.example.com')).status, 403);
  });

  it('a client that would send the code elsewhere cannot register', async () => {
    const response = await fetch(`${keycloak.issuer()}/clients-registrations/openid-connect`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ redirect_uris: ['https://evil.example.com/callback'] }),
    });
    assert.equal(response.status, 403);
    assert.match(await response.text(), /Trusted Hosts/);
  });

  it('mcp-client does not get a code without PKCE', async () => {
    const url = new URL(`${keycloak.issuer()}/protocol/openid-connect/auth`);
    const redirectUri = 'http://localhost:6274/oauth/callback';
    url.search = new URLSearchParams({
      response_type: 'code',
      client_id: 'mcp-client',
      redirect_uri: redirectUri,
      scope: SCOPE,
    }).toString();
    const { callback } = await logInAndConsent(keycloak, url);
    assert.equal(callback.searchParams.get('error'), 'invalid_request');
    assert.match(callback.searchParams.get('error_description') ?? '', /code_challenge_method/);
  });
});

describe('a session', () => {
  const userId = async () => String((await admin.find(`${REALM}/users?username=eitan&exact=true`, {}))['id']);

  it('that the administrator ended: no refresh, and the access token is good until it expires', async () => {
    const { access_token: token, refresh_token: refreshToken = '' } = await logIn();
    await admin.post(`${REALM}/users/${await userId()}/logout`, {});
    const { status, body } = await admin.token('my-realm', {
      grant_type: 'refresh_token',
      client_id: 'mcp-client',
      refresh_token: refreshToken,
    });
    assert.deepEqual([status, body['error']], [400, 'invalid_grant']);
    await assertAccepted(token);
  });

  it('that has ended, with a token that has expired: the client sends the person to log in again', async () => {
    const memory = forgetful(new OAuthMemory({ client_id: 'mcp-client', issuer: keycloak.issuer() }));
    const application = sdks['SDK v2']!(memory);
    await admin.put(REALM, { accessTokenLifespan: 10 });
    try {
      await connectAndCall(application, memory);
    } finally {
      await admin.put(REALM, { accessTokenLifespan: 300 });
    }
    const token = memory.tokens()?.access_token ?? '';
    const { iat = 0, exp = 0 } = decodeJwt(token);
    const until = (seconds: number) =>
      new Promise((resolve) => setTimeout(resolve, seconds * 1000 - Date.now()));
    // The client has an offline token (it asks for the scope). A logout voids those of earlier seconds, not of its own.
    await until(iat + 1.2);
    await admin.post(`${REALM}/users/${await userId()}/logout`, {});
    await until(exp + 1);

    await assertRefused(token, 'expired');
    memory.authorizationUrl = undefined;
    await connectAndCall(application, memory);
  });
});

/** An application that throws tokens away when the authorization server says that they are of no use, as the SDKs ask. */
function forgetful(memory: OAuthMemory): OAuthMemory {
  const { tokens, saveTokens } = memory;
  let forgotten = false;
  return Object.assign(memory, {
    tokens: () => (forgotten ? undefined : tokens()),
    saveTokens: (fresh: Parameters<typeof saveTokens>[0]) => {
      forgotten = false;
      saveTokens(fresh);
    },
    invalidateCredentials: () => void (forgotten = true),
  });
}

describe('keys', () => {
  it('that are rotated: a new token works at once, and from then on the old one does not', async () => {
    const old = await accessToken();
    await assertAccepted(old);
    await rotate();

    const fresh = await accessToken();
    assert.notEqual(decodeProtectedHeader(fresh).kid, decodeProtectedHeader(old).kid);
    await assertAccepted(old); // the sidecar does not know yet: at most its refresh interval, 5 minutes
    await assertAccepted(fresh); // an unknown key id: fetched again, and the withdrawn key goes
    await assertRefused(old, 'unknown_key');
  });
});

describe('Keycloak restarts', () => {
  it('while it is away the sidecar verifies with the keys that it has; afterwards all is as before', async () => {
    const [used, unused] = [await accessToken(), await accessToken()];
    await assertAccepted(used);
    await keycloak.halt();
    await assertAccepted(used);
    await assertAccepted(unused); // not from the cache of verdicts
    assert.equal((await fetch(local.adminUrl('/readyz'))).status, 200);

    await keycloak.run();
    await assertAccepted(used);
    await assertAccepted(await accessToken());
    const { code, lines } = await runRealm(keycloak);
    assert.deepEqual({ code, lines: lines.length }, { code: 0, lines: 1 }, 'the database is the same');
  });
});

/** A new key that signs, and the old ones are withdrawn: what an administrator does after a leak. */
async function rotate(): Promise<void> {
  const providerType = 'org.keycloak.keys.KeyProvider';
  const { id: parentId } = await admin.get(REALM);
  const keys = await admin.list(`${REALM}/components?type=${providerType}`);
  await admin.post(`${REALM}/components`, {
    name: 'next',
    providerId: 'rsa-generated',
    providerType,
    parentId,
    config: {
      priority: ['200'],
      algorithm: ['RS256'],
      keySize: ['2048'],
      active: ['true'],
      enabled: ['true'],
    },
  });
  for (const key of keys.filter(({ providerId }) => providerId === 'rsa-generated')) {
    const config = { ...(key['config'] as Json), active: ['false'], enabled: ['false'] };
    await admin.put(`${REALM}/components/${String(key['id'])}`, { ...key, config });
  }
}
