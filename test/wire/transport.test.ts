// The hop to the server and back: what is relayed, what becomes an error of the sidecar, and that nothing is sent twice.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { assertRefused } from '../support/challenge.ts';
import { RawConnection } from '../kit/raw.ts';
import { type Answer } from '../kit/http.ts';
import { PING, TestBed } from '../support/sidecar.ts';
import { waitFor } from '../kit/wait.ts';
import { answerJson, answerRaw, RESULT } from '../kit/upstream.ts';

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
const head = (...lines: string[]) =>
  ['POST /mcp HTTP/1.1', 'Host: localhost:8001', 'Content-Type: application/json', ...lines, '', ''].join(
    '\r\n',
  );
const withToken = (token = bed.issuer.token()) => `Authorization: Bearer ${token}`;
const ping = `Content-Length: ${PING.length}`;

/** 502 with a body of the sidecar: a JSON-RPC error for the client that waits for the answer to request 1. */
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
    'no content': [204, ''],
    'forbidden by the server itself': [403, '{"error":"no"}'],
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
    nothing: '',
    'half a head': 'HTTP/1.1 200 OK\r\nContent-',
    'HTTP/2': 'HTTP/2 200\r\n\r\n',
    'status of two digits': 'HTTP/1.1 20 OK\r\n\r\n',
    'no status line': 'Content-Length: 0\r\n\r\n',
    'a tab before the colon': 'HTTP/1.1 200 OK\r\nContent-Length\t: 2\r\n\r\n{}',
    'a field without a name': 'HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 2\r\n\r\n{}',
    'a field without a colon': 'HTTP/1.1 200 OK\r\nContent-Length 2\r\n\r\n{}',
    'a negative length': 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n',
    'a length in a list': 'HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n{}',
    'an unknown coding': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
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

  it('more bytes than announced reach no client', async () => {
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

describe('the body of a refused request is not waited for', () => {
  it('Expect: 100-continue with a token: 100, then the answer', async () => {
    const connection = await RawConnection.open(bed);
    connection.send(head('Expect: 100-continue', withToken(), ping));
    assert.deepEqual(await connection.waitForStatuses(1), [100]);
    connection.send(PING);
    assert.deepEqual(await connection.waitForStatuses(2), [100, 200]);
    assert.equal(bed.upstream.requests[0]?.headers.expect, undefined);
    connection.destroy();
  });

  it('a large body that is under way does not cost the client its answer', async () => {
    for (let i = 0; i < 20; i++) assertRefused(await bed.call({ body: 'x'.repeat(5_000_000) }), 'none');
    assert.deepEqual(bed.upstream.requests, []);
  });

  it('a server that answers before it has read a large body: the client gets the answer', async () => {
    // Only a body that is not validated is still under way when the server answers.
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
