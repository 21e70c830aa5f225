// Every way in which an authorization ends, for every kind of request under way: what its client sees, and what the server
// had of it (RESOURCE_SERVER C50, D38 to D40).
import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { after, before, describe, it } from 'node:test';
import type { SidecarConfig } from '../../src/sidecar/config/config.ts';
import { selfSigned } from '../kit/certificate.ts';
import { DpopClient } from '../kit/dpop.ts';
import { readAll } from '../kit/http.ts';
import { IntrospectionEndpoint } from '../kit/introspection.ts';
import { signingKey, type SigningKey } from '../kit/issuer.ts';
import { RawConnection } from '../kit/raw.ts';
import { selected } from '../kit/selection.ts';
import { openEventStream } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';
import { withIntrospection } from '../support/introspection.ts';
import { PING, TestBed, TRANSPORT } from '../support/sidecar.ts';
import {
  KINDS,
  ORIGIN,
  Server,
  UNREAD_KINDS,
  waiting,
  type Begin,
  type UnderWay,
} from '../support/under-way.ts';

/** Under which requests to the old host are still served. */
const NEW_RESOURCE = { resource: 'https://mcp.example:8001/mcp', publicHosts: ['localhost'] };
const FAR = 4_000_000_000;
const MAX_STREAM_SECONDS = 40;

/** What becomes of each kind; `served` is the answer of the server. */
interface Expected {
  /** Of a body that comes to its end after it; `served` where that is a call like any. */
  readonly body: string;
  /** Of a body that goes by unread. */
  readonly unread: string;
  readonly call: string;
  /** Of a call whose answer has begun. */
  readonly answer: string;
  readonly listening: string;
  readonly subscription: string;
}

/** What a fresh request gets is what one under way gets, as far as its answer has not begun. */
const refused = (status: number): Expected => ({
  body: String(status),
  unread: String(status),
  call: String(status),
  answer: 'cut',
  listening: 'ended',
  subscription: 'ended with result',
});
/** A call that is all there may finish. */
const callsFinish: Expected = { ...refused(401), call: '200', answer: 'whole' };
/** So does one that is not: only what listens ends. */
const streamsEnd: Expected = { ...callsFinish, body: '200', unread: '200' };

function expectedOf(kind: string, expected: Expected): string {
  if (kind.includes('unread')) return kind.startsWith('short') ? expected.body : expected.unread;
  if (kind.includes('body')) return expected.body;
  switch (kind) {
    case 'call that waits for its answer':
      return expected.call;
    case 'call answered by a stream':
      return expected.answer;
    case 'listening stream':
      return expected.listening;
    case 'subscription':
      return expected.subscription;
    default:
      throw new Error(`no expectation of ${kind}`);
  }
}

interface World {
  readonly token: (subject: string) => string;
  /** A little of each body comes. */
  readonly trickle: () => void;
}

/** One way for an authorization to end. */
interface Ending {
  readonly expected: Expected;
  /** It concerns only requests that were begun with checks of messages so. */
  readonly only?: 'Off';
  /** The configuration by which requests are begun. */
  readonly config?: (defaults: SidecarConfig) => Partial<SidecarConfig>;
  /** What tokens are like before. */
  readonly token?: (bed: TestBed, subject: string) => string;
  /** Before requests are begun. */
  readonly prepare?: (bed: TestBed) => void;
  /** Makes authorizations end, and waits until it is so for fresh requests. */
  readonly end: (bed: TestBed, world: World) => Promise<void>;
  /** All that it does is to replace the configuration: another sidecar is not needed for the next. */
  readonly isReversible?: true;
}

const longToken = (bed: TestBed, subject: string) => bed.issuer.token({ claims: { sub: subject, exp: FAR } });

/** Another configuration. */
const change = (
  expected: Expected,
  changes: (config: SidecarConfig, bed: TestBed) => Partial<SidecarConfig>,
): Ending => ({ expected, isReversible: true, end: (bed) => bed.takeOver(changes(bed.config, bed)) });

/** Another configuration of the issuer. */
const changeIssuer = (changes: (issuer: SidecarConfig['issuers'][number], bed: TestBed) => object): Ending =>
  change(refused(401), ({ issuers }, bed) => ({
    issuers: issuers.map((issuer) => ({ ...issuer, ...changes(issuer, bed) })),
  }));

let spare: SigningKey;
before(async () => {
  spare = await signingKey('k9');
});

