// The RFC 9728 document: where it is, what it says, to whom, and that nothing in a request changes it.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { RawConnection } from '../kit/raw.ts';
import { TestBed, type CallOptions } from '../support/sidecar.ts';

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

  const indifferent: Record<string, Record<string, string>> = {
    'an unknown origin': { Origin: 'https://evil.test' },
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
