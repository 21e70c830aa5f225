// Every way in which an issuer can fail: a real sidecar meets it, and the operator's condition names its reason and next step.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer as createPlainServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { pino } from 'pino';
import { keysAvailable } from '../../src/operator/checks/keys-available.ts';
import { parseStatus } from '../../src/operator/sidecar-status.ts';
import { ADMIN_PATHS, ISSUER_ERROR_CODES, type IssuerErrorCode } from '../../src/protocol/sidecar-status.ts';
import type { IssuerConfig } from '../../src/sidecar/config/config.ts';
import { fetchText, parseJson, type FetchText } from '../../src/sidecar/issuers/fetch.ts';
import { Sidecar } from '../../src/sidecar/sidecar.ts';
import { selfSigned } from '../kit/certificate.ts';
import { signingKey } from '../kit/issuer.ts';
import { inputs, pod, report } from '../support/operator-inputs.ts';
import { TestBed } from '../support/sidecar.ts';
import { waitFor } from '../kit/wait.ts';

let bed: TestBed;
const servers: Server[] = [];
before(async () => {
  bed = await TestBed.start();
});
after(async () => {
  for (const server of servers) server.close();
  await bed.stop();
});

/** What differs from an issuer that works. */
interface Situation {
  readonly issuer?: string;
  readonly jwks?: Partial<IssuerConfig['jwks']>;
  readonly timeoutMs?: number;
}

interface Row {
  readonly failure: string;
  readonly code: IssuerErrorCode;
  readonly reason: 'IssuerUnreachable' | 'DiscoveryFailed' | 'NoUsableKey';
  readonly nextStep: RegExp;
  readonly arrange: () => Situation | Promise<Situation>;
}

const METADATA = /\/\.well-known\//;
const JWKS = /\/certs$/;

/** Lets the issuer answer requests for such paths by a script of its own. */
function answer(path: RegExp, script: (res: ServerResponse) => void): Situation {
  bed.issuer.intercept = (req, res) => {
    if (!path.test(req.url ?? '')) return false;
    script(res);
    return true;
  };
  return {};
}

const text =
  (path: RegExp, body: string | Buffer, status = 200) =>
  () =>
    answer(path, (res) => void res.writeHead(status, { 'Content-Type': 'application/json' }).end(body));
const json = (path: RegExp, body: unknown) => () => text(path, JSON.stringify(body))();
/** Metadata as it should be, but for its key endpoint. */
const metadata = (members: () => object) => () =>
  json(METADATA, { issuer: bed.issuer.issuer, ...members() })();

/** An issuer of its own at a port of its own, on anything that listens. */
async function at(server: Server): Promise<Situation> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  return { issuer: `https://localhost:${(server.address() as AddressInfo).port}` };
}

async function atClosedPort(): Promise<Situation> {
  const server = createTcpServer();
  const situation = await at(server);
  await new Promise((resolve) => server.close(resolve));
  return situation;
}

async function trustingAnother(): Promise<Situation> {
  const caFile = join(bed.directory, 'other.crt');
  await writeFile(caFile, (await selfSigned()).cert);
  return { jwks: { caFile } };
}

const RUNS = /Check that the issuer is up/;
const TRUST = /jwks\.caBundleRef/;
const DOCUMENT = /Check the issuer and its metadata/;
const KEY = /Publish a signing key/;

