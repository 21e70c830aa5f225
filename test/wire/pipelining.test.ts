// Several requests on one connection without waiting: each gets its own answer, whatever follows it, and their number is
// bounded.
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { RawConnection } from '../kit/raw.ts';
import { PING, TestBed } from '../support/sidecar.ts';
import { answerJson, RESULT } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';

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
  return [...head, token, `X-Request-Id: ${name}`, `Content-Length: ${PING.length}`, ...lines, '', PING].join(
    '\r\n',
  );
}

const named = () => [...connection.received.matchAll(/"name":"(\w+)"/g)].map(([, name]) => name);

describe('a call with something behind it that is no request', () => {
  /** By the time that the server answers, the rest has long been read. */
  beforeEach(() => {
    bed.upstream.script = (req, res) => {
      req.resume();
      setTimeout(() => res.end(`{"name":"${req.headers['x-request-id'] as string}"}`), 100);
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

describe('a call behind one that is slow', () => {
  /** The answers that the server has not given yet, by name. */
  const open = new Map<string, ServerResponse>();
  const finish = (name: string) => void open.get(name)?.end(`{"name":"${name}"}`);
  const inFlight = () => bed.metric('mcp_sidecar_requests_in_flight');
  beforeEach(() => {
    open.clear();
    bed.upstream.script = (req, res) => {
      req.resume();
      open.set(String(req.headers['x-request-id']), res);
    };
  });

  /** Sends the first, waits for it to be with the server, and sends the rest. */
  async function behind(...rest: readonly string[]): Promise<void> {
    connection.send(call('first'));
    await waitFor(() => open.has('first'), 'the first call to arrive');
    connection.send(rest.join(''));
  }

  it('is over when the connection is, however it ended', async () => {
    for (const end of ['CONNECT evil.test:1 HTTP/1.1\r\nHost: evil.test:1\r\n\r\n', undefined]) {
      connection = await RawConnection.open(bed);
      await behind(call('second'), call('third'));
      await waitFor(() => open.has('third'), 'the other calls to arrive');
      if (end === undefined) connection.destroy();
      else connection.send(end);
      await waitFor(async () => (await inFlight()) === 0, 'no request to be under way');
      await waitFor(() => [...open.values()].every((res) => res.destroyed), 'the server to see it');
      open.clear();
    }
  });

  it('that the server cuts ends the connection abruptly when it is its turn, and what is behind it gets nothing', async () => {
    await behind(call('second'), call('third'));
    await waitFor(() => open.has('third'), 'the other calls to arrive');
    const cut = open.get('second');
    cut?.writeHead(200, { 'Content-Type': 'text/event-stream' });
    cut?.write('data: 1\n\n');
    await new Promise((resolve) => setTimeout(resolve, 100));
    cut?.socket?.resetAndDestroy();
    finish('third');
    await waitFor(async () => (await inFlight()) === 2, 'the sidecar to see it');
    finish('first');
    await connection.waitForClose();
    assert.equal(connection.statuses[0], 200);
    assert.deepEqual(named(), ['first']);
  });

  it('is refused in its turn, though its body never ends, and the one in front of it is not cut', async () => {
    await behind(begun('Content-Length: 100', '', 'abc'));
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    finish('first');
    await connection.waitForClose();
    assert.deepEqual(connection.statuses, [200, 401]);
    assert.deepEqual(named(), ['first']);
  });
});

describe('a request that asks for another protocol', () => {
  it('is answered as any other, and what follows it gets nothing: Node would lose some of that', async () => {
    bed.upstream.script = answerJson;
    for (const rest of [call('second'), 'garbage\r\n\r\n', '']) {
      const upgrading = await RawConnection.open(bed);
      bed.upstream.requests.length = 0;
      upgrading.send(call('first', 'Connection: Upgrade', 'Upgrade: websocket') + rest);
      await upgrading.waitForClose();
      assert.deepEqual(upgrading.statuses, [200], rest);
      assert.equal(bed.upstream.requests.length, 1);
    }
  });
});

describe('what Node would answer by itself', () => {
  it('a target that is not ours, without Host or with two: 400, and the connection ends', async () => {
    for (const hosts of ['', 'Host: a.test\r\nHost: b.test\r\n']) {
      const other = await RawConnection.open(bed);
      other.send(`GET http://other.test/ HTTP/1.1\r\n${hosts}\r\n`);
      await other.waitForClose();
      assert.deepEqual(other.statuses, [400]);
    }
  });

  it('an unknown expectation is overlooked (RFC 9110 section 10.1.1), and asks for a token all the same', async () => {
    bed.upstream.script = answerJson;
    connection.send(
      call('first', 'Expect: the-unexpected') + begun('Expect: x', 'Content-Length: 0', '', ''),
    );
    assert.deepEqual(await connection.waitForStatuses(2), [200, 401]);
    assert.equal(bed.upstream.requests[0]?.headers.expect, undefined);
  });
});

describe('calls without end on one connection', () => {
  const SENT = 300;
  const LIMIT = 128;

  it('are with the server 128 at a time; the others get 503, and no other client notices', async () => {
    const waiting: ServerResponse[] = [];
    bed.upstream.script = (req, res) => {
      req.resume();
      waiting.push(res);
    };
    for (let i = 0; i < SENT; i++) connection.send(call(`n${i}`));
    await waitFor(() => waiting.length === LIMIT, 'the calls to arrive');
    const denied = `mcp_sidecar_denials_total\\{reason="overloaded"\\}`;
    await waitFor(
      async () => (await bed.metric(denied).catch(() => 0)) === SENT - LIMIT,
      'the others to be refused',
    );
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
