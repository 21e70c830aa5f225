// What a refused client is told: the way from a 401 to the metadata, and which scope is missing.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { assertRefused, challengeParameters, METADATA_URL } from '../support/challenge.ts';
import { TestBed } from '../support/sidecar.ts';

let bed: TestBed;
before(async () => {
  bed = await TestBed.start();
});
after(() => bed.stop());
beforeEach(() => {
  bed.upstream.requests.length = 0;
});

describe('a client without a token', () => {
  it('finds the authorization server: challenge, metadata document, issuer', async () => {
    const refused = await bed.call();
    assert.equal(refused.status, 401);
    const { resource_metadata: metadataUrl } = challengeParameters(refused.headers['www-authenticate']);

    const { protocol, host, pathname } = new URL(metadataUrl!);
    assert.equal(`${protocol}//${host}`, 'https://localhost:8001');
    const found = await bed.call({ method: 'GET', path: pathname, headers: { Host: host } });
    assert.equal(found.status, 200);
    const document = JSON.parse(found.body) as { resource: string; authorization_servers: string[] };
    assert.equal(document.resource, 'https://localhost:8001/mcp');
    assert.equal(new URL(document.resource).href, document.resource, 'as VS Code compares it');
    assert.deepEqual(document.authorization_servers, [bed.issuer.issuer]);
  });

  it('is told so before anything else: MCP method, protocol version and body do not matter', async () => {
    for (const body of ['{"jsonrpc":"2.0","id":1,"method":"server/discover"}', 'no JSON', '']) {
      for (const version of ['2025-03-26', '2026-07-28', 'x']) {
        const answer = await bed.call({ body, headers: { 'MCP-Protocol-Version': version } });
        assertRefused(answer, 'none');
      }
    }
    assert.deepEqual(bed.upstream.requests, []);
  });

  it('is told nothing that it sent', async () => {
    const path = '/mcp?x=evil.test';
    const headers = {
      'X-Forwarded-Host': 'evil.test',
      Forwarded: 'host=evil.test',
      'X-Forwarded-Proto': 'http',
    };
    const answer = await bed.call({ path, headers });
    assertRefused(answer, 'none');
    assert.ok(!JSON.stringify(answer).includes('evil.test'));
  });
});

describe('a client whose token lacks a scope', () => {
  it('is told which', async () => {
    assertRefused(
      await bed.callWith(bed.issuer.token({ claims: { scope: 'openid' } })),
      'insufficient_scope',
    );
    assert.deepEqual(bed.upstream.requests, []);
  });

  it('is told all that the operation needs at once', async () => {
    const requiredScopes = ['mcp:basic', 'mcp:write'];
    const other = await TestBed.start({ config: () => ({ requiredScopes }) });
    try {
      const answer = await other.callWith(other.issuer.token({ claims: { scope: 'mcp:basic' } }));
      assertRefused(answer, 'insufficient_scope', 'mcp:basic mcp:write');
      assertRefused(await other.call(), 'none', 'mcp:basic mcp:write');
      const good = other.issuer.token({ claims: { scope: 'openid mcp:write mcp:basic' } });
      assert.equal((await other.callWith(good)).status, 200);
      assert.equal(other.upstream.requests.length, 1);
    } finally {
      await other.stop();
    }
  });
});

it('names the granted scopes too, if told to, and never one that only the token knows', async () => {
  const requiredScopes = ['mcp:basic', 'mcp:write'];
  const metadata = { scopesSupported: ['mcp:read'] };
  const other = await TestBed.start({
    config: () => ({ requiredScopes, metadata, stepUpScopes: 'IncludeGranted' }),
  });
  try {
    const token = other.issuer.token({ claims: { scope: 'openid mcp:read evil" mcp:basic profile' } });
    assertRefused(await other.callWith(token), 'insufficient_scope', 'mcp:read mcp:basic mcp:write');
    assertRefused(await other.call(), 'none', 'mcp:basic mcp:write');
    assert.deepEqual(other.upstream.requests, []);
  } finally {
    await other.stop();
  }
});

describe('a scope that includes others', () => {
  let other: TestBed;
  before(async () => {
    const scopeHierarchy = [
      { scope: 'mcp:admin', includes: ['mcp:write'] },
      { scope: 'mcp:write', includes: ['mcp:basic'] },
    ];
    other = await TestBed.start({ config: () => ({ scopeHierarchy }) });
  });
  after(() => other.stop());
  const callWithScope = (scope: string) => other.callWith(other.issuer.token({ claims: { scope } }));

  for (const scope of ['mcp:basic', 'mcp:write', 'mcp:admin', 'openid mcp:admin']) {
    it(`is enough: ${scope}`, async () => assert.equal((await callWithScope(scope)).status, 200));
  }
  for (const scope of ['openid', 'mcp:adminx', 'MCP:ADMIN', 'mcp', 'mcp:admin,mcp:write']) {
    it(`is not enough: ${scope}`, async () => {
      other.upstream.requests.length = 0;
      assertRefused(await callWithScope(scope), 'insufficient_scope');
      assert.deepEqual(other.upstream.requests, []);
    });
  }
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

describe('a path that is not the endpoint is 404 with a good token', () => {
  const paths = [
    '/',
    '/mcp//',
    '/mcp/x',
    '/mcp/../admin',
    '/mcp%2f..%2fadmin',
    '//mcp',
    '/./mcp',
    '/mcp;x',
    '/MCP',
    '/%6dcp',
    '/mcp%00',
    '/mcp2',
    '/authorize',
    '/token',
    '/register',
    '/sse',
    '/healthz',
    '/livez',
    '/metrics',
    '/status',
  ];
  for (const path of paths) {
    it(path, async () => {
      for (const method of ['GET', 'POST']) {
        assert.equal((await bed.callWith(bed.issuer.token(), { path, method })).status, 404);
      }
      assert.deepEqual(bed.upstream.requests, []);
    });
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
  for (const host of [
    'localhost:8001:1',
    'a@localhost',
    'localhost/x',
    'localhost:x',
    '[::1',
    'local host',
  ]) {
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
