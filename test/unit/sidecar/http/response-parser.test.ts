// The response parser: one reading of every answer, however the network cuts it into pieces.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  ResponseParser,
  ResponseSyntaxError,
  type ResponseHead,
} from '../../../../src/sidecar/http/response-parser.ts';

interface Parsed {
  readonly heads: ResponseHead[];
  readonly body: string;
  readonly ended: boolean;
  /** The message of a syntax error. */
  readonly error: string | undefined;
}

/** Feeds the pieces, then ends the connection. Bodies and errors are compared as a whole: pieces may differ. */
function parse(pieces: readonly Buffer[]): Parsed {
  const heads: ResponseHead[] = [];
  const body: Buffer[] = [];
  let ends = 0;
  const parser = new ResponseParser({
    onHead: (head) => heads.push(head),
    onBody: (chunk) => body.push(Buffer.from(chunk)),
    onEnd: () => ends++,
  });
  parser.reset();
  let error: string | undefined;
  try {
    for (const piece of pieces) parser.feed(piece);
    parser.end();
  } catch (cause) {
    if (!(cause instanceof ResponseSyntaxError)) throw cause;
    error = cause.message;
  }
  assert.ok(ends <= 1, 'an answer ends once');
  return { heads, body: Buffer.concat(body).toString('latin1'), ended: ends === 1, error };
}

const whole = (text: string) => parse([Buffer.from(text, 'latin1')]);

