// F9: a client of both eras finds out from the server's 4xx which one it speaks.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { INIT, modern } from '../../../kit/messages.ts';

export const F9: Case = {
  id: 'F9',
  level: 'MUST°',
  rule: 'A legacy server’s 4xx to a modern probe is relayed as it is; our own 401 comes first and is the same for both',
  source: 'MCP 2026-07-28 "Versioning", backward compatibility',
  async run(bench) {
    const probe = modern('server/discover');
    const [first, legacy] = [await bench.call(probe), await bench.call({ body: INIT })];
    bench.isRefused(first, 'none');
    assert.deepEqual(first.lines('www-authenticate'), legacy.lines('www-authenticate'));
    assert.equal(bench.forwarded.length, 0, 'requests at the MCP server');
    const answers: Record<string, readonly [number, string, string]> = {
      '400 empty': [400, '', ''],
      '400 text': [400, 'text/plain', 'Bad Request: No valid session ID provided\n'],
      '400 JSON-RPC': [
        400,
        'application/json',
        '{"jsonrpc": "2.0","error":{"code":-32000,"message":"é"},"id":null}\n',
      ],
      '404 empty': [404, '', ''],
      '404 JSON-RPC': [
        404,
        'application/json',
        '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"x"}}',
      ],
      '405 empty': [405, '', ''],
    };
    await each(answers, async ([status, type, body]) => {
      bench.upstream.script = (req, res) => {
        req.resume();
        res.writeHead(status, {
          ...(type === '' ? {} : { 'Content-Type': type }),
          'Content-Length': Buffer.byteLength(body),
        });
        res.end(body);
      };
      const answer = await bench.callWith(bench.token(), probe);
      assert.deepEqual(
        [answer.status, answer.headers['content-type'] ?? '', answer.body],
        [status, type, body],
      );
    });
    bench.upstream.script = (req, res) => void req.resume().on('end', () => res.end('{}'));
    await bench.accepts(bench.token(), { body: INIT });
  },
};