const ENDINGS: Record<string, Ending> = {
  'the token expires': {
    expected: callsFinish,
    token: (bed, sub) => bed.issuer.token({ claims: { sub, exp: Math.floor(Date.now() / 1000) + 30 } }),
    end: async (bed, { token }) => {
      const short = token('control');
      await bed.advance(31_000);
      assert.equal((await bed.callWith(short)).status, 401);
    },
  },
  'its key is withdrawn': {
    expected: refused(401),
    end: async (bed) => {
      bed.issuer.keys = [spare];
      // A token with a key that is not known makes the sidecar look.
      assert.equal((await bed.callWith(longToken(bed, 'the first of the new key'))).status, 200);
    },
  },
  'the issuer is removed': changeIssuer(({ jwks }, { issuer }) => ({
    issuer: 'https://elsewhere.example/realm',
    jwks: { ...jwks, uri: issuer.jwksUri },
  })),
  'its audience is not accepted any more': changeIssuer(() => ({ audiences: ['another'] })),
  'its algorithm is not accepted any more': changeIssuer(() => ({ algorithms: ['ES256'] })),
  'its profile is not accepted any more': changeIssuer(() => ({ tokenProfile: 'Strict' })),
  'tokens must be bound to a key': change(refused(401), () => ({
    dpop: { mode: 'Require', proofLifetimeSeconds: 60, nonces: 'Off' },
  })),
  'another scope is required': change(refused(403), () => ({ requiredScopes: ['mcp:basic', 'mcp:admin'] })),
  'the path is another': change(refused(404), () => ({ resource: 'https://localhost:8001/other' })),
  'the host is another': change(refused(421), () => ({ resource: 'https://mcp.example:8001/mcp' })),
  'its Origin is not allowed any more': change(refused(403), () => ({ allowedOrigins: [] })),
  'messages must be checked': {
    ...change({ ...callsFinish, body: '200', unread: '400' }, ({ transport }) => ({
      transport: { ...transport, messageChecks: 'Enforced' },
    })),
    only: 'Off',
  },
  'introspection says inactive': {
    expected: refused(401),
    config: (defaults) => withIntrospection(defaults),
    token: (_bed, subject) => `opaque-${Buffer.from(subject).toString('hex')}`,
    prepare: (bed) => {
      const endpoint = new IntrospectionEndpoint(bed.issuer);
      endpoint.answer = (token) => {
        const sub = Buffer.from(token.slice('opaque-'.length), 'hex').toString();
        return endpoint.active({ sub, exp: FAR });
      };
      introspection.set(bed, endpoint);
    },
    end: async (bed, { token, trickle }) => {
      introspection.get(bed)!.answer = () => '{"active":false}';
      await bed.advance(31_000);
      trickle();
      // A new connection takes longer than bytes on the old ones.
      assert.equal((await bed.callWith(token('control'))).status, 200);
      await bed.advance(30_000);
      assert.equal((await bed.callWith(token('control'))).status, 401);
    },
  },
  'a stream has had its time': {
    expected: streamsEnd,
    config: ({ transport }) => ({ transport: { ...transport, maxStreamSeconds: MAX_STREAM_SECONDS } }),
    end: (bed) => bed.advance(MAX_STREAM_SECONDS * 1000),
  },
  'the sidecar stops': {
    expected: streamsEnd,
    end: async (bed) => {
      void bed.terminate();
      await waitFor(() => bed.log.includes('"draining"'), 'the sidecar to drain');
    },
  },
};

const introspection = new WeakMap<TestBed, IntrospectionEndpoint>();

async function start(ending: Ending, messageChecks: 'Enforced' | 'Off'): Promise<TestBed> {
  const bed = await TestBed.start({
    movableClock: true,
    issuerUp: ending.prepare === undefined,
    config: (defaults) => {
      const config = { ...defaults, clockSkewSeconds: 0, ...ending.config?.(defaults) };
      return { ...config, transport: { ...config.transport, messageChecks } };
    },
  });
  ending.prepare?.(bed);
  bed.issuer.up = true;
  await bed.ready();
  return bed;
}

/** Sidecars of which nothing has to be special, one for each way to treat messages. */
const shared = new Map<'Enforced' | 'Off', TestBed>();
after(async () => {
  for (const bed of shared.values()) await bed.stop();
});

async function bedFor(ending: Ending, checks: 'Enforced' | 'Off'): Promise<TestBed> {
  if (ending.isReversible === undefined) return start(ending, checks);
  const bed = shared.get(checks) ?? (await start(ending, checks));
  shared.set(checks, bed);
  return bed;
}

/** Longer than any end takes. */
const stillUnderWay = () =>
  new Promise<string>((resolve) => setTimeout(() => resolve('still under way'), 6_000).unref());

