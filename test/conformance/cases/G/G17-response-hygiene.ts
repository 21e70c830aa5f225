// G17: what the server says about itself, about origins and about its hop is not for the client.
import assert from 'node:assert/strict';
import { answerRaw } from '../../../kit/upstream.ts';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { exchange, settles, wire } from '../../bench/wire.ts';

const FIELDS = {
  Server: 'uvicorn/0.1',
  'X-Powered-By': 'Express',
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Credentials': 'true',
  'Access-Control-Expose-Headers': '*',
  'WWW-Authenticate': 'Bearer realm="inner"',
  'Proxy-Authenticate': 'Basic',
  'Keep-Alive': 'timeout=77',
  'X-Named': 'by Connection',
  Connection: 'X-Named, keep-alive',
};

export const G17: Case = {
  id: 'G17',
  level: 'MUST°',
  rule: 'Answers lose the fields of the hop, of the product and of CORS, get nosniff, and invalid ones become 502',
  source: 'RFC 9110 section 7.6.1; Fetch, X-Content-Type-Options; RFC 9112 section 5',
  async run(bench) {
    bench.upstream.script = (req, res) => {
      req.resume();
      res.writeHead(200, {
        'Content-Type': 'application/json',
        'Mcp-Session-Id': 's',
        'X-Harmless': '1',
        ...FIELDS,
      });
      res.end('{"jsonrpc":"2.0","id":1,"result":{}}');
    };
    const answer = await bench.accepts(bench.token());
    assert.equal(answer.headers['x-harmless'], '1', 'other fields are relayed');
    assert.equal(answer.headers['x-content-type-options'], 'nosniff');
    await each(FIELDS, (value, name) => {
      if (name !== 'Connection')
        assert.deepEqual(
          answer.lines(name).filter((line) => line === value),
          [],
        );
    });
    assert.doesNotMatch(answer.headers.connection ?? '', /x-named/i);

    const head = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n';
    const invalid = {
      'NUL in a value': `${head}X-A: a\0b\r\nContent-Length: 2\r\n\r\n{}`,
      'blank in a name': `${head}X A: b\r\nContent-Length: 2\r\n\r\n{}`,
      'bare CR': `${head}X-A: a\rSet-Cookie: b\r\nContent-Length: 2\r\n\r\n{}`,
      'bare LF': `${head}X-A: a\nSet-Cookie: b\r\nContent-Length: 2\r\n\r\n{}`,
      'folded line': `${head}X-A: a\r\n b\r\nContent-Length: 2\r\n\r\n{}`,
      'blank before the colon': `${head}Content-Length : 2\r\n\r\n{}`,
      'length and coding': `${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      'length with a sign': `${head}Content-Length: +2\r\n\r\n{}`,
      'switch of protocols': 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
      'two lengths': `${head}Content-Length: 2\r\nContent-Length: 20\r\n\r\n{}`,
      'no HTTP at all': 'hello\r\n\r\n',
    };
    await each(invalid, async (bytes) => {
      bench.upstream.script = answerRaw(bytes);
      const seen = await bench.callWith(bench.token()).then(
        ({ status }) => status,
        () => 'an answer that breaks off',
      );
      assert.equal(seen, 502);
    });

    const bodies = {
      'chunk size of letters': `${head}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\nzz\r\n`,
      'chunk longer than its size': `${head}Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n`,
      'no last chunk': `${head}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n`,
    };
    await each(bodies, async (bytes) => {
      bench.upstream.script = answerRaw(bytes);
      const answer = await bench.callWith(bench.token()).catch(() => undefined);
      assert.ok(answer === undefined || answer.status === 502, 'it looks whole');
    });

    const without = '204 No Content\r\nContent-Length: 4\r\n\r\nevil';
    bench.upstream.script = answerRaw(`HTTP/1.1 ${without}`);
    const connection = await exchange(bench, wire(bench, { token: bench.token() }));
    await settles(() => connection.received.includes('evil'), 300);
    connection.destroy();
    assert.ok(!connection.received.includes('evil'), 'a body after 204');
    assert.ok([204, 502].includes(connection.statuses[0] ?? 0), `status ${connection.statuses[0]}`);
  },
};
