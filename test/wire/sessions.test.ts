// Sessions of the legacy era belong to who began them: on POST, GET and DELETE, and for as long as the server says.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { SidecarConfig } from '../../src/sidecar/config/config.ts';
import { INITIALIZE, modern } from '../kit/messages.ts';
import { type Answer } from '../kit/http.ts';
import { PING, TestBed } from '../support/sidecar.ts';
import { answerJson, type Script } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';

type Transport = Partial<SidecarConfig['transport']>;

const start = (change: Transport = {}) =>
  TestBed.start({ config: ({ transport }) => ({ transport: { ...transport, ...change } }) });

let bed: TestBed;
before(async () => {
  bed = await start();
});
after(() => bed.stop());
beforeEach(() => reset(bed));

function reset(which: TestBed): void {
  which.upstream.requests.length = 0;
  which.upstream.script = answerJson;
}

let issued = 0;
/** Answers like a server that begins a session with this request. */
const beginSession =
  (id: string, status = 200): Script =>
  (req, res) => {
    req.resume();
    req.on('end', () => {
      res.writeHead(status, { 'Content-Type': 'application/json', 'Mcp-Session-Id': id });
      res.end('{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25"}}');
    });
  };

const alice = (which = bed) => which.issuer.token();
const bob = (which = bed) => which.issuer.token({ claims: { sub: 'bob' } });

/** Begins a session as alice. @returns its id */
async function session(which = bed, token = alice(which)): Promise<string> {
  const id = `session-${++issued}`;
  which.upstream.script = beginSession(id);
  const answer = await which.callWith(token, { body: INITIALIZE.body });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['mcp-session-id'], id);
  reset(which);
  return id;
}

interface Use {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly on?: TestBed;
}

/** Names a session in a request. */
function use(
  id: string,
  token: string,
  { method = 'POST', headers = {}, on = bed }: Use = {},
): Promise<Answer> {
  return on.callWith(token, {
    method,
    headers: { 'Mcp-Session-Id': id, 'MCP-Protocol-Version': '2025-11-25', ...headers },
    ...(method === 'POST' && { body: PING }),
  });
}

function assertNotFound(answer: Answer, on = bed): void {
  assert.equal(answer.status, 404, answer.body);
  assert.equal((JSON.parse(answer.body) as { error: string }).error, 'session_not_found');
  assert.deepEqual(on.upstream.requests, []);
}

describe('a session', () => {
  for (const method of ['POST', 'GET', 'DELETE']) {
    it(`${method}: one that never began is 404 (D24)`, async () =>
      assertNotFound(await use('made-up', alice(), { method })));
  }

  it('the two kinds of 404 are the same, but for their ids', async () => {
    const id = await session();
    const strip = ({ body, headers }: Answer) => [
      body.replace(/"request_id":"[^"]*"/, ''),
      headers['content-type'],
      headers['content-length'],
    ];
    assert.deepEqual(strip(await use(id, bob())), strip(await use('made-up', bob())));
  });

  it('is not of the same user by another client', async () => {
    const id = await session();
    assertNotFound(await use(id, bed.issuer.token({ claims: { client_id: 'c2', azp: 'c2' } })));
  });

  it('outlives a change of the configuration', async () => {
    const id = await session();
    await bed.writeConfig({ ...bed.config, clockSkewSeconds: bed.config.clockSkewSeconds + 1 });
    await waitFor(() => bed.log.includes('configuration reloaded'), 'the new configuration');
    assert.equal((await use(id, alice())).status, 200);
    reset(bed);
    assertNotFound(await use(id, bob()));
  });

  it('does not end with a DELETE that the server refuses', async () => {
    const id = await session();
    bed.upstream.script = (_, res) => void res.writeHead(405).end();
    assert.equal((await use(id, alice(), { method: 'DELETE' })).status, 405);
    bed.upstream.script = answerJson;
    assert.equal((await use(id, alice())).status, 200);
  });
});

describe('an id', () => {
  for (const [name, id] of [
    ['that is empty', ''],
    ['that looks like two', 'a, b'],
  ] as const) {
    it(`${name}: 400 (D24)`, async () => {
      const answer = await use(id, alice());
      assert.equal(answer.status, 400, answer.body);
      assert.deepEqual(bed.upstream.requests, []);
    });
  }

  it('that comes twice: 400', async () => {
    const id = await session();
    for (const method of ['GET', 'POST', 'DELETE']) {
      const answer = await bed.call({
        method,
        headers: { Authorization: `Bearer ${alice()}`, 'Mcp-Session-Id': [id, id] },
        ...(method === 'POST' && { body: PING }),
      });
      assert.equal(answer.status, 400);
    }
    assert.deepEqual(bed.upstream.requests, []);
  });
});

