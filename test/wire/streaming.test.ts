// Responses and requests of any length: passed on byte for byte, at once, with the memory of a few buffers.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { after, before, beforeEach, describe, it } from 'node:test';
import { RawConnection } from '../kit/raw.ts';
import { readAll } from '../kit/http.ts';
import { EVERY_ROW } from '../kit/selection.ts';
import { PING, TestBed } from '../support/sidecar.ts';
import { waitFor } from '../kit/wait.ts';
import { answerJson, openEventStream, RESULT } from '../kit/upstream.ts';

const MIB = 1024 * 1024;

let bed: TestBed;
before(async () => {
  bed = await TestBed.start();
});
after(() => bed.stop());
beforeEach(() => {
  bed.upstream.requests.length = 0;
  bed.upstream.script = answerJson;
});

const authorization = () => ({ Authorization: `Bearer ${bed.issuer.token()}` });
const postStream = () => bed.open({ headers: authorization() });

/** Sidecars that pass bodies on unread; `bed` validates them. */
const unread: TestBed[] = [];
async function startUnread(): Promise<TestBed> {
  const started = await TestBed.start({
    config: ({ transport }) => ({ transport: { ...transport, messageChecks: 'Off' } }),
  });
  unread.push(started);
  return started;
}
after(() => Promise.all(unread.map((started) => started.stop())));

/** Opens an event stream. @returns both ends of it, before any event was sent */
async function eventStream(
  open = () => bed.openStream(),
): Promise<{ client: IncomingMessage; server: ServerResponse }> {
  let server: ServerResponse | undefined;
  bed.upstream.script = (req, res) => {
    server = res;
    openEventStream(req, res);
  };
  const client = await open();
  assert.ok(server);
  return { client, server };
}

describe('an event stream', () => {
  const corpora: Record<string, Buffer[]> = {
    'bytes that are no text': [Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))],
    'pieces of many sizes': [1, 63, 64, 1023, 65_535, 65_536, 65_537, 200_000].map((size) =>
      Buffer.alloc(size, `${size};`),
    ),
  };
  for (const [name, pieces] of Object.entries(corpora)) {
    it(`passes unchanged: ${name}`, async () => {
      const { client, server } = await eventStream();
      const received = readAll(client);
      for (const piece of pieces) {
        server.write(piece);
        await new Promise(setImmediate);
      }
      server.end();
      assert.deepEqual(await received, Buffer.concat(pieces));
    });
  }
});

describe('a body that is not validated passes unchanged', () => {
  let bed: TestBed;
  before(async () => {
    bed = await startUnread();
  });
  beforeEach(() => void (bed.upstream.requests.length = 0));
  for (const size of [0, 1, 65_535, 65_536, 65_537, 3_000_000]) {
    for (const framing of ['Content-Length', 'chunked'] as const) {
      it(`both ways, ${size} bytes, ${framing}`, async () => {
        const body = Buffer.alloc(size, 'a\u00e9\u{1F600}\r\n0\r\n\r\n');
        bed.upstream.script = (req, res) => {
          if (framing === 'Content-Length')
            res.setHeader('Content-Length', req.headers['content-length'] ?? 'missing');
          req.pipe(res);
        };
        const length =
          framing === 'Content-Length'
            ? { 'Content-Length': String(size) }
            : { 'Transfer-Encoding': 'chunked' };
        const Authorization = `Bearer ${bed.issuer.token()}`;
        const req = bed.request({ headers: { Authorization, 'Content-Type': 'text/plain', ...length } });
        req.end(body);
        const [res] = (await once(req, 'response')) as [IncomingMessage];
        assert.equal(res.statusCode, 200);
        assert.ok((await readAll(res)).equals(body));
        assert.equal(
          bed.upstream.requests[0]?.headers['transfer-encoding'],
          framing === 'chunked' ? 'chunked' : undefined,
        );
      });
    }
  }
});

