// What a refused client is told where the conformance cases leave a choice: which status, which scope; and what the log says.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { assertRefused, METADATA_URL } from '../support/challenge.ts';
import { TestBed } from '../support/sidecar.ts';
import { waitFor } from '../kit/wait.ts';

let bed: TestBed;
before(async () => {
  bed = await TestBed.start();
});
after(() => bed.stop());
beforeEach(() => {
  bed.upstream.requests.length = 0;
});

describe('a client without a token', () => {
  it('is told so before anything else: MCP method, protocol version and body do not matter', async () => {
    for (const body of ['{"jsonrpc":"2.0","id":1,"method":"server/discover"}', 'no JSON', '']) {
      for (const version of ['2025-03-26', '2026-07-28', 'x']) {
        const answer = await bed.call({ body, headers: { 'MCP-Protocol-Version': version } });
        assertRefused(answer, 'none');
      }
    }
    assert.deepEqual(bed.upstream.requests, []);
  });
});

it('names no scope where none is required, and is still a full challenge', async () => {
  const other = await TestBed.start({ config: () => ({ requiredScopes: [] }) });
  try {
    const answer = await other.call();
    assert.equal(answer.headers['www-authenticate'], `Bearer resource_metadata="${METADATA_URL}"`);
    const noScope = other.issuer.token({ claims: { scope: undefined } });
    assert.equal((await other.callWith(noScope)).status, 200);
  } finally {
    await other.stop();
  }
});

it('names the offered scopes where none is required', async () => {
  const metadata = { scopesSupported: ['mcp:basic'] };
  const other = await TestBed.start({ config: () => ({ requiredScopes: [], metadata }) });
  try {
    assertRefused(await other.call(), 'none', 'mcp:basic');
  } finally {
    await other.stop();
  }
});

it('the endpoint with a slash more is the endpoint, for the server too', async () => {
  for (const path of ['/mcp/', '/mcp/?a=1'])
    assert.equal((await bed.callWith(bed.issuer.token(), { path })).status, 200);
  assert.deepEqual(
    bed.upstream.requests.splice(0).map(({ url }) => url),
    ['/mcp', '/mcp?a=1'],
  );
  assert.equal((await bed.call({ path: '/mcp/' })).status, 401);
});

it('a bad token: the log says why, under the id that the client is told', async () => {
  const answer = await bed.callWith(bed.issuer.token({ claims: { aud: 'account' } }));
  assertRefused(answer, 'invalid_token');
  const { request_id: id } = JSON.parse(answer.body) as { request_id: string };
  await waitFor(() => bed.log.includes(id), 'the log line');
  assert.equal(new RegExp(`"reason":"(\\w+)".*${id}`).exec(bed.log)?.[1], 'wrong_audience');
});

describe('a host that is not ours is 421 with a good token', () => {
  for (const host of ['evil.test', 'evil.test:8001', 'localhost.evil.test', '127.0.0.1:8001']) {
    it(host, async () => {
      const answer = await bed.callWith(bed.issuer.token(), { headers: { Host: host } });
      assert.equal(answer.status, 421);
      assert.ok(!answer.body.includes('evil'));
      assert.deepEqual(bed.upstream.requests, []);
    });
  }
});

describe('a host that is none is 400 with a good token', () => {
  for (const host of ['localhost:8001:1', 'localhost:x', '[::1']) {
    it(host, async () => {
      const answer = await bed.callWith(bed.issuer.token(), { headers: { Host: host } });
      assert.equal(answer.status, 400);
      assert.deepEqual(bed.upstream.requests, []);
    });
  }
});

describe('a method that MCP does not use is 405', () => {
  for (const method of ['PUT', 'PATCH', 'HEAD', 'TRACE', 'OPTIONS']) {
    it(method, async () => {
      const answer = await bed.callWith(bed.issuer.token(), { method });
      assert.equal(answer.status, 405);
      assert.equal(answer.headers.allow, 'POST, GET, DELETE, OPTIONS');
      assert.deepEqual(bed.upstream.requests, []);
    });
  }
});