const ROWS: readonly Row[] = [
  ...(
    [
      ['refuses connections', 'unreachable', atClosedPort],
      // A label of 64 characters: no resolver asks for it (RFC 1035 section 2.3.4).
      [
        'has a name that does not resolve',
        'unreachable',
        () => ({ issuer: `https://${'a'.repeat(64)}.localhost` }),
      ],
      ['cuts connections', 'unreachable', () => answer(METADATA, (res) => res.socket?.destroy())],
      ['never answers', 'timeout', () => ({ ...answer(METADATA, () => undefined), timeoutMs: 200 })],
      [
        'never ends its answer',
        'timeout',
        () => ({ ...answer(METADATA, (res) => res.write('{')), timeoutMs: 200 }),
      ],
      ['answers 503', 'unavailable', text(METADATA, '{}', 503)],
      ['answers 429', 'unavailable', text(METADATA, '{}', 429)],
      ['answers 500 for its keys', 'unavailable', text(JWKS, '{}', 500)],
    ] as const
  ).map(([failure, code, arrange]) => ({
    failure,
    code,
    arrange,
    reason: 'IssuerUnreachable' as const,
    nextStep: RUNS,
  })),
  ...(
    [
      ['has a certificate of an unknown authority', trustingAnother],
      ['speaks no TLS', () => at(createPlainServer((_req, res) => res.end('{}')))],
    ] as const
  ).map(([failure, arrange]) => ({
    failure,
    code: 'tls' as const,
    arrange,
    reason: 'IssuerUnreachable' as const,
    nextStep: TRUST,
  })),
  ...(
    [
      [
        'redirects',
        'redirect',
        () => answer(METADATA, (res) => void res.writeHead(302, { Location: '/x' }).end()),
      ],
      ['has no metadata', 'bad_status', text(METADATA, '{}', 404)],
      [
        'switches protocols',
        'bad_status',
        () =>
          answer(
            METADATA,
            (res) =>
              void res.socket?.end(
                'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
              ),
          ),
      ],
      ['answers with metadata of 1 MiB', 'too_large', text(METADATA, ' '.repeat(1024 * 1024))],
      ['answers with keys of 1 MiB', 'too_large', text(JWKS, ' '.repeat(1024 * 1024))],
      ['answers in another encoding', 'not_utf8', text(METADATA, Buffer.from([0x22, 0xff, 0x22]))],
      ['answers with HTML', 'not_json', text(METADATA, '<html>')],
      ['answers with keys in HTML', 'not_json', text(JWKS, '<html>')],
      ['answers with a list for metadata', 'not_metadata', json(METADATA, [])],
      ['has metadata without an issuer', 'not_metadata', json(METADATA, { jwks_uri: 'https://x' })],
      ['has metadata without a jwks_uri', 'no_jwks_uri', metadata(() => ({}))],
      [
        'has a jwks_uri of plain http',
        'no_jwks_uri',
        metadata(() => ({ jwks_uri: 'http://localhost/certs' })),
      ],
      ['has a key set without keys array', 'not_jwks', json(JWKS, { key: [] })],
      ['answers with a list for a key set', 'not_jwks', json(JWKS, [])],
    ] as const
  ).map(([failure, code, arrange]) => ({
    failure,
    code,
    arrange,
    reason: 'DiscoveryFailed' as const,
    nextStep: DOCUMENT,
  })),
  {
    failure: 'speaks TLS, but not HTTP',
    code: 'not_http',
    reason: 'DiscoveryFailed',
    nextStep: DOCUMENT,
    arrange: () =>
      at(
        createTlsServer({ cert: bed.certificate.cert, key: bed.certificate.key }, (socket) => {
          socket.on('error', () => undefined);
          socket.once('data', () => socket.end('220 ready\r\n'));
        }),
      ),
  },
  {
    failure: 'has metadata of another issuer',
    code: 'issuer_mismatch',
    reason: 'DiscoveryFailed',
    nextStep: /Copy the issuer from the metadata/,
    arrange: () => json(METADATA, { issuer: 'https://other.test', jwks_uri: bed.issuer.jwksUri })(),
  },
  {
    failure: 'has a jwks_uri at an address that metadata may not name',
    code: 'refused_address',
    reason: 'DiscoveryFailed',
    nextStep: /Set jwks\.uri/,
    arrange: metadata(() => ({ jwks_uri: bed.issuer.jwksUri.replace('localhost', '127.0.0.1') })),
  },
  {
    failure: 'is configured by its key endpoint, which answers 503',
    code: 'unavailable',
    reason: 'IssuerUnreachable',
    nextStep: RUNS,
    arrange: () => ({ ...text(JWKS, '{}', 503)(), jwks: { uri: bed.issuer.jwksUri } }),
  },
  ...(
    [
      ['publishes no key', () => []],
      ['publishes symmetric keys only', () => [{ kty: 'oct', k: 'c2VjcmV0', kid: 'k1' }]],
      ['publishes weak keys only', async () => [(await signingKey('weak', 'RS256', 1024)).jwk]],
      ['publishes keys for encryption only', () => [{ ...bed.issuer.keys[0]!.jwk, use: 'enc' }]],
    ] as const
  ).map(([failure, keys]) => ({
    failure,
    code: 'no_usable_key' as const,
    reason: 'NoUsableKey' as const,
    nextStep: KEY,
    arrange: async () => json(JWKS, { keys: await keys() })(),
  })),
];

/** A sidecar before such an issuer; gives what it says at /status once it has failed. */
async function statusOf({ issuer = bed.issuer.issuer, jwks, timeoutMs }: Situation): Promise<string> {
  const [first] = bed.config.issuers;
  const config = {
    ...bed.config,
    issuers: [{ ...first!, issuer, jwks: { ...first!.jwks, ...jwks } }],
    drainSeconds: 0,
  };
  const file = join(bed.directory, 'failing.json');
  await writeFile(file, JSON.stringify(config));
  const bounded: FetchText = (url, options) =>
    fetchText(url, { ...options, ...(timeoutMs !== undefined && { timeoutMs }) });
  const stop = new AbortController();
  const sidecar = new Sidecar(file, {
    logger: pino(new Writable({ write: (_chunk, _encoding, done) => done() })),
    clock: () => Date.now(),
    fetchText: bounded,
    fetchJson: async (url, options) => parseJson(url, await bounded(url, options)),
    stop: stop.signal,
  });
  try {
    const { adminPort } = await sidecar.start();
    let status = '';
    await waitFor(async () => {
      status = await (await fetch(`http://127.0.0.1:${adminPort}${ADMIN_PATHS.status}`)).text();
      return status.includes('"lastError"');
    }, 'the first failure');
    return status;
  } finally {
    stop.abort();
    await sidecar.closed;
  }
}

describe('an issuer that', () => {
  for (const { failure, code, reason, nextStep, arrange } of ROWS) {
    it(`${failure}: ${code}, ${reason}`, async () => {
      bed.issuer.intercept = () => false;
      const situation = await arrange();
      const status = parseStatus(await statusOf(situation));
      const [issuer] = status.issuers;
      assert.equal(issuer?.keys, 0);
      assert.equal(issuer.lastError?.code, code, issuer.lastError?.message);
      assert.equal(status.ready, false);

      const condition = keysAvailable(
        inputs({ pods: [pod({ name: 'echo-1', report: report({ status }) })] }),
      );
      assert.equal(condition.status, 'False');
      assert.equal(condition.reason, reason);
      const name = situation.issuer ?? bed.issuer.issuer;
      assert.ok(condition.message.startsWith(`Sidecar in pod echo-1 has no signing keys for ${name}: `));
      assert.match(condition.message, /; requests get 503 until keys load\. /);
      assert.match(condition.message, nextStep);
    });
  }

  it('fails in any other way is a defect, or has nothing to do with keys', () => {
    const shown = new Set(ROWS.map(({ code }) => code));
    assert.deepEqual(
      ISSUER_ERROR_CODES.filter((code) => !shown.has(code)),
      ['no_introspection_endpoint', 'not_introspection', 'stopped', 'unexpected'],
    );
  });
});
