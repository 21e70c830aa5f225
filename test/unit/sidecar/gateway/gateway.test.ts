// The order of the steps: of all that is wrong with a request, the first step's refusal is the answer. No TLS, no listener.
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer } from 'node:net';
import { duplexPair, Writable } from 'node:stream';
import { after, before, beforeEach, describe, it } from 'node:test';
import { pino } from 'pino';
import { POD_PLACEMENT, sidecarConfig } from '../../../../src/desired/sidecar-config.ts';
import { parseConfig } from '../../../../src/sidecar/config/config.ts';
import { compileConfig, type CompiledConfig } from '../../../../src/sidecar/gateway/compiled-config.ts';
import { Gateway } from '../../../../src/sidecar/gateway/gateway.ts';
import { createMetrics } from '../../../../src/sidecar/observability/metrics.ts';
import { Sessions } from '../../../../src/sidecar/sessions/sessions.ts';
import { signingKey, type SigningKey } from '../../../kit/issuer.ts';
import { AuthenticatorBed } from '../../../support/authenticator-bed.ts';
import { sample, validServer } from '../../../support/manifests.ts';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}';

let key: SigningKey;
let bed: AuthenticatorBed;
let server: TcpServer;
let gateway: Gateway;
let http: Server;
/** What the server received. */
let forwarded = '';
/** Requests by route, method and status, as the metrics count them. */
let recorded: string[] = [];

