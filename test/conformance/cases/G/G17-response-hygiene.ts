// G17: what the server says about itself, about origins and about its hop is not for the client.
import assert from 'node:assert/strict';
import { answerRaw } from '../../../support/upstream.ts';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

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
      'two lengths': `${head}Content-Length: 2\r\nContent-Length: 20\r\n\r\n{}`,
      'no HTTP at all': 'hello\r\n\r\n',
    };
    await each(invalid, async (bytes) => {
      bench.upstream.script = answerRaw(bytes);
      assert.equal((await bench.callWith(bench.token())).status, 502);
    });
  },
};
