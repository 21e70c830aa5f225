// The way to Keycloak when it does not behave, by a scripted server: no run hangs, and each says what it got.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setDefaultCACertificates } from 'node:tls';
import { stringify } from 'yaml';
import { parseConfig } from '../../../src/realm/config.ts';
import type { Probes } from '../../../src/realm/connection.ts';
import { describeFailure } from '../../../src/realm/failure.ts';
import { maintainRealm } from '../../../src/realm/maintain-realm.ts';
import type { Settings } from '../../../src/realm/settings.ts';
import { selfSigned, type TestCertificate } from '../../kit/certificate.ts';

const PASSWORD = 'password-of-this-test';

let certificate: TestCertificate;
let server: Server;
let url: string;
let answer: RequestListener;
/** `GET /path`, of every request. */
let requests: string[];

before(async () => {
  certificate = await selfSigned();
  // As the program does with keycloak.caFile; this file is a process of its own.
  setDefaultCACertificates([certificate.cert]);
  server = createServer(certificate, (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `https://localhost:${(server.address() as AddressInfo).port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

interface Outcome {
  /** Of the program. */
  readonly code: number;
  readonly lines: readonly string[];
  /** What the program would write to standard error. */
  readonly failure: string;
}

/** One run against the server. Times are fractions of a second: nothing here waits for a real one. */
async function runAgainst(
  listener: RequestListener,
  { probes = {}, ...keycloak }: Record<string, unknown> & { probes?: Partial<Probes> } = {},
): Promise<Outcome> {
  answer = listener;
  requests = [];
  const admin = { usernameFile: 'username', passwordFile: 'password' };
  const config = parseConfig(
    stringify({ keycloak: { url, admin }, realm: 'r', audiences: [{ scope: 'a', audience: 'a' }] }),
    'config.yaml',
  );
  const settings: Settings = {
    config: {
      ...config,
      keycloak: { ...config.keycloak, waitSeconds: 0, requestTimeoutSeconds: 20, ...keycloak },
    },
    authorities: undefined,
    admin: { grantType: 'password', username: 'admin', password: PASSWORD },
    passwords: new Map(),
  };
  const lines: string[] = [];
  const print = (line: string) => void lines.push(line);
  const outcome = await maintainRealm(settings, {
    print,
    dryRun: false,
    probes: { everyMs: 5, timeoutMs: 20_000, ...probes },
  }).then(
    () => ({ code: 0, lines, failure: '' }),
    (error: unknown) => {
      const { text, exitCode } = describeFailure(error);
      return { code: exitCode, lines, failure: text };
    },
  );
  assert.doesNotMatch(outcome.failure + lines.join('\n'), new RegExp(PASSWORD));
  return outcome;
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
    { listener: () => RequestListener; code: number; failure: RegExp; timeout?: number; probe?: number }
  > = {
    'no answer while waiting: ends by the deadline': {
      listener: () => script({}),
      probe: 50,
      code: 3,
      failure:
        /^cannot reach Keycloak at \S+: gave up after \d+ s \(keycloak\.waitSeconds\): request timed out$/,
    },
    'a gateway that has nothing behind it': {
      listener: () => script({ '/realms/master': { status: 503 } }),
      code: 3,
      failure: /gave up after \d s .*: GET \S+\/realms\/master returned 503$/,
    },
    'another program': {
      listener: () => script({ '/realms/master': { status: 404, body: 'not found' } }),
      code: 3,
      failure: /: GET \S+\/realms\/master returned 404$/,
    },
    'a redirect, which the password must not follow': {
      listener: () =>
        script({ '/realms/master': { status: 302, location: 'https://elsewhere.example.com/' } }),
      code: 3,
      failure: /: unexpected redirect; use the URL that it leads to$/,
    },
    'no answer to the login': {
      listener: () => script(READY),
      timeout: 0.1,
      code: 3,
      failure: /^cannot reach Keycloak at \S+: request timed out$/,
    },
    'a redirect of the login': {
      listener: () =>
        script({ ...READY, [TOKEN_PATH]: { status: 307, location: 'https://elsewhere.example.com/' } }),
      code: 3,
      failure: /unexpected redirect/,
    },
    'no answer in the middle': {
      listener: () => script({ ...READY, [TOKEN_PATH]: token(60) }),
      timeout: 0.2,
      code: 3,
      failure: /^cannot reach Keycloak at \S+: request timed out$/,
    },
    'a fault of Keycloak': {
      listener: () =>
        script({
          ...READY,
          [TOKEN_PATH]: token(60),
          '/admin/realms/r': { status: 500, body: { error: 'unknown_error' } },
        }),
      code: 7,
      failure: /^cannot read realm r: Keycloak returned 500 unknown_error$/,
    },
    'a login that Keycloak has no endpoint for': {
      listener: () =>
        script({ ...READY, [TOKEN_PATH]: { status: 404, body: { error: 'HTTP 404 Not Found' } } }),
      code: 7,
      failure: /^login to realm master at \S+ as user "admin" failed: 404 HTTP 404 Not Found$/,
    },
  };
  for (const [name, { listener, code, failure, timeout = 20, probe = 20_000 }] of Object.entries(rows))
    it(name, async () => {
      const outcome = await runAgainst(listener(), {
        requestTimeoutSeconds: timeout,
        probes: { timeoutMs: probe },
      });
      assert.match(outcome.failure, failure);
      assert.equal(outcome.code, code);
    });
});

it('a certificate for another host: exit code 4, at once', async () => {
  const other = createServer(certificate).listen(0, '127.0.0.2'); // an address that the certificate does not hold
  await once(other, 'listening');
  try {
    const { port } = other.address() as AddressInfo;
    const { code, failure } = await runAgainst(script({}), {
      url: `https://127.0.0.2:${port}`,
      waitSeconds: 60,
    });
    assert.equal(code, 4);
    assert.match(failure, /ERR_TLS_CERT_ALTNAME_INVALID\): issued for another host; use one of its names/);
  } finally {
    other.close();
  }
});

it('a path in the URL is kept', async () => {
  const { code } = await runAgainst(script({ '/auth/realms/master': {} }), {
    url: `${url}/auth/`,
    requestTimeoutSeconds: 0.1,
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
  await runAgainst(listener);
  const admin = `GET /admin/realms/r`;
  const login = `POST ${TOKEN_PATH}`;
  assert.deepEqual(requests, ['GET /realms/master', login, login, admin, login, `${admin}/client-scopes`]);
});

it('waits until Keycloak is there, and then goes on', async () => {
  const { lines } = await runAgainst(
    (request, response) => {
      if (requests.length <= 2) response.writeHead(503).end();
      else script(READY)(request, response);
    },
    { waitSeconds: 60, requestTimeoutSeconds: 0.1 },
  );
  const probe = 'GET /realms/master';
  assert.deepEqual(requests, [probe, probe, probe, `POST ${TOKEN_PATH}`]);
  assert.equal(lines.length, 1); // once, not at every try
  assert.match(lines[0] ?? '', /^waiting for Keycloak at \S+: GET \S+ returned 503$/);
});
