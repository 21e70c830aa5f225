// The hop to the server and back: what is relayed, what becomes an error of ours, and that nothing is sent twice.
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { Agent } from 'node:https';
import { after, before, beforeEach, describe, it } from 'node:test';
import { assertRefused } from '../support/challenge.ts';
import { RawConnection } from '../support/raw.ts';
import { PING, TestBed, type Answer } from '../support/sidecar.ts';
import { waitFor } from '../support/wait.ts';
import { answerJson, answerRaw, RESULT } from '../support/upstream.ts';

let bed: TestBed;
before(async () => {
  bed = await TestBed.start();
});
after(() => bed.stop());
beforeEach(() => {
  bed.upstream.requests.length = 0;
  bed.upstream.script = answerJson;
});

const call = () => bed.callWith(bed.issuer.token());
const authorization = () => ({ Authorization: `Bearer ${bed.issuer.token()}` });
const head = (...lines: string[]) =>
  ['POST /mcp HTTP/1.1', 'Host: localhost:8001', 'Content-Type: application/json', ...lines, '', ''].join(
    '\r\n',
  );
const withToken = (token = bed.issuer.token()) => `Authorization: Bearer ${token}`;
const ping = `Content-Length: ${PING.length}`;

/** 502 with a body of ours: a JSON-RPC error for whoever waits for the answer to request 1. */
function assertBadGateway(answer: Answer, isRequest = true): void {
  assert.equal(answer.status, 502, answer.body);
  const body = JSON.parse(answer.body) as { id: unknown; error: { code: number; data: { error: string } } };
  if (isRequest) {
    assert.equal(body.id, 1);
    assert.equal(body.error.code, -32603);
    assert.equal(body.error.data.error, 'bad_gateway');
  } else assert.equal(body.error, 'bad_gateway');
  assert.equal(answer.headers['www-authenticate'], undefined);
  assert.equal(answer.headers.location, undefined);
  assert.equal(answer.headers['cache-control'], 'no-store');
}

describe('an answer that means something to MCP is relayed as it is', () => {
  const answers: Record<string, [status: number, body: string]> = {
    accepted: [202, ''],
    'no content': [204, ''],
    'empty 400, on which clients fall back to initialize': [400, ''],
    'unsupported version': [400, '{"jsonrpc":"2.0","id":1,"error":{"code":-32022,"message":"x"}}'],
    'forbidden by the server itself': [403, '{"error":"no"}'],
    'unknown method': [404, '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"x"}}'],
    'session ended': [404, 'Session not found'],
    'no GET stream': [405, ''],
    'not acceptable': [406, '{}'],
    conflict: [409, '{}'],
    gone: [410, '{}'],
    'too many requests': [429, '{}'],
    'internal error': [500, 'oops'],
    unavailable: [503, ''],
  };
  for (const [name, [status, body]] of Object.entries(answers)) {
    it(`${status} ${name}`, async () => {
      bed.upstream.script = (req, res) => {
        req.resume();
        res.writeHead(status, { 'Mcp-Session-Id': 's1', 'Retry-After': '7', ETag: '"x"' });
        res.end(body);
      };
      const answer = await call();
      assert.equal(answer.status, status);
      assert.equal(answer.body, body);
      assert.equal(answer.headers['mcp-session-id'], 's1');
      assert.equal(answer.headers['retry-after'], '7');
      assert.equal(answer.headers.etag, '"x"');
    });
  }
});

