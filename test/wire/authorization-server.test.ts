// The embedded authorization server over HTTP: discovery, login, tokens, as Keycloak and as the MCP clients expect them.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify, type JWTPayload } from 'jose';
import { after, before, describe, it } from 'node:test';
import { discover, fetchAccessToken, logIn } from '../../src/local/login/authorization-code.ts';
import {
  startEmbeddedAuthorizationServer,
  type EmbeddedAuthorizationServer,
} from '../support/embedded-authorization-server.ts';

const EITAN = { user: 'eitan', password: 'test' };
const CALLBACK = 'http://127.0.0.1:6274/oauth/callback';

interface Tokens {
  access_token: string;
  refresh_token: string;
  id_token?: string;
  scope: string;
  expires_in: number;
}

describe('embedded authorization server', () => {
  let server: EmbeddedAuthorizationServer;
  let ca: string;
  before(async () => {
    server = await startEmbeddedAuthorizationServer({
      audiences: { 'echo-mcp-server': 'echo-mcp-server', 'weather:read': 'https://weather.example.com/mcp' },
    });
    ca = server.authority.certificate;
  });
  after(() => server.close());

  const at = (path: string) => `${server.issuer}${path}`;
  const origin = () => new URL(server.issuer).origin;

  function authorizationUrl(parameters: Record<string, string | undefined> = {}): {
    url: URL;
    verifier: string;
  } {
    const verifier = randomBytes(32).toString('base64url');
    const url = new URL(at('/protocol/openid-connect/auth'));
    const all = {
      response_type: 'code',
      client_id: 'mcp-client',
      redirect_uri: CALLBACK,
      scope: 'openid echo-mcp-server',
      state: 'xyz',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      ...parameters,
    };
    for (const [name, value] of Object.entries(all))
      if (value !== undefined) url.searchParams.set(name, value);
    return { url, verifier };
  }

  const exchange = (form: Record<string, string>) =>
    fetch(at('/protocol/openid-connect/token'), { method: 'POST', body: new URLSearchParams(form) });

  async function login(parameters: Record<string, string | undefined> = {}): Promise<Tokens> {
    const { url, verifier } = authorizationUrl(parameters);
    const callback = await logIn(url, { ...EITAN, ca });
    const response = await exchange({
      grant_type: 'authorization_code',
      client_id: url.searchParams.get('client_id')!,
      redirect_uri: url.searchParams.get('redirect_uri')!,
      code: callback.searchParams.get('code') ?? assert.fail(callback.href),
      code_verifier: verifier,
      ...(parameters['resource'] === undefined ? {} : { resource: parameters['resource'] }),
    });
    assert.equal(response.status, 200);
    return (await response.json()) as Tokens;
  }

  const claims = async (parameters: Record<string, string | undefined> = {}): Promise<JWTPayload> =>
    decodeJwt((await login(parameters)).access_token);

  describe('discovery', () => {
    const realm = '/realms/my-realm';
    for (const path of [
      `${realm}/.well-known/openid-configuration`,
      `/.well-known/oauth-authorization-server${realm}`,
      `/.well-known/openid-configuration${realm}`,
    ]) {
      it(`answers at ${path}`, async () => {
        const response = await fetch(origin() + path);
        assert.equal(response.status, 200);
        const metadata = (await response.json()) as Record<string, unknown>;
        const endpoint = (name: string) => at(`/protocol/openid-connect/${name}`);
        assert.partialDeepStrictEqual(metadata, {
          issuer: server.issuer,
          authorization_endpoint: endpoint('auth'),
          token_endpoint: endpoint('token'),
          jwks_uri: endpoint('certs'),
          userinfo_endpoint: endpoint('userinfo'),
          end_session_endpoint: endpoint('logout'),
          revocation_endpoint: endpoint('revoke'),
          introspection_endpoint: endpoint('token/introspect'),
          registration_endpoint: at('/clients-registrations/openid-connect'),
          code_challenge_methods_supported: ['S256'],
          authorization_response_iss_parameter_supported: true,
        });
        const scopes = [
          'openid',
          'profile',
          'email',
          'offline_access',
          'basic',
          'echo-mcp-server',
          'mcp:basic',
        ];
        assert.deepEqual(metadata['scopes_supported'], [...scopes, 'weather:read']);
      });
    }

    it('names the issuer whatever address the client came by', async () => {
      const metadata = await fetch(
        `https://127.0.0.1:${server.port}${realm}/.well-known/openid-configuration`,
      );
      assert.partialDeepStrictEqual(await metadata.json(), {
        issuer: server.issuer,
        token_endpoint: at('/protocol/openid-connect/token'),
      });
    });

    for (const path of [
      '/',
      '/.well-known/oauth-authorization-server',
      '/realms/other/.well-known/openid-configuration',
    ]) {
      it(`knows nothing at ${path}`, async () => assert.equal((await fetch(origin() + path)).status, 404));
    }
  });

  describe('access token', () => {
    it('is a JWT signed by the published key', async () => {
      const { access_token: token, expires_in: expires } = await login();
      const keys = createRemoteJWKSet(new URL(at('/protocol/openid-connect/certs')), {});
      const { payload, protectedHeader } = await jwtVerify(token, keys, {
        issuer: server.issuer,
        audience: 'echo-mcp-server',
        algorithms: ['RS256'],
        typ: 'at+jwt',
      });
      assert.equal(protectedHeader.alg, 'RS256');
      assert.equal(payload.exp! - payload.iat!, 300);
      assert.equal(expires, 300);
    });

    it('carries what Keycloak puts into it', async () => {
      const { sub, jti, ...rest } = await claims();
      assert.match(sub!, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      assert.ok(jti);
      assert.partialDeepStrictEqual(rest, {
        azp: 'mcp-client',
        client_id: 'mcp-client',
        preferred_username: 'eitan',
        email: 'eitan@example.com',
        email_verified: true,
        scope: 'openid echo-mcp-server profile email',
      });
    });

    it('has the same subject and another identifier every time', async () => {
      const [first, second] = [await claims(), await claims()];
      assert.equal(first.sub, second.sub);
      assert.notEqual(first.jti, second.jti);
    });

    const audiences: [scope: string | undefined, aud: string | string[]][] = [
      ['openid echo-mcp-server', ['echo-mcp-server', 'account']],
      ['echo-mcp-server', ['echo-mcp-server', 'account']],
      ['echo-mcp-server weather:read', ['echo-mcp-server', 'https://weather.example.com/mcp', 'account']],
      ['openid', 'account'],
      ['mcp:basic', 'account'],
      [undefined, 'account'],
    ];
    for (const [scope, aud] of audiences) {
      it(`has the audience ${JSON.stringify(aud)} for the scope ${scope ?? '(none)'}`, async () => {
        assert.deepEqual((await claims({ scope })).aud, aud);
      });
    }

    for (const resource of ['https://echo.example.com:8001/mcp', 'https://localhost/#fragment', 'no URL']) {
      it(`is the same with resource=${resource}`, async () => {
        assert.deepEqual((await claims({ resource })).aud, ['echo-mcp-server', 'account']);
      });
    }

    it('opens the userinfo endpoint, an altered one does not', async () => {
      const { access_token: token } = await login();
      const userinfo = (bearer: string) =>
        fetch(at('/protocol/openid-connect/userinfo'), { headers: { authorization: `Bearer ${bearer}` } });
      assert.partialDeepStrictEqual(await (await userinfo(token)).json(), { preferred_username: 'eitan' });
      assert.equal((await userinfo(`${token.slice(0, -4)}AAAA`)).status, 401);
    });

    it('comes with the ID token of the same user', async () => {
      const { id_token: idToken, access_token: token } = await login();
      assert.partialDeepStrictEqual(decodeJwt(idToken!), { sub: decodeJwt(token).sub, aud: 'mcp-client' });
    });
  });

  describe('authorization request', () => {
    const errorOf = async (parameters: Record<string, string | undefined>) => {
      const response = await fetch(authorizationUrl(parameters).url, { redirect: 'manual' });
      return new URL(response.headers.get('location')!).searchParams;
    };

    it('without a code challenge is refused', async () => {
      const error = await errorOf({ code_challenge: undefined, code_challenge_method: undefined });
      assert.equal(error.get('error'), 'invalid_request');
    });

    it('with the plain challenge method is refused', async () => {
      assert.equal((await errorOf({ code_challenge_method: 'plain' })).get('error'), 'invalid_request');
    });

    it('with an unknown scope is refused, with the issuer in the answer', async () => {
      const error = await errorOf({ scope: 'openid nonsense' });
      assert.equal(error.get('error'), 'invalid_scope');
      assert.equal(error.get('state'), 'xyz');
      assert.equal(error.get('iss'), server.issuer);
    });

    for (const redirect of [
      'https://evil.example.com/callback',
      'http://127.0.0.1:6274/other',
      'http://10.0.0.1/callback',
    ]) {
      it(`does not redirect to ${redirect}`, async () => {
        const response = await fetch(authorizationUrl({ redirect_uri: redirect }).url, {
          redirect: 'manual',
        });
        assert.equal(response.status, 400);
        assert.match(response.headers.get('content-security-policy')!, /default-src 'none'/);
      });
    }

    for (const redirect of [
      'http://localhost:6274/oauth/callback',
      'http://localhost:6274/oauth/callback/debug',
      'http://127.0.0.1:6276/oauth/callback',
      'http://127.0.0.1:49152/callback',
      'http://[::1]:49153/callback',
    ]) {
      it(`ends at ${redirect}, with code, state and issuer`, async () => {
        const callback = await logIn(authorizationUrl({ redirect_uri: redirect }).url, { ...EITAN, ca });
        assert.ok(callback.href.startsWith(`${redirect}?`));
        assert.ok(callback.searchParams.get('code'));
        assert.equal(callback.searchParams.get('state'), 'xyz');
        assert.equal(callback.searchParams.get('iss'), server.issuer);
      });
    }

    it('with prompt=consent and offline_access, as MCP clients send it, needs no more than the login', async () => {
      const { scope } = await login({ scope: 'echo-mcp-server offline_access', prompt: 'consent' });
      assert.match(scope, /offline_access/);
    });

    it('a code is good for the verifier of its challenge only', async () => {
      const callback = await logIn(authorizationUrl().url, { ...EITAN, ca });
      const response = await exchange({
        grant_type: 'authorization_code',
        client_id: 'mcp-client',
        redirect_uri: CALLBACK,
        code: callback.searchParams.get('code')!,
        code_verifier: randomBytes(32).toString('base64url'),
      });
      assert.equal(response.status, 400);
      assert.partialDeepStrictEqual(await response.json(), { error: 'invalid_grant' });
    });
  });

  describe('login page', () => {
    async function openForm() {
      const first = await fetch(authorizationUrl().url, { redirect: 'manual' });
      const cookie = first.headers
        .getSetCookie()
        .map((line) => line.split(';', 1)[0])
        .join('; ');
      const url = new URL(first.headers.get('location')!, origin());
      return { url, cookie };
    }

    it('is one form with labelled fields and nothing from elsewhere', async () => {
      const { url, cookie } = await openForm();
      const response = await fetch(url, { headers: { cookie } });
      const html = await response.text();
      assert.equal(response.status, 200);
      assert.match(html, /<html lang="en">/);
      assert.match(html, /<form id="kc-form-login" action="[^"]+" method="post">/);
      assert.match(html, /<label>Username\s*<input id="username" name="username"/);
      assert.match(html, /<label>Password\s*<input id="password" name="password" type="password"/);
      assert.doesNotMatch(html, /https?:|<script|<link|url\(/);
    });

    it('comes again after a wrong password, with the error and the name, without the password', async () => {
      const { url, cookie } = await openForm();
      const body = new URLSearchParams({ username: '"><b>eitan', password: 'hunter2' });
      const response = await fetch(url, { method: 'POST', headers: { cookie }, body });
      const html = await response.text();
      assert.equal(response.status, 200);
      assert.match(html, /role="alert">Invalid username or password/);
      assert.match(html, /value="&quot;&gt;&lt;b&gt;eitan"/);
      assert.doesNotMatch(html, /hunter2/);
    });

    it('is refused without the cookie of the request that it belongs to', async () => {
      const { url } = await openForm();
      const response = await fetch(url, { method: 'POST', body: new URLSearchParams(EITAN) });
      assert.equal(response.status, 400);
      assert.match(await response.text(), /start again/);
    });
  });

  describe('registration', () => {
    const register = async (metadata: object) => {
      const body = JSON.stringify({ redirect_uris: ['http://localhost:3000/callback'], ...metadata });
      const headers = { 'content-type': 'application/json', origin: 'http://localhost:6274' };
      return fetch(at('/clients-registrations/openid-connect'), { method: 'POST', headers, body });
    };

    it('makes a public client that can log in, with any loopback port', async () => {
      const response = await register({
        client_name: 'Inspector',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        scope: 'echo-mcp-server and what-not',
      });
      assert.equal(response.status, 201);
      assert.equal(response.headers.get('access-control-allow-origin'), 'http://localhost:6274');
      const client = (await response.json()) as { client_id: string; client_secret?: string };
      assert.equal(client.client_secret, undefined);
      const tokens = await login({
        client_id: client.client_id,
        redirect_uri: 'http://localhost:3999/callback',
      });
      assert.equal(decodeJwt(tokens.access_token)['client_id'], client.client_id);
      assert.ok(tokens.refresh_token);
    });

    it('makes a client with a secret, which the token endpoint asks for', async () => {
      const response = await register({ token_endpoint_auth_method: 'client_secret_post' });
      const client = (await response.json()) as { client_id: string; client_secret: string };
      const { url, verifier } = authorizationUrl({
        client_id: client.client_id,
        redirect_uri: 'http://localhost:3000/callback',
      });
      const callback = await logIn(url, { ...EITAN, ca });
      const form = {
        grant_type: 'authorization_code',
        client_id: client.client_id,
        redirect_uri: 'http://localhost:3000/callback',
        code: callback.searchParams.get('code')!,
        code_verifier: verifier,
      };
      assert.equal((await exchange({ ...form, client_secret: 'wrong' })).status, 401);
      assert.equal((await exchange({ ...form, client_secret: client.client_secret })).status, 200);
    });

    it('refuses a plain redirect to another machine', async () => {
      assert.equal((await register({ redirect_uris: ['http://10.0.0.1/callback'] })).status, 400);
    });
  });

  describe('refresh token', () => {
    it('gives a new access token of the same shape', async () => {
      const { refresh_token: token } = await login();
      const response = await exchange({
        grant_type: 'refresh_token',
        client_id: 'mcp-client',
        refresh_token: token,
      });
      assert.equal(response.status, 200);
      const { access_token: fresh } = (await response.json()) as Tokens;
      assert.deepEqual(decodeJwt(fresh).aud, ['echo-mcp-server', 'account']);
    });

    it('is good once', async () => {
      const { refresh_token: token } = await login();
      const form = { grant_type: 'refresh_token', client_id: 'mcp-client', refresh_token: token };
      assert.equal((await exchange(form)).status, 200);
      assert.equal((await exchange(form)).status, 400);
    });

    it('is not good after it was revoked', async () => {
      const { refresh_token: token } = await login();
      const body = new URLSearchParams({ client_id: 'mcp-client', token });
      assert.equal(
        (await fetch(at('/protocol/openid-connect/revoke'), { method: 'POST', body })).status,
        200,
      );
      const form = { grant_type: 'refresh_token', client_id: 'mcp-client', refresh_token: token };
      assert.equal((await exchange(form)).status, 400);
    });
  });

  describe('key rotation', () => {
    const published = async () => {
      const response = await fetch(at('/protocol/openid-connect/certs'));
      return ((await response.json()) as { keys: { kid: string; d?: string }[] }).keys;
    };

    it('signs with the new key, keeps or drops the old ones, and loses no session', async () => {
      const tokens = await login();
      const [old] = await published();
      const half = authorizationUrl();

      const { kid } = await server.rotateKeys();
      assert.deepEqual(
        (await published()).map((key) => key.kid),
        [kid, old!.kid],
      );
      const form = {
        grant_type: 'refresh_token',
        client_id: 'mcp-client',
        refresh_token: tokens.refresh_token,
      };
      const refreshed = (await (await exchange(form)).json()) as Tokens;
      assert.equal(decodeProtectedHeader(refreshed.access_token).kid, kid);
      assert.equal(decodeProtectedHeader(refreshed.id_token!).kid, kid);
      assert.ok((await logIn(half.url, { ...EITAN, ca })).searchParams.get('code'));

      const next = await server.rotateKeys({ dropOld: true });
      assert.deepEqual(
        (await published()).map((key) => key.kid),
        [next.kid],
      );
    });

    it('never publishes a private key', async () => {
      for (const key of await published()) assert.equal(key.d, undefined);
    });
  });

  describe('browser clients', () => {
    const paths = [
      '/.well-known/openid-configuration',
      '/protocol/openid-connect/token',
      '/protocol/openid-connect/certs',
      '/clients-registrations/openid-connect',
    ];
    for (const path of paths) {
      it(`may preflight ${path} with mcp-protocol-version`, async () => {
        const response = await fetch(at(path), {
          method: 'OPTIONS',
          headers: {
            origin: 'http://localhost:6274',
            'access-control-request-method':
              path.includes('well-known') || path.includes('certs') ? 'GET' : 'POST',
            'access-control-request-headers': 'content-type,mcp-protocol-version',
          },
        });
        assert.equal(response.status, 204);
        assert.equal(response.headers.get('access-control-allow-origin'), 'http://localhost:6274');
        assert.match(response.headers.get('access-control-allow-headers')!, /mcp-protocol-version/);
      });
    }

    it('may read the token answer', async () => {
      const response = await fetch(at('/protocol/openid-connect/token'), {
        method: 'POST',
        headers: { origin: 'http://localhost:6274' },
        body: new URLSearchParams({
          grant_type: 'refresh_token',
          client_id: 'mcp-client',
          refresh_token: 'none',
        }),
      });
      assert.equal(response.headers.get('access-control-allow-origin'), 'http://localhost:6274');
    });
  });

  describe('options', () => {
    it('realm, lifetime and token type are the caller’s', async () => {
      const other = await startEmbeddedAuthorizationServer({
        realm: 'demo',
        tokenLifetime: 60,
        tokenType: 'JWT',
      });
      try {
        assert.match(other.issuer, /\/realms\/demo$/);
        const { access_token: token } = await fetchAccessToken({
          issuer: other.issuer,
          clientId: 'mcp-client',
          scope: 'echo-mcp-server',
          ca: other.authority.certificate,
          ...EITAN,
        });
        const { iat, exp } = decodeJwt(token);
        assert.equal(exp! - iat!, 60);
        assert.equal(decodeProtectedHeader(token).typ, 'JWT');
      } finally {
        await other.close();
      }
    });

    it('a taken port is named', async () => {
      const squatter = createServer().listen(0, '127.0.0.1');
      await once(squatter, 'listening');
      const { port } = squatter.address() as { port: number };
      await assert.rejects(startEmbeddedAuthorizationServer({ port }), {
        code: 'EADDRINUSE',
        message: new RegExp(`port ${port} is already in use`),
      });
      squatter.close();
    });
  });

  it('the discovery of our own client finds it', async () => {
    assert.equal((await discover(server.issuer, ca)).issuer, server.issuer);
  });
});
