// F8: the MCP Inspector from a browser: every step is subject to CORS.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import type { Answer } from '../../../kit/http.ts';
import { INIT } from '../../../kit/messages.ts';
import { BROWSER } from '../../needs.ts';

const ASKED = ['content-type', 'authorization', 'mcp-protocol-version', 'mcp-session-id', 'last-event-id'];

export const F8: Case = {
  id: 'F8',
  level: 'MUST°',
  rule: 'A page of an allowed origin can discover, be challenged, call and see its session id',
  source: 'Fetch, CORS protocol; behaviour of the MCP Inspector',
  async run(bench) {
    const headers = { Origin: BROWSER, 'MCP-Protocol-Version': '2025-11-25' };
    const preflight = await bench.call({
      method: 'OPTIONS',
      headers: {
        Origin: BROWSER,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': ASKED.join(','),
      },
    });
    assert.ok([200, 204].includes(preflight.status), `status ${preflight.status}`);
    assert.equal(preflight.headers['access-control-allow-origin'], BROWSER);
    const allowed = words(preflight, 'access-control-allow-headers');
    for (const name of ASKED) assert.ok(allowed.includes(name), `${name} is not allowed`);
    const refused = await bench.call({ body: INIT, headers });
    bench.isRefused(refused, 'none');
    assert.equal(refused.headers['access-control-allow-origin'], BROWSER);
    assert.ok(words(refused, 'access-control-expose-headers').includes('www-authenticate'));
    const metadata = await bench.get(bench.metadataPath, { headers });
    assert.equal(metadata.status, 200);
    assert.ok(['*', BROWSER].includes(metadata.headers['access-control-allow-origin'] ?? ''));
    bench.upstream.script = (req, res) => {
      req.resume();
      res.writeHead(200, { 'Content-Type': 'application/json', 'Mcp-Session-Id': 'a-session' });
      res.end('{"jsonrpc":"2.0","id":1,"result":{}}');
    };
    const answer = await bench.accepts(bench.token(), { body: INIT, headers });
    assert.equal(answer.headers['access-control-allow-origin'], BROWSER);
    assert.equal(answer.headers['mcp-session-id'], 'a-session');
    assert.ok(words(answer, 'access-control-expose-headers').includes('mcp-session-id'));
  },
};

function words({ headers }: Answer, name: string): string[] {
  return String(headers[name] ?? '')
    .toLowerCase()
    .split(/\s*,\s*/);
}
