// How long streams live: comments while they are silent, the end with the token and with the process, in both eras.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import type { SidecarConfig } from '../../src/sidecar/config/config.ts';
import { modern, type SentMessage } from '../kit/messages.ts';
import { readAll } from '../kit/http.ts';
import { RawConnection } from '../kit/raw.ts';
import { PING, TestBed } from '../support/sidecar.ts';
import { waitFor } from '../kit/wait.ts';

const KEEP_ALIVE = ': keep-alive\n\n';
const LISTEN = modern('subscriptions/listen', { notifications: { toolsListChanged: true } }, { id: 'sub-1' });
const EVENT = 'event: message\ndata: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n\n';
const COMPLETION =
  'event: message\ndata: {"jsonrpc":"2.0","id":"sub-1","result":{"resultType":"complete",' +
  '"_meta":{"io.modelcontextprotocol/subscriptionId":"sub-1"}}}\n\n';

const start = (change: Partial<SidecarConfig['transport']> = {}) =>
  TestBed.start({
    config: ({ transport }) => ({ clockSkewSeconds: 0, transport: { ...transport, ...change } }),
  });

/** These tests wait most of the time, each with a sidecar of its own; more at once would be late for their own seconds. */
const SIDE_BY_SIDE = { concurrency: 4 };

/** Runs a test with a sidecar of its own. */
const withBed =
  (test: (bed: TestBed) => Promise<void>, change: Partial<SidecarConfig['transport']> = {}) =>
  async () => {
    const bed = await start(change);
    try {
      await test(bed);
    } finally {
      await bed.stop();
    }
  };

interface OpenStream {
  readonly client: IncomingMessage;
  readonly server: ServerResponse;
  /** What the client has received. */
  text: () => string;
}

interface StreamOptions {
  readonly method?: string;
  readonly message?: SentMessage;
  readonly token?: string;
  readonly head?: Readonly<Record<string, string>>;
}

/** Opens a stream through the sidecar. */
async function openStream(bed: TestBed, options: StreamOptions = {}): Promise<OpenStream> {
  const {
    method = 'POST',
    message = { body: PING, headers: {} },
    token = bed.issuer.token(),
    head = {},
  } = options;
  let server: ServerResponse | undefined;
  bed.upstream.script = (req, res) => {
    req.resume();
    server = res;
    res.writeHead(200, { 'Content-Type': 'text/event-stream', ...head });
    res.flushHeaders();
  };
  const client = await bed.open({
    method,
    headers: { ...message.headers, Authorization: `Bearer ${token}` },
    ...(method === 'POST' && { body: message.body }),
  });
  assert.ok(server);
  let text = '';
  client.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { client, server, text: () => text };
}

const expiring = (bed: TestBed, seconds: number) =>
  bed.issuer.token({ claims: { exp: Math.floor(Date.now() / 1000) + seconds } });

