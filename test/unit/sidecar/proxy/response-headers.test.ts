// Which fields of the server's answer the client gets, which are added, and what an event stream is.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Framing } from '../../../../src/sidecar/http/response-parser.ts';
import { ResponseHeaders } from '../../../../src/sidecar/proxy/response-headers.ts';

const headers = new ResponseHeaders();
const read = (
  fields: readonly string[],
  framing: Framing = { kind: 'chunked' },
  added: readonly string[] = [],
  status = 200,
) => headers.read({ status, fields, framing, keepAlive: true }, added);
const NOSNIFF = ['X-Content-Type-Options', 'nosniff'];

describe('a field of the server', () => {
  for (const name of [
    'Connection',
    'Keep-Alive',
    'TE',
    'Trailer',
    'Transfer-Encoding',
    'Upgrade',
    'Proxy-Authenticate',
    'Proxy-Connection',
    'Proxy-Authentication-Info',
    'Location',
    'Server',
    'X-Powered-By',
    'WWW-Authenticate',
    'Via',
    'Alt-Svc',
    'X-Content-Type-Options',
    'DPoP-Nonce',
    'Access-Control-Allow-Origin',
    'access-control-anything',
    'Content-Location',
    'Content-Base',
    'URI',
    'Link',
    'Refresh',
    'SourceMap',
    'X-SourceMap',
    'Forwarded',
    'X-Forwarded-Host',
    'X-Original-URL',
    'Proxy-Status',
    'Authentication-Info',
    'Timing-Allow-Origin',
    'X-AspNet-Version',
    'X-Runtime',
    'X-Served-By',
    'X-Backend-Server',
    'X-Upstream',
    'X-Envoy-Upstream-Service-Time',
    'X-Debug-Token-Link',
    'Strict-Transport-Security',
    'Public-Key-Pins',
    'Public-Key-Pins-Report-Only',
    'Expect-CT',
    'Clear-Site-Data',
    'Service-Worker-Allowed',
    'NEL',
    'Report-To',
    'Reporting-Endpoints',
    'X-Accel-Redirect',
    'X-Accel-Expires',
    'X-Sendfile',
    'X-LIGHTTPD-send-file',
    'X-LIGHTTPD-KBytes-per-second',
    'X-LiteSpeed-Location',
    'X-LiteSpeed-Purge',
    'X-Archive-Files',
    'X-Reproxy-URL',
    'Surrogate-Control',
    'Surrogate-Key',
    'CDN-Cache-Control',
    'Cloudflare-CDN-Cache-Control',
    'Edge-Control',
  ]) {
    it(`${name} ends here, in any spelling`, () => {
      for (const spelling of [name, name.toLowerCase(), name.toUpperCase()])
        assert.deepEqual(read([spelling, 'close']).fields, NOSNIFF);
    });
  }

  for (const name of [
    'Mcp-Session-Id',
    'ETag',
    'X-Request-Id',
    'Set-Cookie',
    'Linked',
    'X-Link',
    'Server-Timing',
    'X-RateLimit-Remaining',
    'Content-Disposition',
    'Content-Language',
    'Retry-After',
  ]) {
    it(`${name} passes as it came`, () => {
      assert.deepEqual(read([name, ' v ']).fields, [name, ' v ', ...NOSNIFF]);
    });
  }

  it('that Connection names is of that hop, wherever it stands', () => {
    const fields = [
      'X-Hop',
      '1',
      'Connection',
      'close, X-Hop , x-other',
      'X-Other',
      '2',
      'X-Kept',
      '3',
      'x-hop',
      '4',
    ];
    assert.deepEqual(read(fields).fields, ['X-Kept', '3', ...NOSNIFF]);
  });

  it('that one of several Connection fields names, too', () => {
    const fields = [
      'Connection',
      'keep-alive',
      'X-A',
      '1',
      'Connection',
      'x-a',
      'X-B',
      '2',
      'Connection',
      'x-b',
    ];
    assert.deepEqual(read(fields).fields, NOSNIFF);
  });

  it('is not lost because Connection says how it ends', () => {
    for (const value of ['close', 'Keep-Alive', 'keep-alive'])
      assert.deepEqual(read(['Connection', value, 'Close', '1']).fields, ['Close', '1', ...NOSNIFF]);
  });
});

describe('the length', () => {
  it('goes on once and in one spelling', () => {
    const { fields } = read(['content-length', '007', 'Content-Length', '007'], {
      kind: 'length',
      length: 7,
    });
    assert.deepEqual(fields, ['content-length', '7', ...NOSNIFF]);
  });

  it('is not told where the framing has none', () => {
    assert.deepEqual(read(['Content-Length', '5'], { kind: 'none' }).fields, NOSNIFF);
  });
});

describe('fields of the sidecar', () => {
  it('stand behind those of the server, and the server has no say in them', () => {
    const { fields } = read(['Access-Control-Allow-Origin', '*', 'A', '1'], undefined, [
      'Access-Control-Allow-Origin',
      'https://a.test',
    ]);
    assert.deepEqual(fields, ['A', '1', ...NOSNIFF, 'Access-Control-Allow-Origin', 'https://a.test']);
  });
});

