// The way to Keycloak when it does not behave, by a scripted server: no run hangs, and each says what it got.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { stringify } from 'yaml';
import { runProgram, type Result } from '../../keycloak/realm-program.ts';
import { selfSigned, type TestCertificate } from '../../support/certificate.ts';

const PASSWORD = 'password-of-this-test';

let directory: string;
let certificate: TestCertificate;
let server: Server;
let url: string;
let answer: RequestListener;
/** `GET /path`, of every request. */
let requests: string[];

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'realm-connection-'));
  certificate = await selfSigned();
  await writeFile(join(directory, 'ca.crt'), certificate.cert);
  await writeFile(join(directory, 'username'), 'admin');
  await writeFile(join(directory, 'password'), PASSWORD);
  server = createServer(certificate, (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `https://localhost:${(server.address() as AddressInfo).port}`;
});
after(async () => {
  server.closeAllConnections();
  server.close();
  await rm(directory, { recursive: true });
});

/** Runs the program against the server. */
async function run(listener: RequestListener, keycloak: Record<string, unknown> = {}): Promise<Result> {
  answer = listener;
  requests = [];
  const config = {
    keycloak: {
      url,
      caFile: 'ca.crt',
      waitSeconds: 0,
      requestTimeoutSeconds: 20,
      admin: { usernameFile: 'username', passwordFile: 'password' },
      ...keycloak,
    },
    realm: 'r',
    audiences: [{ scope: 'a', audience: 'a' }],
  };
  await writeFile(join(directory, 'config.yaml'), stringify(config));
  const result = await runProgram(['--config', join(directory, 'config.yaml')]);
  assert.doesNotMatch(result.stderr + result.lines.join('\n'), new RegExp(PASSWORD));
  return result;
}

/** Answers by path; nothing else is answered at all. */
function script(
  answers: Readonly<Record<string, { status?: number; body?: unknown; location?: string }>>,
): RequestListener {
  return (request, response) => {
    const found = answers[new URL(request.url ?? '', url).pathname];
    if (found === undefined) return; // hangs
    const { status = 200, body = {}, location } = found;
    response.writeHead(status, { 'content-type': 'application/json', ...(location && { location }) });
    response.end(JSON.stringify(body));
  };
}

const READY = { '/realms/master': {} };
const TOKEN_PATH = '/realms/master/protocol/openid-connect/token';

/** A token that is good for that long, as far as the client can see. */
function token(seconds: number) {
  const payload = { exp: Math.floor(Date.now() / 1000) + seconds };
  const jwt = `e30.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.x`;
  return { body: { access_token: jwt, token_type: 'Bearer' } };
}

describe('not reached', () => {
  const rows: Record<
    string,
    { listener: () => RequestListener; code: number; stderr: RegExp; timeout?: number }
  > = {
    'no answer while waiting: ends by the deadline': {
      listener: () => script({}),
      code: 3,
      stderr:
        /^cannot reach Keycloak at \S+: tried for \d+ s \(keycloak\.waitSeconds\), at last: no answer in time\n$/,
    },
    'a gateway that has nobody behind it': {
      listener: () => script({ '/realms/master': { status: 503 } }),
      code: 3,
      stderr: /tried for \d s .* at last: GET \S+\/realms\/master answers 503\n$/,
    },
    'another program': {
      listener: () => script({ '/realms/master': { status: 404, body: 'not found' } }),
      code: 3,
      stderr: /at last: GET \S+\/realms\/master answers 404\n$/,
    },
    'a redirect, which the password must not follow': {
      listener: () =>
        script({ '/realms/master': { status: 302, location: 'https://elsewhere.example.com/' } }),
      code: 3,
      stderr: /at last: it answers with a redirect; give the URL that it leads to\n$/,
    },
    'no answer to the login': {
      listener: () => script(READY),
      timeout: 1,
      code: 3,
      stderr: /^cannot reach Keycloak at \S+: no answer in time\n$/,
    },
    'a redirect of the login': {
      listener: () =>
        script({ ...READY, [TOKEN_PATH]: { status: 307, location: 'https://elsewhere.example.com/' } }),
      code: 3,
      stderr: /it answers with a redirect/,
    },
    'no answer in the middle': {
      listener: () => script({ ...READY, [TOKEN_PATH]: token(60) }),
      timeout: 4,
      code: 3,
      stderr: /^cannot reach Keycloak at \S+: no answer in time\n$/,
    },
    'a fault of Keycloak': {
      listener: () =>
        script({
          ...READY,
          [TOKEN_PATH]: token(60),
          '/admin/realms/r': { status: 500, body: { error: 'unknown_error' } },
        }),
      code: 7,
      stderr: /^cannot read realm r: Keycloak answers 500 unknown_error\n$/,
    },
    'a login that Keycloak has no endpoint for': {
      listener: () =>
        script({ ...READY, [TOKEN_PATH]: { status: 404, body: { error: 'HTTP 404 Not Found' } } }),
      code: 7,
      stderr: /^realm master at \S+ does not let user "admin" in: 404 HTTP 404 Not Found\n$/,
    },
  };
  for (const [name, { listener, code, stderr, timeout = 20 }] of Object.entries(rows))
    it(name, async () => {
      const begun = Date.now();
      const result = await run(listener(), { requestTimeoutSeconds: timeout });
      assert.match(result.stderr, stderr);
      assert.equal(result.code, code);
      assert.ok(Date.now() - begun < 20_000);
    });
});

