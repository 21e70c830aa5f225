// Which connection to the server a request gets: one of its owner's, or a new one.
import assert from 'node:assert/strict';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { MAX_IDLE, MAX_IDLE_OF_OWNER } from '../../../../src/sidecar/proxy/idle-connections.ts';
import type { AnswerEnd, Exchange } from '../../../../src/sidecar/proxy/upstream-connection.ts';
import { MAX_WITH_IDLE, Upstream } from '../../../../src/sidecar/proxy/upstream-pool.ts';
import { waitFor } from '../../../kit/wait.ts';

let server: Server;
let upstream: Upstream;
/** What the server says behind each answer. */
let surplus = '';
let connections: Socket[] = [];
/** Requests that reached the server. */
let received = 0;
/** How often it was noticed that the server said something unasked. */
let surpluses = 0;
let onRequest: (socket: Socket, number: number) => void;
let onAnswered: (socket: Socket) => void;

const address = () => ({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });

function answer(socket: Socket, number: number): void {
  const body = `${number}`;
  socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}${surplus}`);
  onAnswered(socket);
}

const isOpen = (socket: Socket) => !socket.destroyed;

before(async () => {
  server = createServer((socket) => {
    const number = connections.push(socket) - 1;
    socket.on('error', () => undefined); // a reset is an end
    socket.on('data', () => {
      received++;
      onRequest(socket, number);
    });
  });
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, resolve));
});
beforeEach(() => {
  connections = [];
  surplus = '';
  surpluses = 0;
  received = 0;
  onRequest = answer;
  onAnswered = () => undefined;
  upstream = new Upstream(address(), () => surpluses++);
});
afterEach(() => {
  upstream.close();
  for (const socket of connections) socket.destroy();
});
after(() => server.close());

/** @returns the number of the connection that the answer came on */
function call(owner = 'alice', end: AnswerEnd = 'reusable'): Promise<number> {
  return new Promise((resolve, reject) => {
    let body = '';
    const exchange = upstream.start(owner, {
      onHead: () => undefined,
      onBody: (chunk) => void (body += chunk.toString()),
      onEnd: () => {
        setImmediate(() => resolve(Number(body))); // parked by then
        return end;
      },
      onReadEnd: () => undefined,
      onDrain: () => undefined,
      onError: reject,
      onUnexpected: reject,
    });
    exchange.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'latin1');
    exchange.finish();
  });
}

/** The server is known to keep connections: it has left one open for a while. */
async function proven(): Promise<void> {
  await waitFor(async () => (await call('proof')) === (await call('proof')), 'a connection to be used again');
}

describe('a connection to the server', () => {
  it('serves one request after the other', async () => {
    await proven();
    const first = await call();
    assert.deepEqual([await call(), await call()], [first, first]);
  });

  it('serves one request at a time', async () => {
    await proven();
    const [one, other] = await Promise.all([call(), call()]);
    assert.notEqual(one, other);
  });

  it('serves no other owner than its first', async () => {
    await proven();
    const ofAlice = new Set<number>();
    const ofBob = new Set<number>();
    for (let i = 0; i < 20; i++) {
      for (const number of await Promise.all([call('alice'), call('alice')])) ofAlice.add(number);
      ofBob.add(await call('bob'));
    }
    assert.deepEqual([ofAlice.size, ofBob.size], [2, 1]);
    assert.ok([...ofBob].every((number) => !ofAlice.has(number)));
  });

  it('whose answer may have been for another request serves none any more', async () => {
    await proven();
    const spent = await call('alice', 'spent');
    await waitFor(() => connections[spent]?.destroyed === true, 'the connection to be closed');
    assert.notEqual(await call(), spent);
  });

  it('serves a bounded number of requests: what it is behind by is not for ever', async () => {
    await proven();
    const seen: number[] = [];
    for (let i = 0; i < 250; i++) seen.push(await call());
    const [first] = seen;
    assert.equal(seen.filter((number) => number === first).length, 100);
    assert.equal(new Set(seen).size, 3);
  });

  it('is not used again before the server has left one open for a while', async () => {
    const numbers = await Promise.all(Array.from({ length: 10 }, () => call()));
    assert.equal(new Set([...numbers, await call(), await call()]).size, 12);
  });

  it('that brings an answer without a request is closed', async () => {
    await proven();
    const number = await call();
    const before = upstream.connections;
    connections[number]?.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil');
    await waitFor(() => upstream.connections < before, 'the connection to be closed');
    assert.equal(surpluses, 1);
    assert.notEqual(await call(), number);
  });

  for (const [name, bytes] of Object.entries({
    'a whole answer': 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
    'half an answer': 'HTTP/1.1 200 OK\r\nContent-Le',
    'one byte': 'H',
    'a line end': '\r\n',
    'an interim answer': 'HTTP/1.1 102 Processing\r\n\r\n',
  })) {
    it(`that brings more than its answer is closed: ${name}, in the same write`, async () => {
      await proven();
      surplus = bytes;
      const number = await call();
      await waitFor(() => connections[number]?.destroyed === true, 'the connection to be closed');
      surplus = '';
      assert.equal(surpluses, 1);
      assert.notEqual(await call(), number);
    });
  }
});

describe('idle connections', () => {
  const idle = async (count: number, owner: (i: number) => string) => {
    const calls = Array.from({ length: count }, (_, i) => call(owner(i)));
    await Promise.all(calls);
  };

  it('are bounded in number, whoever they belong to', async () => {
    await idle(MAX_IDLE + 100, (i) => `user${i}`);
    await areLeft(MAX_IDLE);
  });

  it('of one owner leave room for others', async () => {
    await idle(MAX_IDLE_OF_OWNER + 100, () => 'alice');
    await areLeft(MAX_IDLE_OF_OWNER);
    await idle(10, () => 'bob');
    await areLeft(MAX_IDLE_OF_OWNER + 10);
  });

  it('make room for busy ones, of which there may be more', async () => {
    await idle(MAX_IDLE, (i) => `user${i}`);
    onRequest = () => undefined; // no answer for now
    const begin = (count: number) =>
      Array.from({ length: count }, (_, i) => call(`busy${i}`).catch(() => undefined));
    const first = begin(200);
    await waitFor(() => received === MAX_IDLE + 200, 'all to be under way');
    await areLeft(MAX_WITH_IDLE);
    const more = begin(MAX_WITH_IDLE);
    await areLeft(200 + MAX_WITH_IDLE);
    for (const socket of connections) socket.destroy();
    await Promise.all([...first, ...more]);
  });

  it('are used again, however many there were at once at the start', async () => {
    for (const owner of [() => 'alice', (i: number) => `user${i}`]) {
      await idle(MAX_IDLE + 50, owner);
      const last = connections.length - 1;
      await waitFor(async () => (await call(owner(0))) === (await call(owner(0))), 'one to be used again');
      assert.ok(connections.slice(0, last).some(isOpen), 'before the first are old');
      upstream.close();
      upstream = new Upstream(address(), () => surpluses++);
    }
  });

  it('are closed when they are old, and their owners forgotten', async () => {
    await idle(20, (i) => `user${i}`);
    await waitFor(() => upstream.connections === 0, 'all to be closed', 10_000);
  });

  it('are closed with the pool, and so are those that are busy when their answers are over', async () => {
    await idle(5, () => 'alice');
    const busy = call();
    upstream.close();
    await busy;
    await waitFor(() => upstream.connections === 0, 'all to be closed');
  });

  /** Those without room are closed, at both ends. */
  async function areLeft(count: number): Promise<void> {
    const counts = () => [upstream.connections, connections.filter(isOpen).length];
    await waitFor(() => counts().every((each) => each === count), `${count} connections to be left`);
  }
});

describe('a server that closes without saying so', () => {
  it('after each answer: no request is lost, and none is sent on such a connection', async () => {
    for (const pauseMs of [0, 1, 5, 50]) {
      upstream = new Upstream(address(), () => surpluses++);
      onAnswered = (socket) => void setTimeout(() => socket.end(), pauseMs);
      const numbers: number[] = [];
      for (let i = 0; i < 100; i++) numbers.push(...(await Promise.all([call(), call('bob')])));
      assert.equal(new Set(numbers).size, numbers.length, `closed after ${pauseMs} ms`);
      upstream.close();
    }
  });

  it('once it is known to keep them, and begins to: one of its connections is used no more', async () => {
    await proven();
    const number = await call();
    connections[number]?.end();
    await waitFor(() => connections[number]?.destroyed === true, 'the other end to be closed');
    assert.notEqual(await call(), number);
  });

  it('without an answer: an error, once, and no second attempt', async () => {
    await proven();
    const number = await call();
    onRequest = (socket) => socket.destroy();
    const before = received;
    await assert.rejects(call(), { code: 'reset' });
    assert.equal(received, before + 1);
    onRequest = answer;
    assert.notEqual(await call(), number);
    const next = await call();
    assert.notEqual(await call(), next, 'it has to prove itself again');
  });
});

describe('a handle of an exchange that is over', () => {
  /** An exchange that gives its handle away when its answer is complete. */
  const finished = () =>
    new Promise<Exchange>((resolve, reject) => {
      const exchange = upstream.start('alice', {
        onHead: () => undefined,
        onBody: () => undefined,
        onEnd: () => {
          setImmediate(() => resolve(exchange));
          return 'reusable';
        },
        onReadEnd: () => undefined,
        onDrain: () => undefined,
        onError: reject,
        onUnexpected: reject,
      });
      exchange.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'latin1');
      exchange.finish();
    });

  const misuses: Readonly<Record<string, (stale: Exchange) => void>> = {
    write: (stale) => stale.write('GET /evil HTTP/1.1\r\nHost: a\r\n\r\n', 'latin1'),
    abort: (stale) => stale.abort(),
    pause: (stale) => stale.pause(),
    finish: (stale) => stale.finish(),
  };
  for (const [name, misuse] of Object.entries(misuses)) {
    it(`does nothing to the connection: ${name}`, async () => {
      await proven();
      const number = await call();
      const stale = await finished();
      misuse(stale);
      assert.equal(await call(), number, 'the next exchange has the connection, and its own answer');
      const chunks: string[] = [];
      connections[number]?.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
      const next = call();
      misuse(stale);
      assert.equal(await next, number, 'and so has one that is under way');
      assert.deepEqual(chunks, ['GET / HTTP/1.1\r\nHost: a\r\n\r\n']);
    });
  }

  it('does not make a connection fit for reuse on which a request was not sent as a whole', async () => {
    await proven();
    const number = await call();
    await new Promise<void>((resolve, reject) => {
      const exchange = upstream.start('alice', {
        onHead: () => undefined,
        onBody: () => undefined,
        onEnd: () => {
          exchange.finish(); // too late
          setImmediate(resolve);
          return 'reusable';
        },
        onReadEnd: () => undefined,
        onDrain: () => undefined,
        onError: reject,
        onUnexpected: reject,
      });
      exchange.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n', 'latin1');
    });
    assert.notEqual(await call(), number);
  });
});

describe('what a listener of an exchange throws', () => {
  for (const name of ['onHead', 'onBody', 'onEnd', 'onReadEnd'] as const) {
    it(`${name}: is announced to it, and its connection is closed`, async () => {
      await proven();
      const number = await call();
      const fault = new Error('fault');
      const thrown = await new Promise((resolve, reject) => {
        const exchange = upstream.start('alice', {
          onHead: () => undefined,
          onBody: () => undefined,
          onEnd: () => 'reusable',
          onReadEnd: () => undefined,
          onDrain: () => undefined,
          onError: reject,
          onUnexpected: resolve,
          [name]: () => {
            throw fault;
          },
        });
        exchange.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'latin1');
        exchange.finish();
      });
      assert.equal(thrown, fault);
      assert.notEqual(await call(), number, 'another has a connection of its own');
    });
  }
});