describe('an answer to an authorized request is for no shared cache', () => {
  const rewritten: Record<string, string> = {
    public: 'private',
    'PUBLIC, max-age=60': 'private, max-age=60',
    'max-age=60, public': 'private, max-age=60',
    'public,max-age=60,immutable': 'private, max-age=60, immutable',
    's-maxage=600': 'private',
    'S-MaxAge=600, no-transform': 'no-transform',
    'max-age=60': 'private, max-age=60',
    'must-revalidate, max-age=0': 'private, must-revalidate, max-age=0',
    'proxy-revalidate': 'private, proxy-revalidate',
    'private, public': 'private',
    'no-store, s-maxage=1': 'no-store',
    'private=set-cookie, max-age=1': 'private, private=set-cookie, max-age=1',
    'no-cache, public': 'no-cache',
    'stale-while-revalidate=9': 'private, stale-while-revalidate=9',
    '': 'private',
    ',': 'private',
    // What caches read in more than one way.
    'private="a, public"': 'no-store',
    'no-cache="set-cookie", public': 'no-store',
    'x="a, public': 'no-store',
    'public; max-age=60': 'no-store',
    'private public': 'no-store',
    'max-age = 60, public': 'no-store',
    '\u00a0public': 'no-store',
  };
  for (const [value, expected] of Object.entries(rewritten)) {
    it(`Cache-Control: ${value}`, () =>
      assert.deepEqual(read(['Cache-Control', value]).fields, ['Cache-Control', expected, ...NOSNIFF]));
  }

  for (const value of [
    'no-store',
    'No-Store, max-age=0',
    'private',
    'private, max-age=60',
    'no-cache',
    'no-cache, no-transform',
  ]) {
    it(`Cache-Control: ${value} goes on as it came`, () =>
      assert.deepEqual(read(['cache-control', value]).fields, ['cache-control', value, ...NOSNIFF]));
  }

  it('each of several Cache-Control fields is seen', () => {
    const { fields } = read(['Cache-Control', 'max-age=1', 'cache-control', 'public']);
    assert.deepEqual(fields, ['Cache-Control', 'private, max-age=1', 'cache-control', 'private', ...NOSNIFF]);
  });

  it('Expires without Cache-Control', () => {
    const expires = ['Expires', 'Thu, 01 Jan 2099 00:00:00 GMT'];
    assert.deepEqual(read(expires).fields, [...expires, ...NOSNIFF, 'Cache-Control', 'private']);
    assert.deepEqual(read([...expires, 'Cache-Control', 'no-store']).fields, [
      ...expires,
      ...['Cache-Control', 'no-store', ...NOSNIFF],
    ]);
    const hidden = [...expires, 'Cache-Control', 'no-store', 'Connection', 'cache-control'];
    assert.deepEqual(read(hidden).fields, [...expires, ...NOSNIFF, 'Cache-Control', 'private']);
  });

  it('values of any number and length take no memory without end', () => {
    for (let i = 0; i < 3_000; i++) {
      const value = `max-age=${i}, ${'x'.repeat(i)}`;
      assert.equal(read(['Cache-Control', value]).fields[1]?.startsWith('private, '), true);
    }
  });
});

describe('an event stream', () => {
  const TYPE = ['Content-Type', 'text/event-stream; charset=utf-8'];

  it('is kept from being buffered or changed on its way', () => {
    assert.deepEqual(read(TYPE).fields, [
      ...TYPE,
      ...NOSNIFF,
      'X-Accel-Buffering',
      'no',
      'Cache-Control',
      'no-cache, no-transform',
    ]);
  });

  it('has what the server says of that', () => {
    const own = ['Cache-Control', 'no-store', 'x-accel-buffering', 'yes'];
    assert.deepEqual(read([...TYPE, ...own]).fields, [...TYPE, ...own, ...NOSNIFF]);
  });

  const rows: readonly [name: string, open: boolean, answer: Parameters<typeof read>][] = [
    ['chunked', true, [TYPE]],
    ['until the connection closes', true, [TYPE, { kind: 'close' }]],
    ['in capitals', true, [['CONTENT-TYPE', 'TEXT/EVENT-STREAM']]],
    ['of a length', false, [TYPE, { kind: 'length', length: 100_000 }]],
    ['of another status', false, [TYPE, undefined, [], 202]],
    ['compressed', false, [[...TYPE, 'Content-Encoding', 'gzip']]],
    ['compressed, as the field in front says', false, [['content-encoding', 'br', ...TYPE]]],
    [
      'whose coding Connection hides',
      false,
      [[...TYPE, 'Content-Encoding', 'gzip', 'Connection', 'content-encoding']],
    ],
    ['of another type', false, [['Content-Type', 'application/json']]],
    ['of no type', false, [[]]],
  ];
  for (const [name, open, answer] of rows) {
    it(`${name}: events may ${open ? '' : 'not '}be put into it`, () => {
      assert.equal(read(...answer).isOpenEventStream, open);
    });
  }
});