/** Cuts bytes at the given places, which may lie anywhere. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set([0, ...places.map((place) => place % (bytes.length + 1)), bytes.length])].sort(
    (a, b) => a - b,
  );
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
}

const OK = 'HTTP/1.1 200 OK\r\n';
const chunk = (text: string, extension = '') => `${text.length.toString(16)}${extension}\r\n${text}\r\n`;

const good: Record<string, [text: string, body: string]> = {
  'with a length': [`${OK}Content-Length: 5\r\n\r\nhello`, 'hello'],
  'with length 0': [`${OK}Content-Length: 0\r\n\r\n`, ''],
  'with equal lengths': [`${OK}Content-Length: 2\r\ncontent-length: 2\r\n\r\n{}`, '{}'],
  chunked: [
    `${OK}Transfer-Encoding: chunked\r\n\r\n${chunk('hello')}${chunk('\r\n0\r\n\r\n')}0\r\n\r\n`,
    'hello\r\n0\r\n\r\n',
  ],
  'chunked, coding in capitals': [`${OK}TRANSFER-ENCODING: Chunked\r\n\r\n${chunk('a')}0\r\n\r\n`, 'a'],
  'chunked with extensions and trailers': [
    `${OK}Transfer-Encoding: chunked\r\n\r\n${chunk('a', ';x="y"')}${chunk('b', ' ; z')}0;last\r\nX-T: 1\r\nX-U: 2\r\n\r\n`,
    'ab',
  ],
  'to the close': ['HTTP/1.0 200 OK\r\nX: 1\r\n\r\nall of it\r\n\r\n', 'all of it\r\n\r\n'],
  'without a body: 204': ['HTTP/1.1 204 No Content\r\n\r\n', ''],
  'without a body: 304': ['HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n', ''],
  'after interim answers': [
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${OK}Content-Length: 1\r\n\r\na`,
    'a',
  ],
  'after many interim answers': [
    `${'HTTP/1.1 102 Processing\r\n\r\n'.repeat(64)}${OK}Content-Length: 1\r\n\r\na`,
    'a',
  ],
  'without a reason phrase': ['HTTP/1.1 200\r\nContent-Length: 1\r\n\r\na', 'a'],
  'with bytes beyond ASCII': [`${OK}X: \xe9\r\nContent-Length: 2\r\n\r\n\xff\x00`, '\xff\x00'],
  'with empty values and blanks around them': [`${OK}X:\r\nY: \t v \t\r\nContent-Length:  1 \r\n\r\na`, 'a'],
};

const malformed: Record<string, string> = {
  'no status line': 'hello\r\n\r\n',
  'another protocol': 'HTTP/2 200 OK\r\n\r\n',
  'another version': 'HTTP/1.2 200 OK\r\n\r\n',
  'status of two digits': 'HTTP/1.1 20 OK\r\n\r\n',
  'status of four digits': 'HTTP/1.1 2000 OK\r\n\r\n',
  'status below 100': 'HTTP/1.1 099 OK\r\n\r\n',
  'space before the status line': ' HTTP/1.1 200 OK\r\n\r\n',
  'a protocol switch': 'HTTP/1.1 101 Switching Protocols\r\n\r\n',
  'bare LF': 'HTTP/1.1 200 OK\nX: 1\r\n\r\n',
  'bare CR': `${OK}X: a\rb\r\n\r\n`,
  NUL: `${OK}X: a\0b\r\n\r\n`,
  'folded line': `${OK}X: a\r\n\tb\r\n\r\n`,
  'space before the colon': `${OK}Content-Length : 1\r\n\r\na`,
  'tab before the colon': `${OK}Content-Length\t: 1\r\n\r\na`,
  'name with a space': `${OK}X Y: 1\r\n\r\n`,
  'name beyond ASCII': `${OK}\xe9: 1\r\n\r\n`,
  'no name': `${OK}: 1\r\n\r\n`,
  'no colon': `${OK}X\r\n\r\n`,
  'two lengths': `${OK}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`,
  'a list of lengths': `${OK}Content-Length: 1, 1\r\n\r\na`,
  'length with a sign': `${OK}Content-Length: +1\r\n\r\na`,
  'length with U+00A0 around it': `${OK}Content-Length: \xa01\xa0\r\n\r\na`,
  'coding with U+00A0 before it': `${OK}Transfer-Encoding: \xa0chunked\r\n\r\n0\r\n\r\n`,
  'interim answers without end': `${'HTTP/1.1 102 Processing\r\n\r\n'.repeat(1_001)}${OK}Content-Length: 1\r\n\r\na`,
  'length empty': `${OK}Content-Length:\r\n\r\n`,
  'length beyond exact numbers': `${OK}Content-Length: 99999999999999999\r\n\r\n`,
  'length and coding': `${OK}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'another coding': `${OK}Transfer-Encoding: gzip\r\n\r\n`,
  'coding after chunked': `${OK}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
  'coding in two fields': `${OK}Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'chunked twice': `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'chunk size that is no number': `${OK}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
  'chunk size empty': `${OK}Transfer-Encoding: chunked\r\n\r\n\r\n`,
  'chunk size with a sign': `${OK}Transfer-Encoding: chunked\r\n\r\n-1\r\n`,
  'chunk size with 0x': `${OK}Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n`,
  'chunk size beyond exact numbers': `${OK}Transfer-Encoding: chunked\r\n\r\nfffffffffffff\r\n`,
  'chunk size after a blank': `${OK}Transfer-Encoding: chunked\r\n\r\n 1\r\na\r\n`,
  'chunk size with a bare LF': `${OK}Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n`,
  'chunk longer than its size': `${OK}Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n`,
  'chunk extension too long': `${OK}Transfer-Encoding: chunked\r\n\r\n1;${'x'.repeat(300)}\r\na\r\n`,
  'trailers too long': `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\n${'X: 1\r\n'.repeat(2_000)}\r\n`,
  'head too long': `${OK}X: ${'a'.repeat(70_000)}\r\n\r\n`,
  'head without end': `${OK}X: ${'a'.repeat(70_000)}`,
  'more than was announced': `${OK}Content-Length: 1\r\n\r\nab`,
  'more after the last chunk': `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n`,
};

describe('an answer', () => {
  for (const [name, [text, body]] of Object.entries(good)) {
    it(name, () => {
      const { heads, ...rest } = whole(text);
      assert.deepEqual(rest, { body, ended: true, error: undefined });
      assert.equal(heads.length, 1);
    });
  }

  it('keeps its fields, names as written, values without the blanks around them', () => {
    const [head] = whole(good['with empty values and blanks around them']![0]).heads;
    assert.deepEqual(head?.fields, ['X', '', 'Y', 'v', 'Content-Length', '1']);
  });

  const reuse: Record<string, [text: string, keepAlive: boolean]> = {
    'HTTP/1.1': [`${OK}Content-Length: 0\r\n\r\n`, true],
    'HTTP/1.1 with Connection: close': [`${OK}Content-Length: 0\r\nConnection: Close\r\n\r\n`, false],
    'HTTP/1.1 with close in a list': [`${OK}Content-Length: 0\r\nConnection: x, close\r\n\r\n`, false],
    'HTTP/1.1 with close in a second field': [
      `${OK}Content-Length: 0\r\nConnection: x\r\nConnection: close\r\n\r\n`,
      false,
    ],
    'HTTP/1.0': ['HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n', false],
    'ended by the close': [`${OK}\r\n`, false],
  };
  for (const [name, [text, keepAlive]] of Object.entries(reuse)) {
    it(`${keepAlive ? 'leaves' : 'does not leave'} its connection for another: ${name}`, () => {
      assert.equal(whole(text).heads[0]?.keepAlive, keepAlive);
    });
  }

  it('may come after a thousand interim answers', () => {
    const interim = 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(1_000);
    assert.equal(whole(`${interim}${OK}Content-Length: 1\r\n\r\na`).body, 'a');
  });

  it('that ends too early is not complete', () => {
    for (const [name, [text]] of Object.entries(good)) {
      if (name === 'to the close') continue; // any end is a good one
      for (let length = 0; length < text.length; length++) {
        assert.equal(whole(text.slice(0, length)).ended, false, `${name}, ${length} bytes`);
      }
    }
  });
});

describe('malformed', () => {
  for (const [name, text] of Object.entries(malformed)) {
    it(name, () => {
      assert.match(whole(text).error ?? '', /^malformed response from the MCP server: /);
    });
  }
});

describe('pieces', () => {
  for (const [name, text] of [
    ...Object.entries(good).map(([key, [value]]) => [key, value] as const),
    ...Object.entries(malformed),
  ]) {
    it(`of any size give the same: ${name}`, () => {
      const bytes = Buffer.from(text, 'latin1');
      const expected = whole(text);
      const same = (pieces: readonly Buffer[]) => {
        const { heads, body, ended, error } = parse(pieces);
        // How much of a body was told before an error depends on the pieces; the verdict does not.
        assert.equal(error === undefined, expected.error === undefined);
        if (error === undefined) assert.deepEqual({ heads, body, ended, error }, expected);
      };
      if (bytes.length < 10_000) same(Array.from(bytes, (byte) => Buffer.of(byte)));
      fc.assert(
        fc.property(fc.array(fc.nat(), { maxLength: 12 }), (places) => same(cut(bytes, places))),
        { numRuns: 200 },
      );
    });
  }

  it('of a random chunked body give that body', () => {
    const parts = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 8 });
    fc.assert(
      fc.property(parts, fc.array(fc.nat(), { maxLength: 20 }), (chunks, places) => {
        const body = chunks.map((part) => Buffer.from(part).toString('latin1'));
        const text = `${OK}Transfer-Encoding: chunked\r\n\r\n${body.map((part) => chunk(part)).join('')}0\r\n\r\n`;
        const parsed = parse(cut(Buffer.from(text, 'latin1'), places));
        assert.equal(parsed.body, body.join(''));
        assert.equal(parsed.ended, true);
      }),
    );
  });
});
