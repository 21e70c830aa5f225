// Browser clients: which origins may call, what a preflight is told, what a page may read of an answer.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type Answer } from '../kit/http.ts';
import { TestBed } from '../support/sidecar.ts';

const INSPECTOR = 'http://localhost:6274';

let bed: TestBed;
before(async () => {
  bed = await TestBed.start({ config: () => ({ allowedOrigins: [INSPECTOR, 'https://good.test'] }) });
});
after(() => bed.stop());
beforeEach(() => {
  bed.upstream.requests.length = 0;
});

const list = (value: string | undefined) => (value ?? '').toLowerCase().split(/, */);

function preflight(origin: string, requested: string): Promise<Answer> {
  return bed.call({
    method: 'OPTIONS',
    headers: {
      Origin: origin,
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': requested,
    },
  });
}

describe('an origin is refused before authentication', () => {
  const origins = [
    'https://evil.test/https://good.test',
    'https://good.test@evil.test',
    'https://localhost:8001',
    '*',
    'https://good.test, https://evil.test',
  ];
  for (const origin of origins) {
    it(origin, async () => {
      const headers = { Origin: origin };
      const answers = [
        await bed.callWith(bed.issuer.token(), { headers }),
        await bed.call({ headers }),
        await bed.callWith(bed.issuer.token(), { headers, method: 'GET' }),
        await preflight(origin, 'authorization'),
      ];
      for (const answer of answers) {
        assert.equal(answer.status, 403);
        assert.equal(answer.headers['www-authenticate'], undefined);
        assert.equal(answer.headers['access-control-allow-origin'], undefined);
      }
      assert.deepEqual(bed.upstream.requests, []);
    });
  }

  it('two Origin fields, one of them allowed', async () => {
    const headers = { Origin: [INSPECTOR, 'https://evil.test'] };
    assert.equal((await bed.callWith(bed.issuer.token(), { headers })).status, 403);
    assert.deepEqual(bed.upstream.requests, []);
  });
});

describe('an allowed origin', () => {
  for (const origin of [INSPECTOR, 'https://good.test', 'https://GOOD.test', 'https://good.test:443']) {
    it(`${origin} may call and read the session id`, async () => {
      const answer = await bed.callWith(bed.issuer.token(), { headers: { Origin: origin } });
      assert.equal(answer.status, 200);
      assert.equal(answer.headers['access-control-allow-origin'], origin);
      assert.match(answer.headers.vary ?? '', /\bOrigin\b/);
      const exposed = list(answer.headers['access-control-expose-headers']);
      for (const name of ['www-authenticate', 'mcp-session-id', 'mcp-protocol-version'])
        assert.ok(exposed.includes(name));
    });
  }

  it('gets the preflight without a token, with every field that MCP uses', async () => {
    const answer = await preflight(INSPECTOR, 'authorization, mcp-param-region, x-other');
    assert.equal(answer.status, 204);
    assert.equal(answer.headers['access-control-allow-origin'], INSPECTOR);
    assert.deepEqual(list(answer.headers['access-control-allow-methods']).sort(), ['delete', 'get', 'post']);
    const allowed = list(answer.headers['access-control-allow-headers']);
    const used = [
      'authorization',
      'content-type',
      'accept',
      'mcp-protocol-version',
      'mcp-session-id',
      'last-event-id',
    ];
    for (const name of [...used, 'mcp-method', 'mcp-name', 'mcp-param-region'])
      assert.ok(allowed.includes(name), name);
    assert.ok(!allowed.includes('x-other') && !allowed.includes('*'));
    assert.match(answer.headers.vary ?? '', /\bOrigin\b/);
    assert.deepEqual(bed.upstream.requests, []);
  });
});
