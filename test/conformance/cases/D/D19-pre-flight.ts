// D19: a browser asks first, without a token, and reads only what it is told that it may.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { BROWSER } from '../../needs.ts';

const FIELDS = [
  ...['authorization', 'content-type', 'accept', 'mcp-protocol-version', 'mcp-session-id'],
  ...['last-event-id', 'mcp-method', 'mcp-name', 'dpop'],
];
const EXPOSED = ['www-authenticate', 'mcp-session-id', 'mcp-protocol-version', 'dpop-nonce'];

export const D19: Case = {
  id: 'D19',
  level: 'MUST°',
  rule: 'A pre-flight of an allowed origin is answered without a token, and answers are shown to that origin only',
  source: 'Fetch, CORS protocol',
  async run(bench) {
    const ask = (Origin: string, fields: string) =>
      bench.call({
        method: 'OPTIONS',
        headers: {
          Origin,
          'Access-Control-Request-Method': 'POST',
          'Access-Control-Request-Headers': fields,
        },
      });
    const answer = await ask(BROWSER, 'authorization, mcp-param-region');
    assert.equal(answer.status, 204);
    assert.equal(answer.headers['access-control-allow-origin'], BROWSER);
    const methods = list(answer.headers['access-control-allow-methods']);
    for (const method of ['get', 'post', 'delete']) assert.ok(methods.includes(method), method);
    const fields = list(answer.headers['access-control-allow-headers']);
    for (const field of [...FIELDS, 'mcp-param-region']) assert.ok(fields.includes(field), field);
    assert.equal((await ask('https://evil.test', 'authorization')).status, 403);
    assert.equal(bench.forwarded.length, 0, 'a pre-flight reached the MCP server');

    const real = await bench.accepts(bench.token(), { headers: { Origin: BROWSER } });
    assert.equal(real.headers['access-control-allow-origin'], BROWSER);
    const exposed = list(real.headers['access-control-expose-headers']);
    for (const field of EXPOSED) assert.ok(exposed.includes(field), `${field} is not exposed`);
    assert.ok(list(real.headers.vary).includes('origin'), 'Vary: Origin');
  },
};

function list(field: string | undefined): string[] {
  return (field ?? '').toLowerCase().split(/\s*,\s*/);
}