describe('streams of hundreds of MiB with flat memory', () => {
  const TOTAL = (EVERY_ROW ? 384 : 192) * MIB;
  /** Buffers and the heap settle at some tens of MiB; memory that follows the body would be far beyond this. */
  const MAX_GROWTH = 128 * MIB;
  const piece = Buffer.alloc(256 * 1024);

  /** Zeros, as many as asked for, never more of them in memory than one piece. */
  function* zeros(): Generator<Buffer> {
    for (let sent = 0; sent < TOTAL; sent += piece.length) yield piece;
  }

  /** Runs a transfer and looks at the sidecar's memory all the while. @returns growth in bytes */
  async function memoryGrowth(transfer: () => Promise<void>, bed: TestBed): Promise<number> {
    const before = await bed.metric('process_resident_memory_bytes');
    let peak = before;
    let done = false;
    const watching = (async () => {
      while (!done) {
        peak = Math.max(peak, await bed.metric('process_resident_memory_bytes'));
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    })();
    try {
      await transfer();
    } finally {
      done = true;
      await watching;
    }
    return peak - before;
  }

  async function count(body: IncomingMessage): Promise<number> {
    let bytes = 0;
    body.on('data', (chunk: Buffer) => (bytes += chunk.length));
    await once(body, 'end');
    return bytes;
  }

  it('from the server', async () => {
    bed.upstream.script = (req, res) => {
      req.resume();
      void pipeline(Readable.from(zeros()), res);
    };
    const growth = await memoryGrowth(async () => {
      assert.equal(await count(await postStream()), TOTAL);
    }, bed);
    assert.ok(growth < MAX_GROWTH, `grew by ${Math.round(growth / MIB)} MiB`);
  });

  it('to the server, unread', async () => {
    const bed = await startUnread();
    let received = 0;
    bed.upstream.script = (req, res) =>
      void count(req).then((bytes) => ((received = bytes), res.end(RESULT)));
    const growth = await memoryGrowth(async () => {
      const Authorization = `Bearer ${bed.issuer.token()}`;
      const req = bed.request({ headers: { Authorization, 'Content-Length': String(TOTAL) } });
      const response = once(req, 'response') as Promise<[IncomingMessage]>;
      await pipeline(Readable.from(zeros()), req);
      const [res] = await response;
      assert.equal((await readAll(res)).toString(), RESULT);
    }, bed);
    assert.equal(received, TOTAL);
    assert.ok(growth < MAX_GROWTH, `grew by ${Math.round(growth / MIB)} MiB`);
  });

  it('not to the server where messages are validated: 413, though no length is said', async () => {
    const growth = await memoryGrowth(async () => {
      const req = bed.request({ headers: authorization() });
      req.on('error', () => undefined); // it is cut off while it sends
      const sending = pipeline(Readable.from(zeros()), req).catch(() => undefined);
      const [res] = (await once(req, 'response')) as [IncomingMessage];
      assert.equal(res.statusCode, 413);
      res.resume();
      await sending;
    }, bed);
    assert.deepEqual(bed.upstream.requests, []);
    assert.ok(growth < MAX_GROWTH, `grew by ${Math.round(growth / MIB)} MiB`);
  });
});

describe('back-pressure', () => {
  it('a client that does not read stops the server, and gets everything when it reads on', async () => {
    const TOTAL = 96 * MIB;
    const piece = Buffer.alloc(64 * 1024, ': keep-alive\n');
    let sent = 0;
    bed.upstream.script = (req, res) => {
      req.resume();
      const send = () => {
        while (sent < TOTAL) {
          sent += piece.length;
          if (!res.write(piece)) return void res.once('drain', send);
        }
        res.end();
      };
      send();
    };
    const before = await bed.metric('process_resident_memory_bytes');
    const client = await postStream();
    let last = -1;
    let unchanged = 0;
    await waitFor(() => {
      unchanged = sent === last ? unchanged + 1 : 0;
      last = sent;
      return unchanged === 25;
    }, 'the server to be stopped');
    assert.ok(sent < 48 * MIB, `the server could send ${Math.round(sent / MIB)} MiB`);
    assert.ok((await bed.metric('process_resident_memory_bytes')) - before < 64 * MIB);
    let received = 0;
    for await (const chunk of client) received += (chunk as Buffer).length;
    assert.equal(received, TOTAL);
  });

  it('many small events to a client that does not read leave no warning', async () => {
    const { client, server } = await eventStream();
    const event = 'data: x\n\n'.repeat(10);
    const EVENTS = 200_000;
    for (let i = 0; i < EVENTS; i++) server.write(event);
    server.end();
    let last = -1;
    await waitFor(() => {
      const stopped = server.writableLength === last;
      last = server.writableLength;
      return stopped;
    }, 'the server to be stopped');
    assert.ok(last > 0);
    assert.equal((await readAll(client)).length, EVENTS * event.length);
    assert.ok(!bed.log.includes('Warning'), bed.log.slice(-500));
  });

  it('a client that does not read its answer holds up no other', async () => {
    // The first request is never answered; the answer to the second waits behind it, in the sidecar.
    bed.upstream.script = (req, res) => {
      req.resume();
      if (req.url === '/mcp?second') {
        res.write('a'.repeat(40_000));
        setTimeout(() => res.end('b'.repeat(40_000)), 100);
      } else if (req.url !== '/mcp?first') {
        res.end(RESULT);
      }
    };
    const head = `HTTP/1.1\r\nHost: localhost:8001\r\nAuthorization: Bearer ${bed.issuer.token()}\r\n\r\n`;
    const slow = await RawConnection.open(bed);
    slow.send(`GET /mcp?first ${head}GET /mcp?second ${head}`);
    // One connection is back in the pool when the second answer is complete.
    await waitFor(() => bed.upstream.requests.length === 2, 'both requests');
    await waitFor(
      async () => (await bed.metric('mcp_sidecar_upstream_connections')) === 2,
      'two connections',
    );
    try {
      for (let i = 0; i < 20; i++) {
        const answer = await bed.call({ headers: authorization(), signal: AbortSignal.timeout(5_000) });
        assert.equal(answer.body, RESULT);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    } finally {
      slow.destroy();
    }
    await waitFor(
      async () => (await bed.metric('mcp_sidecar_requests_in_flight')) === 0,
      'nothing to be left',
    );
  });
});

describe('when the client goes away, the server sees it within a second', () => {
  const validating = () => bed;
  /** Waits until the server's side of all requests is closed. */
  async function serverSees(
    requests: number,
    leave: (bed: TestBed) => Promise<() => void>,
    bed: TestBed = validating(),
  ): Promise<void> {
    const before = await bed.metric('mcp_sidecar_requests_in_flight');
    let begun = 0;
    let closed = 0;
    bed.upstream.script = (req, res) => {
      begun++;
      res.on('close', () => closed++);
      if (req.method === 'GET') openEventStream(req, res);
    };
    const goAway = await leave(bed);
    await waitFor(() => begun === requests, 'the requests to reach the server');
    const left = performance.now();
    goAway();
    await waitFor(() => closed === requests, 'the server to see it', 2_000);
    assert.ok(performance.now() - left < 1_000);
    assert.equal(begun, requests, 'nothing else is sent');
    const inFlight = () => bed.metric('mcp_sidecar_requests_in_flight');
    await waitFor(async () => (await inFlight()) === before, 'nothing to be left in the sidecar', 2_000);
  }

  it('while it waits for the head', () =>
    serverSees(1, () => {
      const req = bed.request({ headers: authorization() });
      req.on('error', () => undefined);
      req.end(PING);
      return Promise.resolve(() => req.destroy());
    }));

  it('in the middle of its request body, which goes by unread', async () =>
    serverSees(
      1,
      (bed) => {
        const Authorization = `Bearer ${bed.issuer.token()}`;
        const req = bed.request({ headers: { Authorization, 'Content-Length': '1000000' } });
        req.on('error', () => undefined);
        req.write('{');
        return Promise.resolve(() => req.destroy());
      },
      await startUnread(),
    ));

  it('with several requests pipelined', () =>
    serverSees(3, async () => {
      const connection = await RawConnection.open(bed);
      const head = `HTTP/1.1\r\nHost: localhost:8001\r\nAuthorization: Bearer ${bed.issuer.token()}\r\nContent-Type: application/json\r\nContent-Length: ${PING.length}\r\n\r\n${PING}`;
      connection.send(`POST /mcp ${head}`.repeat(3));
      return () => connection.destroy();
    }));
});

describe('when the server is cut off in the middle of its answer', () => {
  it('a short answer becomes 502: nothing of it was passed on', async () => {
    bed.upstream.script = (req, res) => {
      req.resume();
      res.writeHead(200, { 'Content-Length': '100' });
      res.write('{"jsonrpc"', () => res.socket?.destroy());
    };
    const answer = await bed.callWith(bed.issuer.token());
    assert.equal(answer.status, 502);
    assert.deepEqual((JSON.parse(answer.body) as { id: unknown }).id, 1);
    assert.ok(!answer.body.includes('result'));
  });
});
