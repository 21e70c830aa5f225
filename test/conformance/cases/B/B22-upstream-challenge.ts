// B22: the server's own challenge would send clients to another metadata document, and with it to log in elsewhere.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

const EVIL = 'Bearer resource_metadata="https://evil.test/x"';

export const B22: Case = {
  id: 'B22',
  level: 'MUST°',
  rule: 'A 401 or 407 of the MCP server becomes 502, and no challenge of its is relayed',
  source: 'MCP security best practices (SSRF through resource_metadata); RFC 9728 section 7.3',
  async run(bench) {
    await each({ 401: 502, 407: 502, 403: 403, 200: 200 }, async (expected, status) => {
      bench.upstream.script = (req, res) => {
        req.resume();
        res.writeHead(Number(status), {
          'WWW-Authenticate': EVIL,
          'Proxy-Authenticate': EVIL,
          'Content-Type': 'application/json',
        });
        res.end('{"jsonrpc":"2.0","id":1,"result":{}}');
      };
      const answer = await bench.callWith(bench.token());
      assert.equal(answer.status, expected);
      assert.ok(!answer.text.includes('evil.test'), answer.text);
    });
  },
};
