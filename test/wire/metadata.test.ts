// The RFC 9728 document: where it is, what it says, to whom, and that nothing in a request changes it.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { RawConnection } from '../support/raw.ts';
import { TestBed, type CallOptions } from '../support/sidecar.ts';
import { waitFor } from '../support/wait.ts';

const ROOT = '/.well-known/oauth-protected-resource';
const DOCUMENT = `${ROOT}/mcp`;

let bed: TestBed;
before(async () => {
  bed = await TestBed.start();
  // A server that serves a document of its own: clients must never see it (RESOURCE_SERVER A21).
  bed.upstream.script = (_, res) => res.end('{"resource":"https://evil.test"}');
});
after(() => bed.stop());
beforeEach(() => {
  bed.upstream.requests.length = 0;
});

const get = (path = DOCUMENT, options: CallOptions = {}) => bed.call({ method: 'GET', path, ...options });
const expected = () => ({
  resource: 'https://localhost:8001/mcp',
  authorization_servers: [bed.issuer.issuer],
  bearer_methods_supported: ['header'],
});

describe('the document', () => {
  it('is at the well-known path of the endpoint, and says what is enforced, no more', async () => {
    const answer = await get();
    assert.equal(answer.status, 200);
    assert.deepEqual(JSON.parse(answer.body), expected());
    assert.deepEqual(bed.upstream.requests, []);
  });

  it('is at the root path too, the same', async () => {
    assert.equal((await get(ROOT)).body, (await get()).body);
  });

  it('is JSON, may be cached for a while, and may be read by any web page', async () => {
    const { headers } = await get();
    assert.equal(headers['content-type'], 'application/json');
    assert.equal(headers['access-control-allow-origin'], '*');
    assert.equal(headers['access-control-allow-credentials'], undefined);
    const maxAge = /^public, max-age=(\d+)$/.exec(headers['cache-control'] ?? '')?.[1];
    assert.ok(Number(maxAge) > 0 && Number(maxAge) <= 3600, headers['cache-control']);
  });

  it('is answered to HEAD with the same fields and no body', async () => {
    const [{ headers: onGet }, onHead] = await Promise.all([get(), get(DOCUMENT, { method: 'HEAD' })]);
    assert.equal(onHead.status, 200);
    assert.equal(onHead.body, '');
    assert.deepEqual({ ...onHead.headers, date: '' }, { ...onGet, date: '' });
  });

  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
    it(`is not for ${method}`, async () => {
      const answer = await get(DOCUMENT, { method });
      assert.equal(answer.status, 405);
      assert.equal(answer.headers.allow, 'GET, HEAD, OPTIONS');
      assert.equal(answer.headers['access-control-allow-origin'], '*');
      assert.deepEqual(bed.upstream.requests, []);
    });
  }

  it('may be asked for with MCP-Protocol-Version from a web page', async () => {
    const headers = { Origin: 'https://any.test', 'Access-Control-Request-Method': 'GET' };
    const answer = await get(DOCUMENT, {
      method: 'OPTIONS',
      headers: { ...headers, 'Access-Control-Request-Headers': 'mcp-protocol-version' },
    });
    assert.equal(answer.status, 204);
    assert.equal(answer.headers['access-control-allow-origin'], '*');
    assert.match(answer.headers['access-control-allow-headers'] ?? '', /\bMCP-Protocol-Version\b/);
    assert.match(answer.headers['access-control-allow-methods'] ?? '', /\bGET\b/);
  });

  const indifferent: Record<string, Record<string, string>> = {
    'a bad token': { Authorization: 'Bearer garbage' },
    'an unknown origin': { Origin: 'https://evil.test' },
    'forwarding fields': {
      'X-Forwarded-Host': 'evil.test',
      'X-Forwarded-Proto': 'http',
      Forwarded: 'host=evil.test',
    },
    'another port in Host': { Host: 'localhost:31001' },
    'Host in another case': { Host: 'LOCALHOST:8001' },
  };
  for (const [name, headers] of Object.entries(indifferent)) {
    it(`is the same with ${name}`, async () => {
      const [plain, answer] = await Promise.all([get(), get(DOCUMENT, { headers })]);
      assert.equal(answer.status, 200);
      assert.equal(answer.body, plain.body);
      assert.ok(!JSON.stringify(answer).includes('evil.test'));
    });
  }
});

