// Which connection to the server a request gets.
import assert from 'node:assert/strict';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { Upstream, type Exchange } from '../../../../src/sidecar/proxy/upstream-pool.ts';
import { waitFor } from '../../../kit/wait.ts';

let server: Server;
let upstream: Upstream;
/** What the server says behind each answer. */
let surplus = '';
let connections: Socket[] = [];

before(async () => {
  server = createServer((socket) => {
    const number = connections.push(socket) - 1;
    socket.on('error', () => undefined); // a reset is an end
    socket.on('data', () => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${number}${surplus}`));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
beforeEach(() => {
  connections = [];
  upstream = new Upstream({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
});
afterEach(() => {
  upstream.close();
  for (const socket of connections) socket.destroy();
});
after(() => server.close());

/** @returns the number of the connection that the answer came on */
function call(): Promise<number> {
  return new Promise((resolve, reject) => {
    let body = '';
    const exchange = upstream.start({
      onHead: () => undefined,
      onBody: (chunk) => void (body += chunk.toString()),
      onEnd: () => setImmediate(() => resolve(Number(body))), // parked by then
      onReadEnd: () => undefined,
      onDrain: () => undefined,
      onError: reject,
      onUnexpected: reject,
    });
    exchange.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'latin1');
    exchange.finish();
  });
}

describe('a connection to the server', () => {
  it('serves one request after the other', async () => {
    assert.deepEqual([await call(), await call(), await call()], [0, 0, 0]);
  });

  it('serves one request at a time', async () => {
    assert.deepEqual(await Promise.all([call(), call()]), [0, 1]);
  });

  it('that brings an answer without a request is closed', async () => {
    await call();
    connections[0]?.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil');
    await waitFor(() => upstream.connections === 0, 'the connection to be closed');
    assert.equal(await call(), 1);
  });

  it('that brings more than its answer is closed', async () => {
    surplus = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';
    await call();
    await waitFor(() => upstream.connections === 0, 'the connection to be closed');
    surplus = '';
    assert.equal(await call(), 1);
  });
});

describe('a handle of an exchange that is over', () => {
  /** An exchange that gives its handle away when its answer is complete. */
  const finished = () =>
    new Promise<Exchange>((resolve, reject) => {
      const exchange = upstream.start({
        onHead: () => undefined,
        onBody: () => undefined,
        onEnd: () => setImmediate(() => resolve(exchange)),
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
      const stale = await finished();
      misuse(stale);
      assert.equal(await call(), 0, 'the next exchange has the connection, and its own answer');
      const received: string[] = [];
      connections[0]?.on('data', (chunk: Buffer) => received.push(chunk.toString()));
      const next = call();
      misuse(stale);
      assert.equal(await next, 0, 'and so has one that is under way');
      assert.deepEqual(received, ['GET / HTTP/1.1\r\nHost: a\r\n\r\n']);
    });
  }

  it('does not make a connection fit for reuse on which a request was not sent as a whole', async () => {
    await new Promise<void>((resolve, reject) => {
      const exchange = upstream.start({
        onHead: () => undefined,
        onBody: () => undefined,
        onEnd: () => {
          exchange.finish(); // too late
          setImmediate(resolve);
        },
        onReadEnd: () => undefined,
        onDrain: () => undefined,
        onError: reject,
        onUnexpected: reject,
      });
      exchange.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n', 'latin1');
    });
    assert.equal(await call(), 1);
  });
});

describe('what a listener of an exchange throws', () => {
  for (const name of ['onHead', 'onBody', 'onEnd', 'onReadEnd'] as const) {
    it(`${name}: is announced to it, and its connection is closed`, async () => {
      const fault = new Error('fault');
      const thrown = await new Promise((resolve, reject) => {
        const exchange = upstream.start({
          onHead: () => undefined,
          onBody: () => undefined,
          onEnd: () => undefined,
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
      assert.equal(await call(), 1, 'another has a connection of its own');
    });
  }
});
