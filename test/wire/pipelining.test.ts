// Several requests on one connection without waiting: each gets its own answer, whatever follows it, and their number is
// bounded.
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { RawConnection } from '../support/raw.ts';
import { PING, TestBed } from '../support/sidecar.ts';
import { answerJson, RESULT } from '../support/upstream.ts';
import { waitFor } from '../support/wait.ts';

let bed: TestBed;
let connection: RawConnection;
before(async () => {
  bed = await TestBed.start();
});
after(() => bed.stop());
beforeEach(async () => {
  bed.upstream.requests.length = 0;
  connection = await RawConnection.open(bed);
});
afterEach(() => connection.destroy());

function call(name: string, ...lines: string[]): string {
  const head = ['POST /mcp HTTP/1.1', 'Host: localhost:8001', 'Content-Type: application/json'];
  const token = `Authorization: Bearer ${bed.issuer.token()}`;
  return [...head, token, `X-Name: ${name}`, `Content-Length: ${PING.length}`, ...lines, '', PING].join(
    '\r\n',
  );
}

const named = () => [...connection.received.matchAll(/"name":"(\w+)"/g)].map(([, name]) => name);

describe('a call with something behind it that is no request', () => {
  /** By the time that the server answers, the rest has long been read. */
  beforeEach(() => {
    bed.upstream.script = (req, res) => {
      req.resume();
      setTimeout(() => res.end(`{"name":"${req.headers['x-name'] as string}"}`), 100);
    };
  });

  const behind: Readonly<Record<string, [bytes: string, statuses: number[]]>> = {
    garbage: ['garbage\r\n\r\n', [200, 400]],
    'a chunk without a size, and no token': [begun('Transfer-Encoding: chunked', '', 'zz\r\n'), [200, 401]],
    'a length and a coding': [begun('Transfer-Encoding: chunked', 'Content-Length: 1', '', 'x'), [200, 400]],
    'two Hosts': [begun('Host: evil.test', 'Content-Length: 0', '', ''), [200, 400]],
    'a head of 20 KB': [begun(`X-A: ${'a'.repeat(20_000)}`, '', ''), [200, 431]],
  };
  for (const [name, [bytes, statuses]] of Object.entries(behind)) {
    it(`${name}: the call gets its answer first`, async () => {
      connection.send(call('first') + bytes);
      await connection.waitForClose();
      assert.deepEqual(connection.statuses, statuses);
      assert.deepEqual(named(), ['first']);
      assert.equal(bed.upstream.requests.length, 1);
    });
  }

  it('two calls: both get theirs', async () => {
    connection.send(`${call('first')}${call('second')}garbage\r\n\r\n`);
    await connection.waitForClose();
    assert.deepEqual(connection.statuses, [200, 200, 400]);
    assert.deepEqual(named(), ['first', 'second']);
  });

  it('a call that says `Connection: close`: it gets its answer, what follows gets none', async () => {
    for (const rest of ['garbage\r\n\r\n', call('second')]) {
      const closing = await RawConnection.open(bed);
      bed.upstream.requests.length = 0;
      closing.send(call('first', 'Connection: close') + rest);
      await closing.waitForClose();
      assert.deepEqual(closing.statuses, [200], rest);
      assert.match(closing.received, /"name":"first"/);
      assert.equal(bed.upstream.requests.length, 1);
    }
  });

  it('garbage without end behind it ends nothing sooner, and warns of nothing', async () => {
    connection.send(call('first'));
    for (let i = 0; i < 50; i++) connection.send('garbage\r\n'.repeat(10));
    await connection.waitForClose();
    assert.deepEqual(connection.statuses, [200, 400]);
    assert.doesNotMatch(bed.log, /MaxListeners|Warning/);
  });
});

describe('a request without Host', () => {
  it('ends the connection, whenever the next one comes', async () => {
    bed.upstream.script = answerJson;
    connection.send('POST /mcp HTTP/1.1\r\nContent-Length: 0\r\n\r\n');
    await new Promise((resolve) => connection.socket.write(call('second'), 'latin1', resolve));
    await connection.waitForClose();
    assert.deepEqual(connection.statuses, [400]);
    assert.deepEqual(bed.upstream.requests, []);
  });
});

describe('calls without end on one connection', () => {
  const SENT = 300;
  const LIMIT = 128;

  it('are with the server 128 at a time; the others get 503, and nobody else notices', async () => {
    const waiting: ServerResponse[] = [];
    bed.upstream.script = (req, res) => {
      req.resume();
      waiting.push(res);
    };
    for (let i = 0; i < SENT; i++) connection.send(call(`n${i}`));
    await waitFor(() => waiting.length === LIMIT, 'the calls to arrive');
    bed.upstream.script = answerJson;
    assert.equal((await bed.callWith(bed.issuer.token())).body, RESULT, 'another connection');
    for (const res of waiting) res.end(RESULT);
    const statuses = await connection.waitForStatuses(SENT);
    assert.deepEqual(
      statuses,
      Array.from({ length: SENT }, (_, i) => (i < LIMIT ? 200 : 503)),
    );
    assert.equal(bed.upstream.requests.length, LIMIT + 1);
    connection.send(call('again'));
    assert.equal((await connection.waitForStatuses(SENT + 1)).at(-1), 200, 'there is room again');
  });
});

/** The beginning of a request, with the lines given and nothing else. */
function begun(...lines: string[]): string {
  return ['POST /mcp HTTP/1.1', 'Host: localhost:8001', ...lines].join('\r\n');
}