describe('an answer that must not reach the client becomes 502', () => {
  for (const status of [401, 407]) {
    it(`${status} with a challenge of its own`, async () => {
      bed.upstream.script = (_, res) => {
        const challenge = 'Bearer resource_metadata="https://evil.test/x"';
        res.writeHead(status, { 'WWW-Authenticate': challenge, 'Proxy-Authenticate': challenge });
        res.end('see https://evil.test');
      };
      const answer = await call();
      assertBadGateway(answer);
      assert.ok(!JSON.stringify(answer).includes('evil.test'));
      assert.equal(bed.upstream.requests.length, 1);
    });
  }

  for (const status of [300, 301, 302, 303, 307, 308]) {
    it(`${status} redirect`, async () => {
      bed.upstream.script = (_, res) => {
        res.writeHead(status, { Location: 'http://127.0.0.1:8000/mcp/' });
        res.end('127.0.0.1');
      };
      const answer = await call();
      assertBadGateway(answer);
      assert.ok(!JSON.stringify(answer).includes('127.0.0.1'));
      assert.equal(bed.upstream.requests.length, 1, 'it is not followed');
    });
  }

  const malformed: Record<string, string> = {
    'not HTTP': 'hello\r\n\r\n',
    nothing: '',
    'half a head': 'HTTP/1.1 200 OK\r\nContent-',
    'HTTP/2': 'HTTP/2 200\r\n\r\n',
    'status of two digits': 'HTTP/1.1 20 OK\r\n\r\n',
    'no status line': 'Content-Length: 0\r\n\r\n',
    'a NUL in the head': 'HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n',
    'a bare LF in the head': 'HTTP/1.1 200 OK\r\nX: a\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n',
    'a bare CR in the head': 'HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\nContent-Length: 0\r\n\r\n',
    'a folded line': 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n',
    'a space before the colon': 'HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\n{}',
    'a tab before the colon': 'HTTP/1.1 200 OK\r\nContent-Length\t: 2\r\n\r\n{}',
    'a field without a name': 'HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 2\r\n\r\n{}',
    'a field without a colon': 'HTTP/1.1 200 OK\r\nContent-Length 2\r\n\r\n{}',
    'a field name with a space': 'HTTP/1.1 200 OK\r\nX Y: 1\r\nContent-Length: 2\r\n\r\n{}',
    'two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}',
    'a negative length': 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n',
    'a length in a list': 'HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n{}',
    'length and coding':
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'an unknown coding': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    'a protocol switch': 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n',
    'a head without end': `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(70_000)}`,
    'fewer bytes than announced': 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}',
  };
  for (const [name, bytes] of Object.entries(malformed)) {
    it(`malformed: ${name}`, async () => {
      bed.upstream.script = answerRaw(bytes);
      assertBadGateway(await call());
      bed.upstream.script = answerJson;
      assert.equal((await call()).body, RESULT, 'the next call is not harmed');
    });
  }

  it('malformed chunks end the answer abnormally', async () => {
    bed.upstream.script = answerRaw('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\nzz\r\n');
    await assert.rejects(call(), { code: 'ECONNRESET' });
  });

  it('more bytes than announced reach nobody', async () => {
    const first = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}';
    bed.upstream.script = (req) => {
      req.resume();
      req.socket.write(`${first}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`);
    };
    assert.equal((await call()).body, '{}');
    bed.upstream.script = answerJson;
    for (let i = 0; i < 5; i++) assert.equal((await call()).body, RESULT);
  });

  it('an interim answer is not the answer', async () => {
    bed.upstream.script = answerRaw(
      'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}',
    );
    const answer = await call();
    assert.equal(answer.status, 200);
    assert.equal(answer.body, '{}');
    assert.equal(answer.headers.link, undefined);
  });

  it('a length that comes twice, or with zeros in front, goes on once and plainly', async () => {
    for (const lengths of ['Content-Length: 2\r\ncontent-length: 2', 'Content-Length: 002']) {
      bed.upstream.script = answerRaw(`HTTP/1.1 200 OK\r\n${lengths}\r\n\r\n{}`);
      const connection = await RawConnection.open(bed);
      connection.send(head(withToken(), ping) + PING);
      await waitFor(() => connection.received.endsWith('{}'), 'the answer');
      assert.deepEqual(connection.received.match(/^content-length: .*$/gim), ['Content-Length: 2']);
      connection.destroy();
    }
  });

  it('an answer of HTTP/1.0, ended by the close, passes', async () => {
    bed.upstream.script = answerRaw('HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{"a":1}');
    assert.equal((await call()).body, '{"a":1}');
  });
});

describe('nothing is sent twice', () => {
  for (const [name, cut] of [
    ['closes', (req: IncomingMessage) => req.socket.end()],
    ['resets', (req: IncomingMessage) => req.socket.resetAndDestroy()],
  ] as const) {
    it(`a server that ${name} a reused connection on a request: 502, and it saw the request once`, async () => {
      await call();
      const { length } = bed.upstream.requests;
      bed.upstream.script = (req) => void req.resume().on('end', () => cut(req));
      assertBadGateway(await call());
      assert.equal(bed.upstream.requests.length - length, 1);
    });
  }

  it('a server that closes idle connections costs no call', async () => {
    for (let i = 0; i < 10; i++) {
      assert.equal((await call()).status, 200);
      bed.upstream.server.closeIdleConnections();
      await waitFor(
        async () => (await bed.metric('mcp_sidecar_upstream_connections')) === 0,
        'the sidecar to notice',
      );
    }
  });
});

