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