before(async () => {
  key = await signingKey('k1', 'ES256');
  bed = new AuthenticatorBed(key);
  server = createTcpServer((socket) => {
    socket.on('error', () => undefined); // an abort is an end
    socket.on('data', (chunk: Buffer) => {
      forwarded += chunk.toString('latin1');
      socket.write(ANSWER);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const metrics = createMetrics({
    requestsInFlight: () => 0,
    upstreamConnections: () => 0,
    cachedTokens: () => 0,
    sessions: () => 0,
    keysLoadedAt: () => [],
  });
  gateway = new Gateway(compiled(), {
    logger: pino(new Writable({ write: (_chunk, _encoding, done) => done() })),
    metrics: {
      ...metrics,
      recordRequest: (route, method, status) => void recorded.push(`${route} ${method} ${status}`),
    },
    sessions: new Sessions(() => bed.now),
    onDrained: () => undefined,
  });
  http = createServer((req, res) => gateway.handle(req, res, false));
});
after(() => {
  gateway.close();
  bed.stop();
  server.close();
});
beforeEach(() => {
  forwarded = '';
  recorded = [];
});

function compiled(changes: object = {}): CompiledConfig {
  const json = {
    ...sidecarConfig(validServer(sample('echo')), POD_PLACEMENT),
    resource: 'https://mcp.test/mcp',
    upstream: { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp` },
    requiredScopes: ['mcp:basic'],
    allowedOrigins: ['https://good.test'],
    ...changes,
  };
  return compileConfig(parseConfig(json, 'test'), {
    onSurplus: () => undefined,
    authenticator: bed.authenticator,
    pseudonym: 'test',
    clock: () => bed.now,
    metadataKey: undefined,
    identityKey: undefined,
    nonces: undefined,
    authorizationServer: () => undefined,
  });
}

interface Parts {
  readonly method: string;
  readonly target: string;
  readonly fields: Readonly<Record<string, string | readonly string[]>>;
  readonly body: string;
}

const PING = '{"jsonrpc":"2.0","id":1,"method":"ping"}';

function good(): Parts {
  return {
    method: 'POST',
    target: '/mcp',
    fields: {
      Host: 'mcp.test',
      Origin: 'https://good.test',
      Authorization: `Bearer ${bed.token(key)}`,
      'Content-Type': 'application/json',
      Connection: 'close',
    },
    body: PING,
  };
}

function head({ method, target, fields, body }: Parts): string {
  const lines = Object.entries(fields).flatMap(([name, values]) =>
    [values].flat().map((value) => `${name}: ${value}\r\n`),
  );
  return `${method} ${target} HTTP/1.1\r\n${lines.join('')}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
}

/**
 * Sends text on a connection in memory.
 * @returns the whole answer: it does not wait for a body that was announced and not sent
 */
function exchange(text: string): Promise<string> {
  const [client, side] = duplexPair();
  http.emit('connection', side);
  return new Promise((resolve, reject) => {
    let answer = '';
    client.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
      const [, fields, body] = /^(.*?)\r\n\r\n(.*)$/s.exec(answer) ?? [];
      const length = /^content-length: (\d+)/im.exec(fields ?? '')?.[1];
      if (length === undefined || body?.length !== Number(length)) return;
      // When the gateway has seen its end, too.
      setImmediate(() => {
        resolve(answer);
        client.destroy();
        side.destroy();
      });
    });
    client.on('close', () => reject(new Error(`no whole answer: ${answer}`)));
    client.write(text, 'latin1');
  });
}

/** Status, and the `error` of the body; of a JSON-RPC error its code. */
async function outcome(parts: Parts, withBody: boolean): Promise<string> {
  const answer = await exchange(head(parts) + (withBody ? parts.body : ''));
  const status = answer.split(' ')[1] ?? 'none';
  const error = /"error":(?:"([a-z_]+)"|\{"code":(-\d+))/.exec(answer);
  return [status, error?.[1] ?? error?.[2]].filter((part) => part !== undefined).join(' ');
}

type Change = (parts: Parts) => Parts;
const field =
  (name: string, value: string | readonly string[]): Change =>
  (parts) => ({ ...parts, fields: { ...parts.fields, [name]: value } });

/** In the order of the steps: what is wrong, how it is answered, and whether that takes the body. */
const FAULTS: readonly [fault: string, change: Change, refusal: string, takesBody?: true][] = [
  ['two Host fields', field('Host', ['mcp.test', 'evil.test']), '400 bad_request'],
  ['the host of another', field('Host', 'evil.test'), '421 misdirected_request'],
  ['an unknown path', (parts) => ({ ...parts, target: '/other' }), '404 not_found'],
  ['an origin that is not allowed', field('Origin', 'https://evil.test'), '403 origin_not_allowed'],
  ['a method that MCP does not have', (parts) => ({ ...parts, method: 'PUT' }), '405 method_not_allowed'],
  ['two tokens', field('Authorization', ['Bearer a', 'Bearer b']), '400 invalid_request'],
  ['a bad token', field('Authorization', 'Bearer a.b.c'), '401 invalid_token'],
  [
    'a token without the scope',
    (parts) => field('Authorization', `Bearer ${bed.token(key, 300, { scope: 'other' })}`)(parts),
    '403 insufficient_scope',
  ],
  ['a body that is no JSON by its type', field('Content-Type', 'text/plain'), '415 unsupported_media_type'],
  ['a body that is no message', (parts) => ({ ...parts, body: '{}' }), '400 -32600', true],
  ['a session that never was', field('Mcp-Session-Id', 'unknown'), '404 session_not_found', true],
];

describe('a request with nothing wrong', () => {
  it('is forwarded, with exactly its body', async () => {
    assert.equal(await outcome(good(), true), '200');
    assert.ok(forwarded.startsWith('POST /mcp HTTP/1.1\r\n'), forwarded);
    assert.ok(forwarded.endsWith(`\r\n\r\n${PING}`), forwarded);
    assert.ok(!forwarded.includes('uthorization'), 'without its token');
    assert.deepEqual(recorded, ['mcp POST 200']);
    assert.equal(gateway.inFlight, 0);
  });
});

describe('of all that is wrong, the first step refuses:', () => {
  FAULTS.forEach(([fault, , refusal, takesBody], index) => {
    it(`${fault}: ${refusal}`, async () => {
      // The last change made is the one that holds where two are of one field: the earlier step's.
      const parts = FAULTS.slice(index)
        .toReversed()
        .reduce((changed, [, change]) => change(changed), good());
      // A refusal that does not take the body comes before it is sent.
      assert.equal(await outcome(parts, takesBody ?? false), refusal);
      assert.equal(forwarded, '', 'the server hears nothing');
      assert.equal(recorded.length, 1, `recorded once: ${recorded.join(', ')}`);
      assert.equal(gateway.inFlight, 0);
    });

    it(`${fault}, and nothing else: ${refusal}`, async () => {
      const [, change] = FAULTS[index]!;
      assert.equal(await outcome(change(good()), takesBody ?? false), refusal);
      assert.equal(forwarded, '');
    });
  });
});

describe('a configuration that is replaced', () => {
  it('serves the next request, and closes idle connections to the server before', async () => {
    assert.equal(await outcome(good(), true), '200');
    const previous = gateway.config;
    assert.equal(previous.upstream.connections, 1);
    gateway.replaceConfig(compiled({ requiredScopes: ['mcp:other'] }));
    assert.equal(await outcome(good(), false), '403 insufficient_scope');
    gateway.replaceConfig(compiled());
    assert.equal(await outcome(good(), true), '200');
    assert.equal(previous.upstream.connections, 0);
  });
});

describe('what a step throws', () => {
  const throwing = (): never => {
    throw new Error('fault');
  };
  const faults: readonly [step: string, member: Partial<CompiledConfig>][] = [
    ['routing', { route: throwing }],
    ['the origin', { isAllowedOrigin: throwing }],
    ['the content type', { contentDenial: throwing }],
    ['the policy', { policy: { requiredScopes: ['a'], scopes: { covers: throwing, stepUp: throwing } } }],
  ];
  for (const [step, member] of faults) {
    it(`${step}: one 500, recorded once, and nothing is forwarded`, async () => {
      const config = compiled();
      gateway.replaceConfig({ ...config, ...member });
      const answer = await exchange(head(good()) + PING);
      gateway.replaceConfig(config);
      assert.match(answer, /^HTTP\/1\.1 500 /);
      assert.ok(!answer.includes('fault') && !/^www-authenticate:/im.test(answer), answer);
      assert.equal(forwarded, '');
      assert.equal(recorded.length, 1);
      assert.equal(gateway.inFlight, 0);
    });
  }

  it('an answer of the server: one 500, recorded once, and its place is given back', async () => {
    const config = compiled();
    const responseHeaders = Object.assign(Object.create(config.proxySettings.responseHeaders), {
      read: throwing,
    }) as never;
    gateway.replaceConfig({ ...config, proxySettings: { ...config.proxySettings, responseHeaders } });
    const answer = await exchange(head(good()) + PING);
    gateway.replaceConfig(config);
    assert.match(answer, /^HTTP\/1\.1 500 /);
    assert.match(answer, /"id":1,"error":\{"code":-32603/);
    assert.deepEqual(recorded, ['mcp POST 500']);
    assert.equal(gateway.inFlight, 0);
  });
});
