// The cases of uNetworking/h1spec, each on a connection of its own: who frames a request otherwise than we do gets no
// answer from the server behind us, which says itself what reached it.
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { after, before, beforeEach, describe, it } from 'node:test';
import { RawConnection } from '../kit/raw.ts';
import { PING, TestBed } from '../support/sidecar.ts';

/** As long as h1spec waits (milliseconds). */
const SILENCE_MS = 500;

let bed: TestBed;
before(async () => {
  bed = await TestBed.start();
});
after(() => bed.stop());
beforeEach(() => {
  bed.upstream.requests.length = 0;
});

/** The tokens are good: nothing but the framing may be what a request is refused for. */
const token = () => `Authorization: Bearer ${bed.issuer.token()}\r\n`;
const HOST = 'Host: localhost:8001\r\n';
const TYPE = 'Content-Type: application/json\r\n';
const CHUNKS = `${PING.length.toString(16)}\r\n${PING}\r\n0\r\n\r\n`;

async function send(bytes: string): Promise<RawConnection> {
  const connection = await RawConnection.open(bed);
  connection.send(bytes);
  return connection;
}

/** Cut anywhere, a request is no request yet. */
const fragments = [
  'G',
  'GET ',
  'GET /mcp',
  'GET /mcp ',
  'GET /mcp HTTP',
  'GET /mcp HTTP/1.1',
  'GET /mcp HTTP/1.1\r',
  'GET /mcp HTTP/1.1\r\n',
  'GET /mcp HTTP/1.1\r\nHos',
  'GET /mcp HTTP/1.1\r\nHost:',
  'GET /mcp HTTP/1.1\r\nHost: ',
  'GET /mcp HTTP/1.1\r\nHost: localhost:8001',
  'GET /mcp HTTP/1.1\r\nHost: localhost:8001\r',
  'GET /mcp HTTP/1.1\r\nHost: localhost:8001\r\n',
  'GET /mcp HTTP/1.1\r\nHost: localhost:8001\r\n\r',
];

const malformed: Record<string, () => string> = {
  'no version': () => 'GET /mcp \r\n\r\n',
  'brackets in a field name': () => `GET /mcp HTTP/1.1\r\n${HOST}${token()}X-Invalid[]: test\r\n\r\n`,
  'no Host': () => `GET /mcp HTTP/1.1\r\n${token()}Content-Length: 5\r\n\r\n`,
  'two Hosts': () => `GET /mcp HTTP/1.1\r\n${HOST}Host: example.org\r\n${token()}\r\n`,
  'a negative length beyond any integer': () =>
    `GET /mcp HTTP/1.1\r\n${HOST}${token()}Content-Length: -123456789123456789123456789\r\n\r\n`,
  'a negative length': () => `GET /mcp HTTP/1.1\r\n${HOST}${token()}Content-Length: -1234\r\n\r\n`,
  'a length that is no number': () => `GET /mcp HTTP/1.1\r\n${HOST}${token()}Content-Length: abc\r\n\r\n`,
  'a control character in a value': () => `GET /mcp HTTP/1.1\r\n${HOST}${token()}X-Bad: test\x07\r\n\r\n`,
  'HTTP/9.9': () => `GET /mcp HTTP/9.9\r\n${HOST}${token()}\r\n`,
  'text in front of the method': () => `Extra lineGET /mcp HTTP/1.1\r\n${HOST}${token()}\r\n`,
  'a carriage return that begins a line': () =>
    `GET /mcp HTTP/1.1\r\n${HOST}${token()}\rSome-Header: Test\r\n\r\n`,
  'chunks and a length at once': () =>
    `GET /mcp HTTP/1.1\r\n${HOST}${token()}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n`,
  'chunks and a length at once, in odd case, with a body': () =>
    `POST /mcp HTTP/1.1\r\n${HOST}${token()}${TYPE}content-LengtH: 5\r\nTransFer-Encoding: chunked\r\n\r\n${CHUNKS}`,
};

const wellFormed: Record<string, () => string> = {
  GET: () => `GET /mcp HTTP/1.1\r\n${HOST}${token()}\r\n`,
  'odd case, a tab before a value, no value': () =>
    `GET /mcp HTTP/1.1\r\nhoSt:\tlocalhost:8001\r\n${token()}empty:\r\n\r\n`,
  'a value of one space': () => `GET /mcp HTTP/1.1\r\n${HOST}${token()}X-Empty-Header: \r\n\r\n`,
  'POST with a body': () =>
    `POST /mcp HTTP/1.1\r\n${HOST}${token()}${TYPE}Content-Length: ${PING.length}\r\n\r\n${PING}`,
  'POST in chunks': () =>
    `POST /mcp HTTP/1.1\r\n${HOST}${token()}${TYPE}Transfer-Encoding: chunked\r\n\r\n${CHUNKS}`,
};

describe('h1spec', () => {
  it('the beginning of a request is waited on, whatever it is cut in', async () => {
    const connections = await Promise.all(fragments.map(send));
    await delay(SILENCE_MS);
    connections.forEach((connection, i) => {
      const { received, closed } = connection;
      assert.deepEqual({ received, closed }, { received: '', closed: false }, JSON.stringify(fragments[i]));
      connection.destroy();
    });
    assert.equal(bed.upstream.requests.length, 0);
  });

  for (const [name, request] of Object.entries(malformed)) {
    it(`refused: ${name}`, async () => {
      const connection = await send(request());
      await connection.waitForClose();
      assert.equal(connection.statuses.length, 1, connection.received);
      const [status = 0] = connection.statuses;
      assert.ok(status >= 400 && status < 600, `${status}`);
      assert.equal(bed.upstream.requests.length, 0);
    });
  }

  for (const [name, request] of Object.entries(wellFormed)) {
    it(`answered: ${name}`, async () => {
      const connection = await send(request());
      assert.deepEqual(await connection.waitForStatuses(1), [200], connection.received);
      assert.equal(bed.upstream.requests.length, 1);
      connection.destroy();
    });
  }

  it('answered: a request that expects 100', async () => {
    const connection = await send(`GET /mcp HTTP/1.1\r\n${HOST}${token()}Expect: 100-continue\r\n\r\n`);
    const statuses = await connection.waitForStatuses(1);
    if (statuses[0] === 100) assert.deepEqual(await connection.waitForStatuses(2), [100, 200]);
    else assert.deepEqual(statuses, [200]);
    assert.equal(bed.upstream.requests.length, 1);
    connection.destroy();
  });
});
