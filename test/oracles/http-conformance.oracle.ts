// The rules of cispa/http-conformance that bind a gateway on HTTP/1.1: those on requests, each by a recording server's word;
// and those on our own answers.
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { after, before, beforeEach, describe, it } from 'node:test';
import { RawConnection } from '../kit/raw.ts';
import { PING, TestBed } from '../support/sidecar.ts';
import { answerJson } from '../kit/upstream.ts';
import { FramingBed } from './framing.ts';
import { bytesOf, CONFORMANCE, HOST, type Shape } from './payloads.ts';

describe('requests', () => {
  let bed: FramingBed;
  before(async () => {
    bed = await FramingBed.start();
  });
  after(() => bed.stop());

  for (const [title, payloads] of CONFORMANCE) {
    describe(title, { concurrency: 6 }, () => {
      for (const [name, shape, reading = 'refused'] of payloads)
        it(`${name}: ${reading}`, () => bed.check(shape, reading));
    });
  }

  it('nothing came to the server but what was answered, and all of it in one reading', () => {
    assert.deepEqual(bed.server.malformed, []);
    assert.equal(bed.server.messages.length, bed.answered);
  });
});

describe('answers', () => {
  let bed: TestBed;
  before(async () => {
    bed = await TestBed.start();
  });
  after(() => bed.stop());
  beforeEach(() => {
    bed.upstream.requests.length = 0;
    bed.upstream.script = answerJson;
  });

  const METADATA = '/.well-known/oauth-protected-resource/mcp';
  const withToken = () => [`Authorization: Bearer ${bed.issuer.token()}`];
  const without = (method: string, target = '/mcp'): Shape => ({
    requestLine: `${method} ${target} HTTP/1.1`,
    framing: [],
    body: '',
  });
  const text = (shape: Shape) => bytesOf(shape, withToken());

  /** Everything that came until there was an answer and then nothing for a moment. */
  async function answerTo(bytes: string, count = 1): Promise<{ received: string; statuses: number[] }> {
    const connection = await RawConnection.open(bed);
    connection.send(bytes);
    await connection.waitForStatuses(count);
    await delay(50);
    const { received, statuses } = connection;
    connection.destroy();
    return { received, statuses };
  }

  const heads = (received: string) =>
    received.split(/(?=HTTP\/1\.1 \d{3} )/).map((each) => each.split('\r\n\r\n')[0]);
  const fieldsOf = (head = '') =>
    head
      .split('\r\n')
      .slice(1)
      .map((line) => line.toLowerCase().split(': ') as [string, string]);
  const namesOf = (head?: string) => fieldsOf(head).map(([name]) => name);

  it('RFC 9110 section 7.8: a protocol is never switched, with or without Expect', async () => {
    for (const expect of [[], ['Expect: 100-continue']]) {
      for (const protocol of ['https', 'h2c', 'websocket', 'TLS/1.0']) {
        const fields = ['Connection: upgrade', `Upgrade: ${protocol}`, ...expect];
        const { statuses } = await answerTo(text({ fields }), expect.length + 1);
        assert.deepEqual(statuses, [...expect.map(() => 100), 200], protocol);
      }
    }
  });

  it('RFC 9110 section 9.1: unknown methods, and known ones of others, get no further', async () => {
    for (const method of ['ABC', 'GETX', 'PROPFIND', 'PUT', 'PATCH', 'TRACE', 'QUERY']) {
      const { statuses } = await answerTo(text(without(method)));
      assert.ok([400, 405, 501].includes(statuses[0] ?? 0), `${method}: ${statuses.join()}`);
    }
    assert.deepEqual(bed.upstream.requests, []);
  });

  it('RFC 9110 section 15.5.6: 405 comes with Allow, for each path', async () => {
    for (const [method, target] of [
      ['PUT', '/mcp'],
      ['HEAD', '/mcp'],
      ['TRACE', '/mcp'],
      ['POST', METADATA],
      ['DELETE', METADATA],
    ] as const) {
      const { statuses, received } = await answerTo(text(without(method, target)));
      assert.deepEqual(statuses, [405], `${method} ${target}`);
      assert.ok(namesOf(heads(received)[0]).includes('allow'), `${method} ${target}`);
    }
  });

  it('RFC 9110 section 9.3.6: CONNECT opens nothing, wherever to', async () => {
    for (const target of [
      'localhost:8001',
      'localhost:0',
      'localhost:',
      'localhost',
      '169.254.169.254:80',
      '/mcp',
    ]) {
      const connection = await RawConnection.open(bed);
      connection.send(text(without('CONNECT', target)));
      await connection.waitForClose();
      assert.ok(
        connection.statuses.every((status) => status >= 400),
        `${target}: ${connection.received}`,
      );
    }
    assert.deepEqual(bed.upstream.requests, []);
  });

  it('RFC 9110 section 9.3.2: HEAD has the fields of GET and no content', async () => {
    for (const target of [METADATA, '/.well-known/oauth-protected-resource', '/nowhere']) {
      const [get, head] = [
        await answerTo(text(without('GET', target))),
        await answerTo(text(without('HEAD', target))),
      ];
      assert.ok(head.received.endsWith('\r\n\r\n'), `${target}: content`);
      const same = ({ received }: { received: string }) =>
        fieldsOf(heads(received)[0]).filter(([name]) => name !== 'date' && name !== 'x-request-id');
      assert.deepEqual(same(head), same(get), target);
    }
  });

  it('RFC 9110 section 8.6 and RFC 9112 section 6.1: 1xx and 204 say nothing of a length or a coding', async () => {
    const preflight = ['Origin: http://localhost:6274', 'Access-Control-Request-Method: POST'];
    const interim = await answerTo(text({ fields: ['Expect: 100-continue'] }), 2);
    const options = await answerTo(text({ ...without('OPTIONS'), fields: preflight }));
    bed.upstream.script = (req, res) => {
      req.resume();
      res.writeHead(204, { 'Content-Length': '0' }).end();
    };
    const fromServer = await answerTo(text({}));
    assert.deepEqual([interim.statuses[0], ...options.statuses, ...fromServer.statuses], [100, 204, 204]);
    for (const { received } of [interim, options, fromServer]) {
      const names = namesOf(heads(received)[0]);
      assert.ok(!names.includes('content-length') && !names.includes('transfer-encoding'), names.join());
    }
  });

  it('RFC 9110 sections 5.3, 6.6.1 and 15.5.2: Date in each answer, a challenge with 401, no field of one value twice', async () => {
    const requests: Record<number, string> = {
      200: text(without('GET', METADATA)),
      400: text({ body: '{', framing: ['Content-Length: 1'] }),
      401: bytesOf({}, []),
      404: text(without('GET', '/nowhere')),
      405: text(without('PUT')),
      413: text({ framing: ['Content-Length: 99999999'], body: '' }),
      415: text({ framing: [`Content-Length: ${PING.length}`, 'Content-Encoding: gzip'], body: PING }),
      421: text({ host: ['Host: evil.test'] }),
    };
    for (const [status, bytes] of Object.entries(requests)) {
      const { received, statuses } = await answerTo(bytes);
      assert.deepEqual(statuses, [Number(status)]);
      const names = namesOf(heads(received)[0]);
      assert.ok(names.includes('date'), status);
      assert.equal(names.includes('www-authenticate'), status === '401', status);
      const many = ['vary', 'www-authenticate', 'cache-control'];
      const twice = names.filter((name, i) => names.indexOf(name) !== i && !many.includes(name));
      assert.deepEqual(twice, [], status);
    }
  });

  it('RFC 9112 section 9.6: after `Connection: close` it says so, ends, and serves nothing that follows', async () => {
    for (const close of ['close', 'Close', 'keep-alive, close', 'x-other, CLOSE']) {
      bed.upstream.requests.length = 0;
      bed.upstream.script = (req, res) =>
        void req.resume().on('end', () => setTimeout(() => res.end('{}'), 50));
      const connection = await RawConnection.open(bed);
      connection.send(text({ fields: [`Connection: ${close}`] }) + text({}) + text({ host: [HOST] }));
      await connection.waitForClose();
      assert.deepEqual(connection.statuses, [200], close);
      assert.ok(
        fieldsOf(heads(connection.received)[0]).some(
          ([name, value]) => name === 'connection' && value === 'close',
        ),
        close,
      );
      assert.equal(bed.upstream.requests.length, 1, close);
    }
  });
});