it('a certificate for another host: exit code 4, at once', async () => {
  const other = createServer(certificate).listen(0, '127.0.0.2'); // an address that the certificate does not hold
  await once(other, 'listening');
  try {
    const { port } = other.address() as AddressInfo;
    const { code, stderr } = await run(script({}), { url: `https://127.0.0.2:${port}`, waitSeconds: 60 });
    assert.equal(code, 4);
    assert.match(stderr, /ERR_TLS_CERT_ALTNAME_INVALID\): the certificate is for another host: use a name/);
  } finally {
    other.close();
  }
});

it('a path in the URL is kept', async () => {
  const { code } = await run(script({ '/auth/realms/master': {} }), {
    url: `${url}/auth/`,
    requestTimeoutSeconds: 1,
  });
  assert.equal(code, 3);
  assert.deepEqual(requests, ['GET /auth/realms/master', `POST /auth${TOKEN_PATH}`]);
});

it('a token that is about to expire is replaced before the next request, without a refresh token', async () => {
  const listener = script({
    ...READY,
    [TOKEN_PATH]: token(3),
    '/admin/realms/r': { body: { realm: 'r', id: 'r' } },
    '/admin/realms/r/client-scopes': { status: 500 },
  });
  await run(listener);
  const admin = `GET /admin/realms/r`;
  const login = `POST ${TOKEN_PATH}`;
  assert.deepEqual(requests, ['GET /realms/master', login, login, admin, login, `${admin}/client-scopes`]);
});

it('waits until Keycloak is there, and then goes on', async () => {
  const begun = Date.now();
  const result = await run(
    (request, response) => {
      if (Date.now() - begun < 2_500) response.writeHead(503).end();
      else script(READY)(request, response);
    },
    { waitSeconds: 60, requestTimeoutSeconds: 1 },
  );
  assert.equal(requests.at(-1), `POST ${TOKEN_PATH}`);
  assert.equal(result.lines.length, 1); // once, not at every try
  assert.match(result.lines[0] ?? '', /^waiting for Keycloak at \S+: GET \S+ answers 503$/);
});

describe('the command line', () => {
  it('--help lists the options and the exit codes', async () => {
    const { code, lines } = await runProgram(['--help']);
    assert.equal(code, 0);
    assert.match(lines.join('\n'), /--dry-run[^]*Exit codes/);
  });

  it('an option that is not there: exit code 2', async () => {
    const { code, stderr } = await runProgram(['--password=x']);
    assert.equal(code, 2);
    assert.equal(stderr, "Unknown option '--password'; --help lists the options\n");
  });

  it('a configuration that is not there: exit code 2', async () => {
    const { code, stderr } = await runProgram(['--config', '/nowhere.yaml']);
    assert.equal(code, 2);
    assert.equal(stderr, '/nowhere.yaml: 1 problem(s)\n  cannot be read: ENOENT\n');
  });
});
