// The token command as a process, and its login against a scripted Keycloak: what it prints, and what each failure says.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { decodeJwt } from 'jose';
import { fetchAccessToken, logIn } from '../../src/local/login/authorization-code.ts';
import { openCertificateAuthority } from '../../src/local/certificates/certificate-authority.ts';
import {
  startEmbeddedAuthorizationServer,
  type EmbeddedAuthorizationServer,
} from '../support/embedded-authorization-server.ts';

const PROGRAM = new URL('../../src/local/token.ts', import.meta.url).pathname;

interface Run {
  code: number;
  stdout: string;
  stderr: string;
}

/** The command as its own process, in a directory without a `.local/`. */
function run(cwd: string, args: string[], environment: Record<string, string> = {}): Promise<Run> {
  return new Promise((resolve) => {
    const { PATH = '' } = process.env;
    execFile(
      process.execPath,
      [PROGRAM, ...args],
      { cwd, env: { PATH, ...environment } },
      (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
      },
    );
  });
}

describe('token command', () => {
  let server: EmbeddedAuthorizationServer;
  let directory: string;
  before(async () => {
    server = await startEmbeddedAuthorizationServer();
    directory = await mkdtemp(join(tmpdir(), 'protected-mcp-'));
  });
  after(async () => {
    await server.close();
    await rm(directory, { recursive: true });
  });

  const token = (args: string[] = [], environment?: Record<string, string>) =>
    run(
      directory,
      ['--issuer', server.issuer, '--ca-file', server.authority.certificateFile, ...args],
      environment,
    );

  it('prints the token and nothing else', async () => {
    const { code, stdout, stderr } = await token();
    assert.equal(stderr, '');
    assert.equal(code, 0);
    assert.match(stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    assert.deepEqual(decodeJwt(stdout.trim()).aud, ['echo-mcp-server', 'account']);
  });

  it('asks for the scope and the resource given', async () => {
    const { stdout } = await token([
      '--scope',
      'openid mcp:basic',
      '--resource',
      'https://localhost:8001/mcp',
    ]);
    assert.equal(decodeJwt(stdout.trim())['scope'], 'openid mcp:basic profile email');
  });

  it('takes the password from the environment', async () => {
    assert.equal((await token([], { PASSWORD: 'other' })).code, 1);
    assert.equal((await token([], { PASSWORD: 'test' })).code, 0);
  });

  it('explains itself', async () => {
    const { code, stdout } = await run(directory, ['--help']);
    assert.equal(code, 0);
    assert.match(stdout, /--issuer URL/);
  });

  describe('fails with one line that says what to do', () => {
    const cases: Record<string, { args: () => string[] | Promise<string[]>; code?: number; says: RegExp }> = {
      'wrong password': { args: () => ['--password', 'hunter2'], says: /password for "eitan"/ },
      'unknown client': {
        args: () => ['--client-id', 'nobody'],
        says: /rejected the request: .*client "nobody"/,
      },
      'unknown scope': {
        args: () => ['--scope', 'nonsense'],
        says: /invalid_scope.*requested: nonsense; supported: openid/,
      },
      'redirect URI of another client': {
        args: () => ['--redirect-uri', 'https://example.com/'],
        says: /redirect_uri/,
      },
      'server not running': { args: () => ['--issuer', 'https://localhost:1/realms/x'], says: /npm start/ },
      'another issuer': {
        args: () => ['--issuer', `${server.issuer}/`],
        says: /use exactly that as the issuer/,
      },
      'no authorization server there': {
        args: () => ['--issuer', new URL('/realms/other', server.issuer).href],
        says: /not an authorization server/,
      },
      'issuer that is no URL': { args: () => ['--issuer', 'localhost'], says: /not a valid issuer/ },
      'missing CA file': { args: () => ['--ca-file', 'none.crt'], says: /cannot read the CA file none\.crt/ },
      'another CA': {
        args: async () => ['--ca-file', (await openCertificateAuthority({ directory })).certificateFile],
        says: /not trusted.*--ca-file/,
      },
      'damaged CA file': {
        args: async () => {
          await writeFile(join(directory, 'damaged.crt'), 'not PEM');
          return ['--ca-file', 'damaged.crt'];
        },
        says: /damaged\.crt holds no certificate/,
      },
      'expired CA': {
        args: async () => {
          const clock = () => Date.parse('2001-01-01');
          const authority = await openCertificateAuthority({ directory: join(directory, 'old'), clock });
          return ['--ca-file', authority.certificateFile];
        },
        says: /expired on .*npm start/,
      },
      'unknown option': { args: () => ['--bogus'], code: 2, says: /--bogus[\s\S]*--help/ },
    };
    for (const [name, { args, code = 1, says }] of Object.entries(cases)) {
      it(name, async () => {
        const result = await token(await args());
        assert.match(result.stderr, says);
        assert.equal(result.code, code);
        assert.equal(result.stdout, '');
        assert.doesNotMatch(result.stderr, /\n\s+at |hunter2/);
      });
    }
  });
});

/** Just enough of Keycloak 26: its redirects, cookies and pages, taken from a real one. */
describe('login at Keycloak', () => {
  let server: Server;
  let issuer: string;
  let posted: { form: URLSearchParams; cookie: string } | undefined;
  let afterLogin: (callback: string, res: ServerResponse) => void;
  let metadata: Record<string, unknown> = {};

  before(async () => {
    server = createServer((req, res) => void answer(req, res)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}/realms/my-realm`;
  });
  after(() => server.close());

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = new URL(req.url ?? '/', issuer);
    if (url.pathname === '/realms/my-realm/.well-known/openid-configuration') {
      const endpoint = (name: string) => `${issuer}/protocol/openid-connect/${name}`;
      res.end(
        JSON.stringify({
          issuer,
          authorization_endpoint: endpoint('auth'),
          token_endpoint: endpoint('token'),
          ...metadata,
        }),
      );
    } else if (url.pathname.endsWith('/openid-connect/auth')) {
      const callback = encodeURIComponent(
        `${url.searchParams.get('redirect_uri')}?state=${url.searchParams.get('state')}`,
      );
      res.setHeader('set-cookie', [
        'AUTH_SESSION_ID=abc.def-123; Version=1; Path=/realms/my-realm/; Secure; HttpOnly; SameSite=None',
        'KC_RESTART=old; Path=/realms/my-realm/; Max-Age=0',
      ]);
      const action = `${issuer}/login-actions/authenticate?session_code=s&amp;execution=e&amp;tab_id=t&amp;callback=${callback}`;
      res.end(`<!DOCTYPE html><html><head><title>Sign in to my-realm</title></head><body>
        <form id="kc-select-lang" action="/lang"><input name="lang"></form>
        <form id="kc-form-login" class="pf-v5-c-form" onsubmit="login.disabled = true; return true;" action="${action}" method="post" novalidate="novalidate">
        <input id="username" name="username" value="" type="text" autocomplete="username" autofocus aria-invalid=""/>
        <input id="password" name="password" value="" type="password" autocomplete="current-password" aria-invalid=""/>
        <input type="hidden" id="id-hidden-input" name="credentialId" />
        <input type="hidden" name="tab" value="a&amp;b"/>
        <button name="login" id="kc-login" type="submit">Sign In</button></form></body></html>`);
    } else if (url.pathname.endsWith('/login-actions/authenticate')) {
      let body = '';
      for await (const chunk of req) body += String(chunk);
      posted = { form: new URLSearchParams(body), cookie: req.headers.cookie ?? '' };
      afterLogin(url.searchParams.get('callback')!, res);
    } else if (url.pathname.endsWith('/openid-connect/token')) {
      res.end('{"access_token":"a.b.c","token_type":"Bearer"}');
    } else {
      res.writeHead(404).end();
    }
  }

  const redirect = (extra: string) => (callback: string, res: ServerResponse) => {
    res.writeHead(302, { location: `${callback}&${extra}` }).end();
  };
  const fetchToken = () =>
    fetchAccessToken({ issuer, clientId: 'mcp-client', user: 'eitan', password: 'test', scope: 'openid' });

  it('sends the form as a browser would and gets the token', async () => {
    afterLogin = redirect(`code=c&iss=${encodeURIComponent(issuer)}`);
    assert.equal((await fetchToken()).access_token, 'a.b.c');
    assert.equal(posted?.cookie, 'AUTH_SESSION_ID=abc.def-123');
    assert.deepEqual(Object.fromEntries(posted?.form ?? []), {
      credentialId: '',
      tab: 'a&b',
      username: 'eitan',
      password: 'test',
    });
  });

  it('names the page that wants something else from the user', async () => {
    afterLogin = (_callback, res) =>
      res.end(
        '<title>Sign in to my-realm</title><h1 id="kc-page-title">  Update Account Information\n</h1><form id="kc-update-profile-form"></form>',
      );
    await assert.rejects(fetchToken(), {
      code: 'ERR_UNEXPECTED_PAGE',
      message: /"Update Account Information"/,
    });
  });

  it('says what the error page says', async () => {
    afterLogin = (_callback, res) =>
      res
        .writeHead(400)
        .end(
          '<title>Sign in</title><div id="kc-error-message"><p class="instruction">Invalid &amp; gone</p><p><a id="backToApplication" href="/">Back</a></p></div>',
        );
    await assert.rejects(fetchToken(), { message: /Invalid & gone \(client/ });
  });

  it('never takes the password to another server', async () => {
    afterLogin = (_callback, res) => res.writeHead(302, { location: 'https://evil.example.com/login' }).end();
    await assert.rejects(fetchToken(), {
      code: 'ERR_UNEXPECTED_PAGE',
      message: /leads to another server, https:\/\/evil\.example\.com/,
    });
  });

  it('refuses an answer from another issuer', async () => {
    afterLogin = redirect('code=c&iss=https%3A%2F%2Fevil.example.com');
    await assert.rejects(fetchToken(), { code: 'ERR_CALLBACK', message: /https:\/\/evil\.example\.com/ });
  });

  it('refuses an answer without the issuer that was promised', async () => {
    afterLogin = redirect('code=c');
    metadata = { authorization_response_iss_parameter_supported: true };
    await assert.rejects(fetchToken(), { code: 'ERR_CALLBACK' });
    metadata = {};
  });

  it('refuses an answer with another state', async () => {
    afterLogin = (callback, res) => res.writeHead(302, { location: `${callback}x&code=c` }).end();
    await assert.rejects(fetchToken(), { code: 'ERR_CALLBACK', message: /state/ });
  });

  it('the login alone returns the callback as it is, errors included', async () => {
    afterLogin = redirect('error=access_denied');
    const url = `${issuer}/protocol/openid-connect/auth?redirect_uri=http://127.0.0.1:1/cb&state=s`;
    const callback = await logIn(url, { user: 'eitan', password: 'test' });
    assert.equal(callback.href, 'http://127.0.0.1:1/cb?state=s&error=access_denied');
  });
});