/** All kinds at once on one sidecar: begun, ended by the same event, and then looked at one by one. */
function table(name: string, ending: Ending, checks: 'Enforced' | 'Off', kinds: Record<string, Begin>): void {
  describe(`${name}: checks of messages ${checks}`, () => {
    let bed: TestBed;
    let original: SidecarConfig;
    let server: Server;
    const underWay = new Map<string, UnderWay>();
    const hadBefore = new Map<string, string>();

    before(async () => {
      bed = await bedFor(ending, checks);
      original = bed.config;
      server = new Server(bed);
      const token = (subject: string) => (ending.token ?? longToken)(bed, subject);
      assert.equal((await bed.callWith(token('control'), { headers: { Origin: ORIGIN } })).status, 200);
      for (const [kind, begin] of Object.entries(kinds))
        underWay.set(kind, await begin(bed, token(kind), kind));
      const isHeld = (kind: string) => kind.includes('body') && !/^(long|chunked)/.test(kind);
      for (const kind of Object.keys(kinds))
        if (!isHeld(kind)) await waitFor(() => server.had(kind) !== 'nothing', `${kind} to reach the server`);
      await ending.end(bed, { token, trickle: () => underWay.forEach(({ trickle }) => trickle()) });
      for (const kind of Object.keys(kinds)) hadBefore.set(kind, server.had(kind));
    });
    after(() => (ending.isReversible ? bed.takeOver(original) : bed.stop()));

    for (const kind of Object.keys(kinds)) {
      const expected = expectedOf(kind, ending.expected);
      it(`${kind}: ${expected}`, async () => {
        const { goOn, outcome } = underWay.get(kind)!;
        goOn();
        const mayFinish = expected === '200' || expected === 'whole';
        if (mayFinish) {
          await waitFor(() => server.had(kind).startsWith('all'), 'all of it to reach the server');
          server.finish(kind);
        }
        if (kind.includes('pipelined')) server.finish('the first of two, waits');
        assert.equal(await Promise.race([outcome, stillUnderWay()]), expected);
        if (mayFinish) return;
        if (hadBefore.get(kind) === 'nothing') assert.equal(server.had(kind), 'nothing');
        else await waitFor(() => server.had(kind).endsWith('closed'), 'the server to see the end');
        if (kind.includes('unread')) assert.ok(!server.had(kind).startsWith('all'), server.had(kind));
      });
    }
  });
}

for (const [name, ending] of Object.entries(ENDINGS))
  if (ending.only === undefined) table(name, ending, 'Enforced', KINDS);

/** By time, by a key, by a configuration, and what concerns unread bodies alone. */
const SOME = ['the token expires', 'its key is withdrawn', 'the path is another', 'messages must be checked'];
for (const [name, ending] of selected(ENDINGS, SOME)) table(name, ending, 'Off', UNREAD_KINDS);

const NO_WORLD: World = { token: () => '', trickle: () => undefined };

describe('a request that waits for the key of its token, and meanwhile', () => {
  let bed: TestBed;
  let original: SidecarConfig;
  before(async () => {
    bed = await start(ENDINGS['the path is another']!, 'Enforced');
    original = bed.config;
  });
  after(() => bed.stop());

  const rows: [name: string, status: number, end: () => unknown][] = [
    ['nothing', 200, () => undefined],
    ['the token expires', 401, () => new Promise((resolve) => setTimeout(resolve, 1_500))],
    ['its key is not published', 401, () => (bed.issuer.keys = bed.issuer.keys.slice(1))],
    ...Object.entries(ENDINGS).flatMap<[string, number, () => unknown]>(([name, ending]) =>
      ending.isReversible && ending.only === undefined
        ? [[name, Number(ending.expected.call), () => ending.end(bed, NO_WORLD)]]
        : [],
    ),
    // It has stopped to ask for keys, and another replica has them.
    ['the sidecar stops', 503, () => ENDINGS['the sidecar stops']!.end(bed, NO_WORLD)],
  ];
  for (const [name, status, end] of rows) {
    it(`${name}: ${status}`, async () => {
      await bed.advance(11_000); // a token makes the sidecar ask for keys, but not twice at once
      const begun = bed.config;
      const server = new Server(bed);
      const { keys } = bed.issuer;
      bed.issuer.keys = [await signingKey(name), ...keys];
      bed.issuer.hang = true;
      const life = name === 'the token expires' ? 1 : 3600;
      const exp = Math.floor((Date.now() + bed.advanced) / 1000) + life;
      const { outcome } = await waiting(bed, bed.issuer.token({ claims: { sub: 'a', exp } }), 'a');
      await waitFor(() => bed.issuer.hanging > 0, 'the sidecar to ask for keys');
      await end();
      bed.issuer.hang = false;
      bed.issuer.release();
      assert.equal(await outcome, String(status));
      if (status !== 200) assert.equal(server.had('a'), 'nothing');
      bed.issuer.keys = keys;
      if (bed.config !== begun) await bed.takeOver(original);
    });
  }
});