describe('comments keep a silent event stream alive (D9)', SIDE_BY_SIDE, () => {
  const keepAlive = { eventStreamKeepAliveSeconds: 1 };
  for (const [name, options] of [
    ['GET', { method: 'GET' }],
    ['a modern subscription', { message: LISTEN }],
  ] as const) {
    it(
      name,
      withBed(async (bed) => {
        const { client, text } = await openStream(bed, options);
        await waitFor(() => text().length >= 2 * KEEP_ALIVE.length, 'two comments');
        assert.equal(text(), KEEP_ALIVE.repeat(text().length / KEEP_ALIVE.length));
        client.destroy();
      }, keepAlive),
    );
  }

  for (const [name, head] of [
    ['an answer that is compressed', { 'Content-Encoding': 'gzip' }],
    ['an answer that is no event stream', { 'Content-Type': 'application/octet-stream' }],
    ['an answer of known length', { 'Content-Length': '1000000' }],
  ] as const) {
    it(
      `none in ${name}`,
      withBed(async (bed) => {
        const { client, text } = await openStream(bed, { head });
        await new Promise((resolve) => setTimeout(resolve, 3_000));
        assert.equal(text(), '');
        client.destroy();
      }, keepAlive),
    );
  }

  it(
    'none by 0s',
    withBed(async (bed) => {
      const { client, text } = await openStream(bed);
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      assert.equal(text(), '');
      client.destroy();
    }),
  );

  it(
    'none while events come',
    withBed(async (bed) => {
      const { client, server, text } = await openStream(bed);
      for (let i = 0; i < 30; i++) {
        server.write('data: x\n\n');
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      await waitFor(() => text().length >= 30 * 9, 'all events');
      assert.ok(!text().includes(':k'), text());
      assert.equal(text().replaceAll(KEEP_ALIVE, ''), 'data: x\n\n'.repeat(30));
      client.destroy();
    }, keepAlive),
  );
});

describe('a stream that listens ends with its token (D38)', SIDE_BY_SIDE, () => {
  it(
    'a number as id stays one, as it was written',
    withBed(async (bed) => {
      const message = { ...LISTEN, body: LISTEN.body.replace('"sub-1"', '12345678901234567890') };
      const { client, text } = await openStream(bed, { message, token: expiring(bed, 2) });
      await once(client, 'end');
      assert.equal(text(), COMPLETION.replaceAll('"sub-1"', '12345678901234567890'));
    }),
  );

  it(
    'in the middle of an event: the event is completed, then the result comes',
    withBed(async (bed) => {
      const { client, server, text } = await openStream(bed, { message: LISTEN, token: expiring(bed, 2) });
      const half = EVENT.length / 2;
      server.write(EVENT.slice(0, half));
      const rest = setInterval(() => {
        if (Date.now() / 1000 < Math.floor(started / 1000) + 2.2) return;
        clearInterval(rest);
        server.write(EVENT.slice(half));
      }, 20);
      const started = Date.now();
      await once(client, 'end');
      clearInterval(rest);
      assert.ok([EVENT + COMPLETION, EVENT.slice(0, half)].includes(text()), text());
    }),
  );

  it(
    'in the middle of an event that is never completed: it ends all the same',
    withBed(async (bed) => {
      const { client, server, text } = await openStream(bed, { message: LISTEN, token: expiring(bed, 2) });
      server.write('data: {"half');
      await once(client, 'end');
      assert.equal(text(), 'data: {"half');
    }),
  );

  for (const length of [100_000, 10]) {
    it(
      `an answer of ${length} bytes of which all has not come is cut: what follows would be taken for the rest of it`,
      withBed(async (bed) => {
        bed.upstream.script = (_req, res) =>
          void res.writeHead(200, { 'Content-Length': length }).write(Buffer.alloc(length / 2));
        const connection = await RawConnection.open(bed);
        connection.send(
          `GET /mcp HTTP/1.1\r\nHost: localhost:8001\r\nAuthorization: Bearer ${expiring(bed, 2)}\r\n\r\n`,
        );
        const [status] = await connection.waitForStatuses(1);
        if (status === 200) await connection.waitForClose();
        else assert.equal(status, 401);
        connection.destroy();
      }),
    );
  }

  it(
    'a subscription that the server has not answered yet: 401',
    withBed(async (bed) => {
      bed.upstream.script = (req) => void req.resume();
      const answer = await bed.call({
        headers: { ...LISTEN.headers, Authorization: `Bearer ${expiring(bed, 2)}` },
        body: LISTEN.body,
      });
      assert.equal(answer.status, 401);
    }),
  );

  it(
    'messageChecks Off: a subscription is known by its field, and just closed',
    withBed(
      async (bed) => {
        const { client, text } = await openStream(bed, { message: LISTEN, token: expiring(bed, 2) });
        await once(client, 'end');
        assert.ok(client.complete);
        assert.equal(text(), '');
      },
      { messageChecks: 'Off' },
    ),
  );
});

describe('a call goes on after its token (D39)', SIDE_BY_SIDE, () => {
  it(
    'after it, 504: the answer has not begun',
    withBed(
      async (bed) => {
        bed.upstream.script = (req) => void req.resume();
        const answer = await bed.callWith(expiring(bed, 2));
        assert.equal(answer.status, 504);
        assert.equal((JSON.parse(answer.body) as { id: number }).id, 1);
      },
      { callGraceSeconds: 1 },
    ),
  );

  it(
    'after it, an abnormal end: the answer has begun, in either era',
    withBed(
      async (bed) => {
        for (const message of [undefined, modern('tools/call', { name: 'a' })]) {
          const { client, server } = await openStream(bed, {
            token: expiring(bed, 2),
            ...(message && { message }),
          });
          server.write('data: 1\n\n');
          await assert.rejects(once(client, 'end'), { code: 'ECONNRESET' });
          await waitFor(() => server.destroyed || server.closed, 'the server to see it');
        }
      },
      { callGraceSeconds: 1 },
    ),
  );
});

describe('SIGTERM (D40)', SIDE_BY_SIDE, () => {
  it(
    'in the middle of an event: the rest of it may come, then the result',
    withBed(async (bed) => {
      const { client, server, text } = await openStream(bed, { message: LISTEN });
      server.write('data: {"a":');
      await waitFor(() => text() !== '', 'the first half');
      const ended = once(client, 'end');
      const exit = bed.terminate();
      await waitFor(() => bed.log.includes('"draining"'), 'the sidecar to drain');
      server.write('1}\n\n');
      await ended;
      assert.equal(text(), `data: {"a":1}\n\n${COMPLETION}`);
      assert.equal(await exit, 0);
    }),
  );

  it(
    'a stream that the server has not begun: 503',
    withBed(async (bed) => {
      bed.upstream.script = (req) => void req.resume();
      const answer = bed.callWith(bed.issuer.token(), { method: 'GET' });
      await waitFor(() => bed.upstream.requests.length === 1, 'the request to reach the server');
      void bed.terminate();
      assert.equal((await answer).status, 503);
    }),
  );
});

it(
  'a subscription whose client goes away: the server hears of it, and nothing is made up',
  withBed(async (bed) => {
    const { client, server } = await openStream(bed, { message: LISTEN });
    const closed = once(server, 'close');
    client.destroy();
    await closed;
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(bed.upstream.requests.length, 1, 'no cancellation by the sidecar');
  }),
);

it(
  'a subscription that the server refuses is answered as any request',
  withBed(async (bed) => {
    const refusal = '{"jsonrpc":"2.0","id":"sub-1","error":{"code":-32601,"message":"x"}}';
    bed.upstream.script = (req, res) => void (req.resume(), res.writeHead(404).end(refusal));
    const res = await bed.open({
      headers: { ...LISTEN.headers, Authorization: `Bearer ${bed.issuer.token()}` },
      body: LISTEN.body,
    });
    assert.equal(res.statusCode, 404);
    assert.equal((await readAll(res)).toString(), refusal);
  }),
);
