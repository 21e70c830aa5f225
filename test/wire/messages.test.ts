// Bodies on real sockets: what is refused never reaches the server, and what is forwarded is what was validated.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { gzipSync } from 'node:zlib';
import { after, before, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { INITIALIZE, legacy, modern, type SentMessage } from '../kit/messages.ts';
import { RawConnection } from '../kit/raw.ts';
import { Answer, readAll } from '../kit/http.ts';
import { PING, TestBed } from '../support/sidecar.ts';
import { answerJson, RESULT } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';

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

async function post(
  body: string | Buffer,
  headers: Readonly<Record<string, string | string[]>> = {},
  on = bed,
): Promise<Answer> {
  const req = on.request({ headers: { Authorization: `Bearer ${on.issuer.token()}`, ...headers } });
  req.end(body);
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  return new Answer(res, (await readAll(res)).toString());
}

const send = ({ body, headers }: SentMessage) => post(body, headers);

/** A refusal by the sidecar: JSON-RPC, with the id where it could be read, and nothing at the server. */
function assertRefused(answer: Answer, code: number, id?: unknown): void {
  assert.equal(answer.status, 400, answer.body);
  const body = JSON.parse(answer.body) as {
    jsonrpc: string;
    id?: unknown;
    error: { code: number; data: object };
  };
  assert.equal(body.jsonrpc, '2.0');
  assert.equal(body.error.code, code, answer.body);
  assert.deepEqual(body.id, id);
  assert.equal('id' in body, id !== undefined);
  assert.match(JSON.stringify(body.error.data), /"request_id":"[0-9a-f-]{36}"/);
  assert.equal(answer.headers['content-type'], 'application/json');
  assert.equal(answer.headers['cache-control'], 'no-store');
  assert.equal(answer.headers['www-authenticate'], undefined);
  assert.deepEqual(bed.upstream.requests, []);
}

describe('a body that is no message (D13, E3, E4, E6, E7)', () => {
  const rows: Record<string, [body: string | Buffer, code: number, id?: unknown]> = {
    'a byte order mark': [`\uFEFF${PING}`, -32700],
    'UTF-16': [Buffer.from(PING, 'utf16le'), -32700],
    'a method twice': ['{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call"}', -32600],
    'a name twice': [
      '{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"read_file","name":"write_file"}}',
      -32600,
      'a',
    ],
    'a name in another case': [
      '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"read_file","Name":"write_file"}}',
      -32600,
      2,
    ],
    'a name that is a list': [
      '{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":["write_file"]}}',
      -32602,
      3,
    ],
    'deep nesting': [
      `{"jsonrpc":"2.0","id":1,"method":"a","params":{"a":${'['.repeat(100)}${']'.repeat(100)}}}`,
      -32600,
    ],
  };
  for (const [name, [body, code, id]] of Object.entries(rows)) {
    it(name, async () => assertRefused(await post(body), code, id));
  }

  it('in chunks', async () => {
    const req = bed.request({ headers: authorization() });
    req.write('{"jsonrpc":"2.0",');
    req.end('"id":1,"method":"a","method":"b"}');
    const [res] = (await once(req, 'response')) as [IncomingMessage];
    assert.equal(res.statusCode, 400);
    res.resume();
    assert.deepEqual(bed.upstream.requests, []);
  });

  it('the connection can be used again', async () => {
    const connection = await RawConnection.open(bed);
    const message = (body: string) =>
      `POST /mcp HTTP/1.1\r\nHost: localhost:8001\r\nAuthorization: Bearer ${bed.issuer.token()}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    connection.send(message('{}') + message(PING) + message('[]'));
    assert.deepEqual(await connection.waitForStatuses(3), [400, 200, 400]);
    assert.equal(bed.upstream.requests.length, 1);
    connection.destroy();
  });

  it('says nothing of what was sent, but the id', async () => {
    const { body } = await post(
      '{"jsonrpc":"2.0","id":1,"method":"secret-method","params":["secret-value"]}',
    );
    assert.ok(!body.includes('secret'), body);
    await waitFor(() => bed.log.includes('bad_params'), 'the log line');
    assert.ok(!bed.log.includes('secret-'));
  });

  it('a large number as id comes back as it was', async () => {
    const { body } = await post('{"jsonrpc":"2.0","id":12345678901234567890,"method":1}');
    assert.match(body, /"id":12345678901234567890,/);
  });
});

describe('type, coding and size (D12)', () => {
  const types: Record<string, [type: string | string[], status: number]> = {
    JSON: ['application/json', 200],
    'in capitals': ['Application/JSON', 200],
    'with a charset': ['application/json; charset=utf-8', 200],
    'with a quoted charset': ['application/json;charset="UTF-8"', 200],
    'with another parameter': ['application/json; profile=x', 200],
    'a form': ['application/x-www-form-urlencoded', 415],
    'JSON-RPC of its own type': ['application/json-rpc', 415],
    'JSON by suffix': ['application/vnd.x+json', 415],
    'a charset that is not UTF-8': ['application/json; charset=utf-16', 415],
    empty: ['', 415],
    'two in one field': ['application/json, text/plain', 415],
    'two fields': [['application/json', 'text/plain'], 415],
  };
  for (const [name, [type, status]] of Object.entries(types)) {
    it(`${name}: ${status}`, async () => {
      assert.equal((await post(PING, { 'Content-Type': type })).status, status);
      assert.equal(bed.upstream.requests.length, status === 200 ? 1 : 0);
    });
  }

  it('no type: 415', async () => {
    const connection = await RawConnection.open(bed);
    connection.send(
      `POST /mcp HTTP/1.1\r\nHost: localhost:8001\r\nAuthorization: Bearer ${bed.issuer.token()}\r\nContent-Length: 2\r\n\r\n{}`,
    );
    assert.deepEqual(await connection.waitForStatuses(1), [415]);
    connection.destroy();
  });

  for (const [coding, status] of [
    ['identity', 200],
    ['Identity', 200],
    ['gzip', 415],
    ['br', 415],
    ['identity, gzip', 415],
    ['', 415],
  ] as const) {
    it(`Content-Encoding: ${coding}: ${status}`, async () => {
      const body = coding === 'gzip' ? gzipSync(PING) : PING;
      assert.equal((await post(body, { 'Content-Encoding': coding })).status, status);
      assert.equal(bed.upstream.requests.length, status === 200 ? 1 : 0);
    });
  }

  /** A ping of exactly so many bytes. */
  const sized = (bytes: number) =>
    PING.replace('}', `,"params":{"x":"${'x'.repeat(bytes - PING.length - 18)}"}}`);
  for (const [bytes, status] of [
    [4 * MIB, 200],
    [4 * MIB + 1, 413],
  ] as const) {
    for (const framing of ['Content-Length', 'chunked']) {
      it(`${bytes} bytes, ${framing}: ${status}`, async () => {
        const body = sized(bytes);
        assert.equal(body.length, bytes);
        const answer = await post(body, framing === 'chunked' ? { 'Transfer-Encoding': 'chunked' } : {});
        assert.equal(answer.status, status, answer.body.slice(0, 200));
        assert.equal(bed.upstream.requests.length, status === 200 ? 1 : 0);
      });
    }
  }

  it('a body that says it is too large is refused before it comes', async () => {
    const connection = await RawConnection.open(bed);
    connection.send(
      `POST /mcp HTTP/1.1\r\nHost: localhost:8001\r\nAuthorization: Bearer ${bed.issuer.token()}\r\n` +
        `Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n`,
    );
    assert.deepEqual(await connection.waitForStatuses(1), [413]);
    await connection.waitForClose();
  });

  it('without a token it is 401, whatever the type and size', async () => {
    const req = bed.request({ headers: { 'Content-Type': 'text/plain', 'Content-Length': '99999999' } });
    req.on('error', () => undefined);
    req.flushHeaders();
    const [res] = (await once(req, 'response')) as [IncomingMessage];
    assert.equal(res.statusCode, 401);
    req.destroy();
  });

  for (const method of ['GET', 'DELETE']) {
    it(`${method} with a body: 400`, async () => {
      const req = bed.request({ method, headers: { ...authorization(), 'Content-Length': '2' } });
      req.end('{}');
      const [res] = (await once(req, 'response')) as [IncomingMessage];
      assert.equal(res.statusCode, 400);
      res.resume();
      assert.deepEqual(bed.upstream.requests, []);
    });
  }
});

describe('what was validated is what is sent (E5)', () => {
  const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
  const text = '\u00e9\u20ac\u{1F600}\\u0061\\/ 12345678901234567890 1.0e+2';
  const bodies: Record<string, string> = {
    ASCII: PING,
    'odd blanks and escapes': ' {\t"jsonrpc" : "2.0",\r\n"\\u0069d":1.0 , "method":"p\\u0069ng" }\n',
    'characters of all lengths': PING.replace('}', `,"params":{"x":"${text}"}}`),
    'many pieces': PING.replace('}', `,"params":{"x":"${text.repeat(3_000)}"}}`),
    'more than one write': PING.replace('}', `,"params":{"x":"${text.repeat(40_000)}"}}`),
    'ASCII, more than one write': PING.replace('}', `,"params":{"x":"${'x'.repeat(1_000_000)}"}}`),
  };
  for (const [name, body] of Object.entries(bodies)) {
    for (const framing of ['Content-Length', 'chunked']) {
      it(`${name}, ${framing}`, async () => {
        let received = '';
        bed.upstream.script = (req, res) =>
          void readAll(req).then((bytes) => ((received = hash(bytes)), res.end(RESULT)));
        const answer = await post(body, framing === 'chunked' ? { 'Transfer-Encoding': 'chunked' } : {});
        assert.equal(answer.status, 200, answer.body);
        assert.equal(received, hash(Buffer.from(body)));
        const [seen] = bed.upstream.requests;
        assert.equal(seen?.headers['content-length'], String(Buffer.byteLength(body)));
        assert.equal(seen.headers['transfer-encoding'], undefined);
      });
    }
  }
});

describe('the server gives no answer (D15)', () => {
  it('the error names the request', async () => {
    bed.upstream.script = (req) => req.socket.destroy();
    const answer = await send(modern('tools/list', {}, { id: 'abc' }));
    assert.equal(answer.status, 502);
    const { id, error } = JSON.parse(answer.body) as { id: string; error: { code: number; data: object } };
    assert.equal(id, 'abc');
    assert.equal(error.code, -32603);
    assert.deepEqual(Object.keys(error.data), ['error', 'request_id']);
  });

  for (const [name, body] of [
    ['a notification', '{"jsonrpc":"2.0","method":"notifications/initialized"}'],
    ['a batch', `[${PING}]`],
    ['a response', '{"jsonrpc":"2.0","id":1,"result":{}}'],
  ] as const) {
    it(`${name}: no client waits for an answer, and the error is a plain one`, async () => {
      bed.upstream.script = (req) => req.socket.destroy();
      const answer = await post(body);
      assert.equal(answer.status, 502);
      assert.equal((JSON.parse(answer.body) as { error: string }).error, 'bad_gateway');
    });
  }
});

describe('a body that stops arriving', () => {
  it('does not reach the server, and its client may go', async () => {
    const req = bed.request({ headers: { ...authorization(), 'Content-Length': '100' } });
    req.on('error', () => undefined);
    req.write('{"jsonrpc"');
    await new Promise((resolve) => setTimeout(resolve, 200));
    req.destroy();
    assert.equal((await post(PING)).status, 200);
    assert.equal(bed.upstream.requests.length, 1);
  });
});

describe('messageChecks: Off', () => {
  let off: TestBed;
  before(async () => {
    off = await TestBed.start({
      config: ({ transport }) => ({ transport: { ...transport, messageChecks: 'Off' } }),
    });
  });
  after(() => off.stop());
  const rows: Record<string, [body: string | Buffer, headers: Record<string, string>]> = {
    'no JSON': ['{', {}],
    'another type': ['hello', { 'Content-Type': 'text/plain' }],
    'a coding': [gzipSync(PING), { 'Content-Encoding': 'gzip' }],
    'an unknown version': [PING, { 'MCP-Protocol-Version': '2099-01-01' }],
    'fields that do not fit': [PING, { 'Mcp-Method': 'tools/call' }],
    'a large body': ['x'.repeat(5 * MIB), {}],
  };
  for (const [name, [body, headers]] of Object.entries(rows)) {
    it(`${name} goes by`, async () => {
      off.upstream.requests.length = 0;
      assert.equal((await post(body, headers, off)).status, 200);
      assert.equal(off.upstream.requests.length, 1);
    });
  }

  it('a field that comes twice is still refused', async () => {
    off.upstream.requests.length = 0;
    assert.equal((await post(PING, { 'Mcp-Session-Id': ['a', 'b'] }, off)).status, 400);
    assert.deepEqual(off.upstream.requests, []);
  });
});

it("mutated requests: never a crash, never an answer that is not one of ours or the server's, nothing refused is forwarded", async () => {
  const seeds = [
    modern('tools/call', { name: 'read_file', arguments: { a: 1 } }),
    legacy('tools/list'),
    INITIALIZE,
  ];
  const insert = fc.constantFrom(
    ...[
      '{',
      '}',
      '"',
      ',',
      '\\',
      '[',
      '\u017f',
      '\ufeff',
      '"name":"b",',
      '"Name":"b",',
      '"method":"x",',
      '1e999',
    ],
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...seeds),
      fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(3), insert), { maxLength: 3 }),
      async ({ body, headers }, mutations) => {
        const mutated = mutations.reduce((text, [at, remove, piece]) => {
          const position = Math.floor(at * text.length);
          return text.slice(0, position) + piece + text.slice(position + remove);
        }, body);
        const before = bed.upstream.requests.length;
        const { status } = await post(mutated, headers);
        assert.ok(status === 200 || status === 400, `${status} for ${mutated}`);
        assert.equal(bed.upstream.requests.length - before, status === 200 ? 1 : 0, mutated);
      },
    ),
    { numRuns: 300 },
  );
});