describe('who has the document already', () => {
  const conditions: Record<string, (tag: string) => string> = {
    'its tag': (tag) => tag,
    'its tag, weak': (tag) => `W/${tag}`,
    'its tag in a list': (tag) => `"another", W/"a, b" ,${tag}`,
    'any tag': () => '*',
  };
  for (const [name, condition] of Object.entries(conditions)) {
    it(`is told so, naming ${name}`, async () => {
      const { headers } = await get();
      const tag = headers.etag ?? '';
      assert.match(tag, /^"[\w-]{43}"$/);
      for (const method of ['GET', 'HEAD']) {
        const answer = await get(DOCUMENT, { method, headers: { 'If-None-Match': condition(tag) } });
        assert.equal(answer.status, 304);
        assert.equal(answer.body, '');
        assert.equal(answer.headers.etag, tag);
        assert.equal(answer.headers['cache-control'], headers['cache-control']);
        assert.equal(answer.headers['access-control-allow-origin'], '*');
        assert.equal(answer.headers['access-control-expose-headers'], 'ETag');
        for (const field of ['content-type', 'content-length', 'transfer-encoding'])
          assert.equal(answer.headers[field], undefined, field);
      }
    });
  }

  it('is told so in two field lines', async () => {
    const tag = (await get()).headers.etag ?? '';
    const connection = await RawConnection.open(bed);
    const lines = `If-None-Match: "another"\r\nIf-None-Match: ${tag}\r\n`;
    connection.send(`GET ${DOCUMENT} HTTP/1.1\r\nHost: localhost:8001\r\n${lines}\r\n`);
    assert.deepEqual(await connection.waitForStatuses(1), [304]);
    connection.destroy();
  });

  const others: Record<string, (tag: string) => string> = {
    'another tag': () => '"another"',
    'its tag without quotes': (tag) => tag.slice(1, -1),
    'its tag in another case': (tag) => tag.toUpperCase().replace(/[^"]$/, 'x'),
    'a part of its tag': (tag) => `${tag.slice(0, -2)}"`,
    nothing: () => '',
    'an asterisk in quotes': () => '"*"',
    'an asterisk in a list': () => '*, "another"',
  };
  for (const [name, condition] of Object.entries(others)) {
    it(`is not who names ${name}`, async () => {
      const plain = await get();
      const headers = { 'If-None-Match': condition(plain.headers.etag ?? '') };
      const answer = await get(DOCUMENT, { headers });
      assert.equal(answer.status, 200);
      assert.equal(answer.body, plain.body);
    });
  }

  it('may ask from a web page', async () => {
    const answer = await get(DOCUMENT, {
      method: 'OPTIONS',
      headers: {
        Origin: 'https://any.test',
        'Access-Control-Request-Method': 'GET',
        'Access-Control-Request-Headers': 'if-none-match',
      },
    });
    assert.match(answer.headers['access-control-allow-headers'] ?? '', /\bIf-None-Match\b/);
  });

  it('gets another document, with another tag, where the configuration is another', async () => {
    const { headers } = await get();
    const metadata = { resourceName: 'Another', scopesSupported: [] };
    const other = await TestBed.start({ config: () => ({ metadata }) });
    try {
      const condition = { 'If-None-Match': headers.etag ?? '' };
      const answer = await other.call({ method: 'GET', path: DOCUMENT, headers: condition });
      assert.equal(answer.status, 200);
      assert.notEqual(answer.headers.etag, headers.etag);
    } finally {
      await other.stop();
    }
  });

  it('is not told so by a method that is not for documents', async () => {
    const answer = await get(DOCUMENT, { method: 'POST', headers: { 'If-None-Match': '*' } });
    assert.equal(answer.status, 405);
    assert.equal(answer.headers.etag, undefined);
  });
});

describe('there is no document', () => {
  const paths = [
    `${ROOT}/`,
    `${ROOT}/other`,
    `${ROOT}/mcp/`,
    `${ROOT}/mcp/x`,
    `${ROOT}/MCP`,
    `${ROOT}/mcp%2f..%2fother`,
    `${ROOT}/%6dcp`,
    `${ROOT}//mcp`,
    `/${ROOT}/mcp`,
    `${ROOT}2`,
    `/mcp${ROOT}`,
    '/.well-known/oauth-authorization-server',
    '/.well-known/openid-configuration',
  ];
  for (const path of paths) {
    it(`at ${path}`, async () => {
      const answer = await get(path, { headers: { Authorization: `Bearer ${bed.issuer.token()}` } });
      assert.equal(answer.status, 404);
      assert.ok(!answer.body.includes('well-known'), 'no path is echoed');
      assert.deepEqual(bed.upstream.requests, []);
    });
  }

  it('for another host', async () => {
    const answer = await get(DOCUMENT, { headers: { Host: 'evil.test' } });
    assert.equal(answer.status, 421);
    assert.ok(!JSON.stringify(answer).includes('evil.test'));
  });

  it('over plain HTTP on the TLS port', async () => {
    const socket = connect(bed.port, '127.0.0.1');
    let received = '';
    let closed = false;
    socket.on('data', (chunk) => (received += chunk.toString('latin1')));
    socket.on('error', () => undefined).on('close', () => (closed = true));
    socket.write(`GET ${DOCUMENT} HTTP/1.1\r\nHost: localhost:8001\r\n\r\n`);
    await waitFor(() => closed, 'the connection to be closed');
    assert.ok(!received.includes('resource'));
    assert.deepEqual(bed.upstream.requests, []);
  });
});

it('lists the scopes and the name that are configured', async () => {
  const metadata = { resourceName: 'Echo', scopesSupported: ['mcp:basic', 'mcp:write'] };
  const other = await TestBed.start({ config: () => ({ metadata }) });
  try {
    const { body } = await other.call({ method: 'GET', path: DOCUMENT });
    assert.deepEqual(JSON.parse(body), {
      ...expected(),
      authorization_servers: [other.issuer.issuer],
      scopes_supported: ['mcp:basic', 'mcp:write'],
      resource_name: 'Echo',
    });
  } finally {
    await other.stop();
  }
});

it('TLS below 1.2 is refused', async () => {
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
  await assert.rejects(RawConnection.open(bed, old), { code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' });
});