describe('a request that waits for introspection, and meanwhile', () => {
  const ending = ENDINGS['introspection says inactive']!;
  let bed: TestBed;
  let original: SidecarConfig;
  before(async () => {
    bed = await start(ending, 'Enforced');
    original = bed.config;
  });
  after(() => bed.stop());

  for (const [name, status] of [
    ['nothing', 200],
    ['its audience is not accepted any more', 401],
    ['another scope is required', 403],
    ['the path is another', 404],
    ['its Origin is not allowed any more', 403],
  ] as const) {
    it(`${name}: ${status}`, async () => {
      const begun = bed.config;
      const server = new Server(bed);
      const endpoint = introspection.get(bed)!;
      const before = endpoint.questions.length;
      const release = endpoint.hold();
      const { outcome } = await waiting(bed, ending.token!(bed, name), name);
      await waitFor(() => endpoint.questions.length > before, 'the sidecar to ask');
      await ENDINGS[name]?.end(bed, NO_WORLD);
      release();
      if (status === 200) {
        await waitFor(() => server.had(name) !== 'nothing', 'it to reach the server');
        server.finish(name);
      }
      assert.equal(await outcome, String(status));
      if (status !== 200) assert.equal(server.had(name), 'nothing');
      if (bed.config !== begun) await bed.takeOver(original);
    });
  }
});

describe('what a client has proven stays proven while its request is decided again', () => {
  const DPOP = { mode: 'Accept', proofLifetimeSeconds: 20, nonces: 'Off' } as const;

  /** A body of which the end is missing, with a proof; and the fields that it came with. */
  async function proven(bed: TestBed) {
    const client = await DpopClient.create();
    const token = client.token(bed.issuer, { claims: { exp: FAR } });
    const fields = client.fields(token);
    const connection = await RawConnection.open(bed);
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
    connection.send(
      `POST /mcp HTTP/1.1\r\nHost: localhost:8001\r\n${lines.join('')}Content-Type: application/json\r\n` +
        `Content-Length: ${PING.length}\r\n\r\n${PING.slice(0, -1)}`,
    );
    // Used: no other request gets through with it, and it was looked at for this request.
    await waitFor(async () => (await bed.call({ headers: fields })).status === 401, 'the proof to be used');
    const finish = async () => {
      connection.send(PING.slice(-1));
      const [status] = await connection.waitForStatuses(1);
      connection.destroy();
      return status;
    };
    return { finish, fields };
  }

  const withBed = (test: (bed: TestBed) => Promise<void>) => async () => {
    const bed = await TestBed.start({ movableClock: true, config: () => ({ dpop: DPOP }) });
    try {
      await test(bed);
    } finally {
      await bed.stop();
    }
  };

  it(
    'its proof was used by it, and is not used a second time: 200, and 401 for another request',
    withBed(async (bed) => {
      const { finish, fields } = await proven(bed);
      await bed.takeOver({ initialScopes: 'All' });
      assert.equal((await bed.call({ headers: fields })).status, 401);
      assert.equal(await finish(), 200);
      assert.equal((await bed.call({ headers: fields })).status, 401);
    }),
  );

  it(
    'its proof was of its time when it came',
    withBed(async (bed) => {
      const { finish } = await proven(bed);
      await bed.advance(45_000);
      await bed.takeOver({ initialScopes: 'All' });
      assert.equal(await finish(), 200);
    }),
  );

  const changes: [name: string, changes: Partial<SidecarConfig>, status: number][] = [
    ['proofs are not accepted any more', { dpop: { ...DPOP, mode: 'Off' } }, 401],
    ['the proof is for what is not the resource any more', NEW_RESOURCE, 401],
    ['another scope is required', { requiredScopes: ['mcp:admin'] }, 403],
  ];
  for (const [name, changed, status] of changes) {
    it(
      `${name}: ${status}`,
      withBed(async (bed) => {
        const { finish } = await proven(bed);
        const before = bed.upstream.requests.length;
        await bed.takeOver(changed);
        assert.equal(await finish(), status);
        assert.equal(bed.upstream.requests.length, before);
      }),
    );
  }

  it(
    'a listening stream with a proof goes on under a configuration that would take its token',
    withBed(async (bed) => {
      const client = await DpopClient.create();
      const headers = client.fields(client.token(bed.issuer, { claims: { exp: FAR } }), { method: 'GET' });
      let server: ServerResponse | undefined;
      bed.upstream.script = (req, res) => {
        server = res;
        openEventStream(req, res);
      };
      const res = await bed.open({ method: 'GET', headers });
      await bed.advance(45_000);
      await bed.takeOver({ initialScopes: 'All' });
      await bed.takeOver({ initialScopes: 'Baseline' });
      await new Promise((resolve) => setTimeout(resolve, 1_500)); // more than a look at what is under way
      server?.end('data: 1\n\n');
      assert.equal((await readAll(res)).toString(), 'data: 1\n\n');
    }),
  );

  it('a client certificate that is not asked for any more proves nothing: 401', async () => {
    const mine = await selfSigned('client');
    const bed = await TestBed.start({ config: () => ({ clientCertificates: { mode: 'Accept' } }) });
    try {
      const thumbprint = createHash('sha256').update(new X509Certificate(mine.cert).raw).digest('base64url');
      const token = bed.issuer.token({ claims: { cnf: { 'x5t#S256': thumbprint } } });
      const begin = async () => {
        const connection = await RawConnection.open(bed, { cert: mine.cert, key: mine.key });
        connection.send(
          `POST /mcp HTTP/1.1\r\nHost: localhost:8001\r\nAuthorization: Bearer ${token}\r\n` +
            `Content-Type: application/json\r\nContent-Length: ${PING.length}\r\n\r\n${PING.slice(0, -1)}`,
        );
        return connection;
      };
      const [first, second, third] = [await begin(), await begin(), await begin()];
      first.send(PING.slice(-1));
      assert.deepEqual(await first.waitForStatuses(1), [200]);
      await bed.takeOver({ initialScopes: 'All' });
      second.send(PING.slice(-1));
      assert.deepEqual(await second.waitForStatuses(1), [200], 'its connection still has the certificate');
      await bed.takeOver({ clientCertificates: { mode: 'Off' } });
      third.send(PING.slice(-1));
      assert.deepEqual(await third.waitForStatuses(1), [401]);
      assert.equal(bed.upstream.requests.length, 2);
      for (const connection of [first, second, third]) connection.destroy();
    } finally {
      await bed.stop();
    }
  });
});