describe('an id is learned from the answer to initialize, and from nothing else (D24)', () => {
  const others: Record<string, () => Promise<unknown>> = {
    'a notification': () =>
      bed.callWith(alice(), { body: '{"jsonrpc":"2.0","method":"notifications/initialized"}' }),
    'a batch': () => bed.callWith(alice(), { body: `[${PING}]` }),
    GET: () => bed.callWith(alice(), { method: 'GET' }),
    'a modern request': () => {
      const { body, headers } = modern('initialize');
      return bed.callWith(alice(), { body, headers: { ...headers, Authorization: `Bearer ${alice()}` } });
    },
  };
  for (const [name, send] of Object.entries(others)) {
    it(name, async () => {
      bed.upstream.script = beginSession('not-begun');
      await send();
      reset(bed);
      assertNotFound(await use('not-begun', alice()));
    });
  }

  for (const status of [400, 403, 404, 500]) {
    it(`initialize that is answered with ${status}`, async () => {
      bed.upstream.script = beginSession(`failed-${status}`, status);
      assert.equal((await bed.callWith(alice(), { body: INITIALIZE.body })).status, status);
      reset(bed);
      assertNotFound(await use(`failed-${status}`, alice()));
    });
  }

  it('initialize by an event stream', async () => {
    bed.upstream.script = (req, res) => {
      req.resume();
      res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Mcp-Session-Id': 'by-stream' });
      res.end('data: {}\n\n');
    };
    assert.equal((await bed.callWith(alice(), { body: INITIALIZE.body })).status, 200);
    bed.upstream.script = answerJson;
    assert.equal((await use('by-stream', alice())).status, 200);
  });

  it('initialize in a session that is not known: 404', async () =>
    assertNotFound(
      await bed.call({
        headers: { Authorization: `Bearer ${alice()}`, 'Mcp-Session-Id': 'fixed' },
        body: INITIALIZE.body,
      }),
    ));

  it('a server that gives one id to two: the second gets 502, the first keeps the session', async () => {
    const id = await session();
    bed.upstream.script = beginSession(id);
    assert.equal((await bed.callWith(bob(), { body: INITIALIZE.body })).status, 502);
    reset(bed);
    assertNotFound(await use(id, bob()));
    assert.equal((await use(id, alice())).status, 200);
  });

  it('a server that gives an id that is none: 502', async () => {
    bed.upstream.script = beginSession('a b');
    assert.equal((await bed.callWith(alice(), { body: INITIALIZE.body })).status, 502);
  });
});

describe('Last-Event-ID (D25)', () => {
  const headers = { 'Last-Event-ID': '42' };

  for (const method of ['GET', 'POST', 'DELETE']) {
    it(`${method} without a session: 404`, async () => {
      const all = { ...headers, Authorization: `Bearer ${alice()}` };
      assertNotFound(await bed.call({ method, headers: all, ...(method === 'POST' && { body: PING }) }));
    });
  }
});

describe('a modern request (D36)', () => {
  for (const method of ['GET', 'DELETE']) {
    it(`${method} with the modern version is of the legacy era: 404`, async () =>
      assertNotFound(
        await use(await session(), bob(), { method, headers: { 'MCP-Protocol-Version': '2026-07-28' } }),
      ));
  }
});

describe('unknownSessions: TrustOnFirstUse', () => {
  let trusting: TestBed;
  before(async () => {
    trusting = await start({ unknownSessions: 'TrustOnFirstUse' });
  });
  after(() => trusting.stop());
  beforeEach(() => reset(trusting));

  it('unless the server does not know it either', async () => {
    trusting.upstream.script = (req, res) => void (req.resume(), res.writeHead(404).end());
    assert.equal((await use('guessed', bob(trusting), { on: trusting })).status, 404);
    reset(trusting);
    assert.equal((await use('guessed', alice(trusting), { on: trusting })).status, 200);
  });

  it("one that was seen to begin is its owner's", async () => {
    const id = await session(trusting);
    assertNotFound(await use(id, bob(trusting), { on: trusting }), trusting);
  });
});

describe('messageChecks: Off', () => {
  let off: TestBed;
  before(async () => {
    off = await start({ messageChecks: 'Off' });
  });
  after(() => off.stop());
  beforeEach(() => reset(off));

  it('sessions stay bound', async () => {
    const id = await session(off);
    assertNotFound(await use(id, bob(off), { on: off }), off);
    assertNotFound(await use(id, bob(off), { on: off, method: 'GET' }), off);
    assertNotFound(await use('made-up', bob(off), { on: off }), off);
    assert.equal((await use(id, alice(off), { on: off })).status, 200);
  });

  it('a modern version in the field loses the session on the way', async () => {
    const id = await session(off);
    const headers = { 'MCP-Protocol-Version': '2026-07-28' };
    assert.equal((await use(id, bob(off), { on: off, headers })).status, 200);
    assert.equal(off.upstream.requests[0]?.headers['mcp-session-id'], undefined);
  });

  it('an unknown version does not', async () => {
    const id = await session(off);
    assertNotFound(
      await use(id, bob(off), { on: off, headers: { 'MCP-Protocol-Version': '2099-01-01' } }),
      off,
    );
  });
});