describe('one connection of a client', () => {
  it('is judged request by request: a token is good for one only', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ports = new Set<number | undefined>();
    agent.on('free', (socket: { localPort?: number }) => ports.add(socket.localPort));
    for (const expected of [200, 401, 200, 401]) {
      const headers = expected === 200 ? authorization() : {};
      assert.equal((await bed.call({ agent, headers })).status, expected);
    }
    assert.equal(ports.size, 1, 'it was one connection');
    assert.equal(bed.upstream.requests.length, 2);
    agent.destroy();
  });

  it('answers pipelined requests in order, each by its own token', async () => {
    bed.upstream.script = (req, res) => {
      // The first answer is slow: it must still come first.
      setTimeout(() => res.end(req.headers['x-mcp-subject']), bed.upstream.requests.length === 1 ? 100 : 0);
    };
    const bob = bed.issuer.token({ claims: { sub: 'bob' } });
    const requests = [[withToken()], [], [withToken(bob)], ['Authorization: Bearer x'], [withToken()]];
    const connection = await RawConnection.open(bed);
    connection.send(requests.map((lines) => head(...lines, ping) + PING).join(''));
    assert.deepEqual(await connection.waitForStatuses(5), [200, 401, 200, 401, 200]);
    const bodies = () => [...connection.received.matchAll(/\r\n\r\n(alice|bob)/g)].map(([, name]) => name);
    await waitFor(() => bodies().length === 3, 'the bodies');
    assert.deepEqual(bodies(), ['alice', 'bob', 'alice']);
    assert.equal(bed.upstream.requests.length, 3);
    connection.destroy();
  });

  it('never gets the answer to another: 300 calls of two users over shared connections', async () => {
    bed.upstream.script = (req, res) => {
      req.resume();
      setImmediate(() =>
        res.end(`${req.headers['x-mcp-subject'] as string} ${req.headers['x-call'] as string}`),
      );
    };
    const agent = new Agent({ keepAlive: true, maxSockets: 8 });
    const tokens = { alice: bed.issuer.token(), bob: bed.issuer.token({ claims: { sub: 'bob' } }) };
    const calls = Array.from({ length: 300 }, async (_, i) => {
      const user = i % 2 === 0 ? 'alice' : 'bob';
      const answer = await bed.callWith(tokens[user], {
        agent,
        headers: { Authorization: `Bearer ${tokens[user]}`, 'X-Call': `${i}` },
      });
      assert.equal(answer.body, `${user} ${i}`);
    });
    await Promise.all(calls);
    agent.destroy();
  });
});

describe('the body of a refused request is not waited for', () => {
  it('Expect: 100-continue without a token: 401 at once, no 100, and the connection ends', async () => {
    const connection = await RawConnection.open(bed);
    connection.send(head('Expect: 100-continue', 'Content-Length: 10'));
    assert.deepEqual(await connection.waitForStatuses(1), [401]);
    assert.match(
      connection.received,
      /^Connection: close\r$/im,
      'or the next request would be read as the body',
    );
    await connection.waitForClose();
    assert.deepEqual(bed.upstream.requests, []);
  });

  it('Expect: 100-continue with a token: 100, then the answer', async () => {
    const connection = await RawConnection.open(bed);
    connection.send(head('Expect: 100-continue', withToken(), ping));
    assert.deepEqual(await connection.waitForStatuses(1), [100]);
    connection.send(PING);
    assert.deepEqual(await connection.waitForStatuses(2), [100, 200]);
    assert.equal(bed.upstream.requests[0]?.headers.expect, undefined);
    connection.destroy();
  });

  it('a body that never comes', async () => {
    const connection = await RawConnection.open(bed);
    connection.send(head('Content-Length: 1000000'));
    assert.deepEqual(await connection.waitForStatuses(1), [401]);
    await connection.waitForClose();
  });

  it('a large body that is under way does not cost the client its answer', async () => {
    for (let i = 0; i < 20; i++) assertRefused(await bed.call({ body: 'x'.repeat(5_000_000) }), 'none');
    assert.deepEqual(bed.upstream.requests, []);
  });

  it('a server that answers before it has read a large body: the client gets the answer', async () => {
    // Only a body that is not judged is still under way when the server answers.
    const streaming = await TestBed.start({
      config: ({ transport }) => ({ transport: { ...transport, messageChecks: 'Off' } }),
    });
    streaming.upstream.script = (_, res) => {
      res.writeHead(413);
      res.end('too large');
    };
    for (let i = 0; i < 10; i++) {
      const answer = await streaming.callWith(streaming.issuer.token(), { body: 'x'.repeat(5_000_000) });
      assert.equal(answer.status, 413);
      assert.equal(answer.body, 'too large');
    }
    await streaming.stop();
  });
});

it('a server that does not listen: 502, never 401, 400 or 404; without a token still 401', async () => {
  await bed.upstream.close();
  assertBadGateway(await call());
  assertBadGateway(await bed.callWith(bed.issuer.token(), { method: 'GET' }), false);
  assertRefused(await bed.call(), 'none');
  assert.equal((await fetch(bed.adminUrl('/readyz'))).status, 503);
});