describe('a body that comes under another configuration is forwarded as that one says', () => {
  const HEAD =
    `POST /mcp HTTP/1.1\r\nHost: localhost:8001\r\nContent-Type: application/json\r\nX-Team: admins\r\n` +
    `Content-Length: ${PING.length}\r\n`;

  /** What the server received of a request that began by one configuration and ended by another, and its status. */
  async function across(before: Partial<SidecarConfig>, changes: Partial<SidecarConfig>, padding = '') {
    const bed = await TestBed.start({ config: () => before });
    try {
      const body = PING.replace('"ping"', `"ping","params":{"x":"${padding}"}`);
      const connection = await RawConnection.open(bed);
      connection.send(
        `${HEAD.replace(String(PING.length), String(body.length))}Authorization: Bearer ${bed.issuer.token()}\r\n\r\n` +
          body.slice(0, -1),
      );
      // A new connection takes longer than bytes on the old one.
      assert.equal((await bed.callWith(bed.issuer.token())).status, 200);
      await bed.takeOver(changes);
      connection.send(body.slice(-1));
      const [status] = await connection.waitForStatuses(1);
      connection.destroy();
      return { status, received: bed.upstream.requests.slice(1) };
    } finally {
      await bed.stop();
    }
  }

  it('a header that stands for a claim now is not the client’s to set', async () => {
    const claimToHeaders = [{ claim: 'groups', header: 'X-Team' }];
    const { status, received } = await across({ claimToHeaders: [] }, { claimToHeaders });
    assert.equal(status, 200);
    assert.deepEqual(
      received.map(({ headers }) => headers['x-team']),
      [undefined],
    );
  });

  it('a token that is not handed on any more stays here', async () => {
    const { status, received } = await across(
      { forwardOriginalToken: true },
      { forwardOriginalToken: false },
    );
    assert.equal(status, 200);
    assert.deepEqual(
      received.map(({ headers }) => headers.authorization),
      [undefined],
    );
  });

  it('a message that is too long now is refused', async () => {
    const transport = { ...TRANSPORT, maxMessageBytes: 1024 };
    const { status, received } = await across({}, { transport }, 'x'.repeat(2_000));
    assert.equal(status, 413);
    assert.deepEqual(received, []);
  });
});
