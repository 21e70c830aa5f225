// A long body read in steps: the same reading as at once, whatever the text and wherever a step ends, at a bounded cost a step.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LongBody, LongBodyWork } from '../../../../src/sidecar/messages/long-body.ts';
import { readBody, type Reading } from '../../../../src/sidecar/messages/message.ts';
import { MAX_OUTLINE_MEMBERS, Outline } from '../../../../src/sidecar/messages/outline.ts';
import { processorMs } from '../../../kit/processor-time.ts';
import { EVERY_ROW } from '../../../kit/selection.ts';

const STEP = 16 * 1024;
const MIB = 1024 * 1024;

/** Reads to the end. @returns the reading, and the number of steps */
function read(bytes: Buffer, chunk = 16_384): { reading: Reading; steps: number } {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunk) chunks.push(bytes.subarray(at, at + chunk));
  const body = new LongBody(chunks, bytes.length);
  for (let steps = 1; ; steps++) {
    const reading = body.step();
    if (reading === undefined) continue;
    if (reading.ok) assert.ok(body.bytes.equals(bytes));
    return { reading, steps };
  }
}

/** The outline of a text that comes in pieces of a byte each; `undefined` if it is none. */
function outline(text: string): string | undefined {
  const bytes = Buffer.from(text);
  const cursor = new Outline();
  for (let end = 1; end <= bytes.length; end++)
    if (cursor.advance(bytes, end) !== undefined) return undefined;
  return cursor.finish();
}

/** What decisions look at. */
function seen(reading: Reading) {
  if (!reading.ok) return reading.error.reason;
  return reading.body.messages.map(({ kind, method, id, name, version }) => ({
    kind,
    method,
    id,
    name,
    version,
  }));
}

const call = (more: string) =>
  `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"x","_meta":{"a":1},${more}}}`;
const pad = (length: number) => `"arguments":{"a":"${'x'.repeat(length)}"}`;

describe('a long body reads as it does at once', () => {
  const pieces: Readonly<Record<string, string>> = {
    'a call': call(pad(100_000)),
    'names with escapes': call(`"\\u006eotifications":{"a":1},${pad(50_000)}`).replace(
      '"name"',
      '"n\\u0061me"',
    ),
    'characters of two, three and four bytes': call(`"arguments":{"ä":"${'äö€😀'.repeat(20_000)}"}`),
    'an id beyond what a double holds': call(pad(50_000)).replace('7', '12345678901234567890'),
    'a notification with a version': `{"jsonrpc":"2.0","method":"x","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"},${pad(50_000)}}}`,
    'a listening call': `{"jsonrpc":"2.0","id":"a","method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":["${'u'.repeat(30_000)}","b"]},${pad(50_000)}}}`,
    'a response': `{"jsonrpc":"2.0","id":1,"result":{"a":"${'x'.repeat(60_000)}"}}`,
    'a batch': `[${Array(100)
      .fill(call(pad(1_000)))
      .join()}]`,
    'white space everywhere': call(pad(40_000)).replaceAll(/([{}:,])/g, ' \n\t\r$1 \n\t\r'),
    'a duplicate that decides': call(`"name":"y",${pad(50_000)}`),
    'a duplicate that does not': call(`"arguments":{"a":1,"a":"${'x'.repeat(50_000)}"}`),
    'a name spelled otherwise': call(`"Name":"y",${pad(50_000)}`),
    'a lone surrogate in a name': call(`"\\ud800":"y",${pad(50_000)}`),
    'params that are none': `{"jsonrpc":"2.0","id":1,"method":"x","params":["${'x'.repeat(50_000)}"]}`,
    'a name that is none': `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":["${'x'.repeat(50_000)}"]}}`,
    'an id that is none': `{"jsonrpc":"2.0","id":{"a":"${'x'.repeat(50_000)}"},"method":"x"}`,
    'no message': `"${'x'.repeat(50_000)}"`,
    'a batch of none': `[${' '.repeat(50_000)}]`,
    'a batch of what is none': `[1,${' '.repeat(50_000)}"a"]`,
    'no text at all': ' '.repeat(50_000),
    'nesting as deep as allowed': call(
      `"arguments":${'['.repeat(62)}${']'.repeat(62)},"b":"${'x'.repeat(30_000)}"`,
    ),
    'nesting one deeper': call(`"arguments":${'['.repeat(63)}${']'.repeat(63)},"b":"${'x'.repeat(30_000)}"`),
    'a string that is not closed': call(pad(50_000)).slice(0, -5),
    'two values': `${call(pad(50_000))} 1`,
    'a byte order mark': `\ufeff${call(pad(50_000))}`,
  };
  for (const [name, text] of Object.entries(pieces)) {
    it(name, () => {
      const bytes = Buffer.from(text);
      const expected = seen(readBody(bytes));
      for (const chunk of [1_000, 16_384, 65_536])
        assert.deepEqual(seen(read(bytes, chunk).reading), expected);
    });
  }

  it('where it is not UTF-8, at any place', () => {
    for (const at of [0, 10, STEP - 2, STEP - 1, STEP, STEP + 1, 2 * STEP - 1, 70_000]) {
      for (const bad of [[0xff], [0xc3], [0xe2, 0x82], [0xf0, 0x9f, 0x98], [0x80], [0xed, 0xa0, 0x80]]) {
        const bytes = Buffer.from(call(pad(100_000)));
        bytes.set(bad, at);
        assert.equal(seen(read(bytes).reading), seen(readBody(bytes)), `${bad.join()} at ${at}`);
      }
    }
  });

  it('where a character lies across the end of a step', () => {
    for (const character of ['ä', '€', '😀'])
      for (let shift = 0; shift < 5; shift++) {
        const text = call(`"arguments":{"a":"${' '.repeat(STEP - 100 + shift)}${character.repeat(100)}"}`);
        assert.ok(read(Buffer.from(text)).reading.ok);
      }
  });

  it('for any JSON value in any place, byte by byte', () => {
    const value = fc.json({ maxDepth: 4 });
    const place = fc.constantFrom(
      (json: string) => json,
      (json: string) => `[${json}]`,
      (json: string) => `{"jsonrpc":"2.0","id":1,"method":"x","params":${json}}`,
      (json: string) =>
        `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":${json}}}`,
      (json: string) =>
        `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":${json},"_meta":${json}}}`,
      (json: string) => `{"jsonrpc":"2.0","id":${json},"method":${json}}`,
      (json: string) => `{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":${json}}}`,
      (json: string) =>
        `{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":${json}}}}`,
    );
    fc.assert(
      fc.property(value, place, (json, put) => {
        const text = put(json);
        const kept = outline(text);
        assert.notEqual(kept, undefined, text);
        assert.deepEqual(seen(readBody(Buffer.from(kept ?? ''))), seen(readBody(Buffer.from(text))), kept);
      }),
      { numRuns: 2_000 },
    );
  });

  it('for texts that are almost JSON: refused as JSON.parse refuses them', () => {
    const bytes = fc.array(fc.constantFrom(...'{}[]:,"\\u0123eE.+-truefalsn \n\u0001ä/'), { maxLength: 12 });
    const json = fc
      .tuple(fc.json({ maxDepth: 3 }), bytes, fc.nat(), fc.nat(4))
      .map(([text, more, at, cut]) => {
        const place = at % (text.length + 1);
        return text.slice(0, place) + more.join('') + text.slice(place + cut);
      });
    fc.assert(
      fc.property(
        fc.oneof(
          json,
          bytes.map((each) => each.join('')),
        ),
        (text) => {
          assert.equal(outline(text) !== undefined, isJson(text), JSON.stringify(text));
        },
      ),
      { numRuns: EVERY_ROW ? 20_000 : 4_000 },
    );
  });

  for (const number of [
    '0',
    '-0',
    '1',
    '10',
    '-1.5',
    '1e5',
    '1E+5',
    '0.1e-10',
    '1e400',
    '123456789012345678901234567890',
  ])
    it(`a number: ${number}`, () => {
      for (const text of [number, ` ${number} `, `[${number}]`, `{"a":${number}}`])
        assert.ok(isJson(text) && outline(text) !== undefined, text);
    });
  for (const number of [
    '01',
    '-',
    '+1',
    '.5',
    '1.',
    '1.e5',
    '1e',
    '1e+',
    '0x1',
    '1_0',
    '--1',
    'NaN',
    'Infinity',
    '1e5.5',
    '-01',
    '1ee5',
  ])
    it(`no number: ${number}`, () => {
      for (const text of [number, ` ${number} `, `[${number}]`, `{"a":${number}}`])
        assert.ok(!isJson(text) && outline(text) === undefined, text);
    });
  for (const text of [
    'tru',
    'truee',
    'True',
    'nul',
    'nulll',
    'falsE',
    'undefined',
    '[true false]',
    '"\\x"',
    '"\\u12g4"',
    '"\\u123"',
    '"a\tb"',
    "'a'",
    '{a:1}',
    '{"a":1,}',
    '[1,]',
    '[,1]',
    '{"a"}',
    '{"a":}',
    '{:1}',
    '[1}',
    '{"a":1]',
    '}',
    '1 1',
    '/**/1',
    '"',
    '"\\',
  ])
    it(`no JSON: ${text}`, () => {
      assert.ok(!isJson(text) && outline(text) === undefined);
    });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Texts of a size that are made of many of one thing, in the place that is worst for it. */
const SHAPES: Readonly<Record<string, (size: number) => Buffer>> = {
  'short names in params': (size) => filled(size, (i) => `"${i.toString(36)}":1`, call('"b":0,@')),
  'short names in _meta': (size) =>
    filled(size, (i) => `"${i.toString(36)}":1`, call('"b":0').replace('"a":1', '@')),
  'short names in the message': (size) =>
    filled(size, (i) => `"${i.toString(36)}":1`, '{"jsonrpc":"2.0","id":7,"method":"x",@}'),
  'short names in arguments': (size) => filled(size, (i) => `"${i.toString(36)}":1`, call('"arguments":{@}')),
  'numbers as names': (size) => filled(size, (i) => `"${i * 1_048_576}":1`, call('"b":0,@')),
  'names with escapes': (size) => filled(size, (i) => `"\\u0061${i.toString(36)}":1`, call('"b":0,@')),
  'names of two bytes a character': (size) => filled(size, (i) => `"ä${i.toString(36)}":1`, call('"b":0,@')),
  'objects of one member': (size) => filled(size, (i) => `{"${i.toString(36)}":1}`, call('"arguments":[@]')),
  'empty objects': (size) => filled(size, () => '{}', call('"arguments":[@]')),
  numbers: (size) => filled(size, () => '1', call('"arguments":[@]')),
  'large exponents': (size) => filled(size, () => '1e308', call('"arguments":[@]')),
  'one number': (size) =>
    call(`"arguments":${'9'.repeat(size)}`).slice(0).length > 0
      ? Buffer.from(call(`"a":${'9'.repeat(size)}`))
      : EMPTY,
  'short strings': (size) => filled(size, () => '""', call('"arguments":[@]')),
  'short strings where they are kept': (size) =>
    filled(
      size,
      () => '""',
      '{"jsonrpc":"2.0","id":7,"method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":[@]}}}',
    ),
  'one string of escapes': (size) => Buffer.from(call(`"a":"${'\\u0001'.repeat(size / 6)}"`)),
  'a method of escapes': (size) =>
    Buffer.from(`{"jsonrpc":"2.0","id":7,"method":"${'\\u0001'.repeat(size / 6)}"}`),
  'an id of escapes': (size) =>
    Buffer.from(`{"jsonrpc":"2.0","method":"x","id":"${'\\u0001'.repeat(size / 6)}"}`),
  backslashes: (size) => Buffer.from(call(`"a":"${'\\\\'.repeat(size / 2)}"`)),
  'deep nesting': (size) => filled(size, () => '['.repeat(60) + ']'.repeat(60), call('"arguments":[@]')),
  'white space': (size) => Buffer.from(call(`"a":${' '.repeat(size)}1`)),
  'a batch of 100': (size) =>
    Buffer.from(
      `[${Array(100)
        .fill(call(pad(size / 100)))
        .join()}]`,
    ),
  'a batch of many': (size) => filled(size, () => '{}', '[@]'),
};
const EMPTY = Buffer.alloc(0);

function filled(size: number, item: (index: number) => string, frame: string): Buffer {
  const items: string[] = [];
  for (let length = frame.length, i = 0; length < size; i++) {
    const next = item(i);
    items.push(next);
    length += Buffer.byteLength(next) + 1;
  }
  return Buffer.from(frame.replace('@', () => items.join(',')));
}

describe('no step reads more than 16 KiB', () => {
  for (const [name, shape] of Object.entries(SHAPES)) {
    it(`of 4 MiB of ${name}`, (test) => {
      const bytes = shape(4 * MIB);
      let longest = 0;
      const body = new LongBody([bytes], bytes.length);
      let steps = 0;
      for (let isOver = false; !isOver; steps++) {
        const milliseconds = processorMs(() => (isOver = body.step() !== undefined));
        longest = Math.max(longest, milliseconds);
      }
      test.diagnostic(`${steps} steps, the longest ${longest.toFixed(1)} ms`);
      const isRefusedEarly = steps < bytes.length / STEP - 1;
      if (isRefusedEarly) assert.ok(steps * STEP <= 16 * MAX_OUTLINE_MEMBERS * 2, `${steps} steps`);
      else assert.equal(steps, Math.ceil(bytes.length / STEP));
    });
  }

  it('of 64 MiB, and the outline of it is short', () => {
    const bytes = Buffer.from(call(pad(64 * MIB)));
    const { reading, steps } = read(bytes, 65_536);
    assert.ok(reading.ok);
    assert.equal(steps, Math.ceil(bytes.length / STEP));
  });
});

describe('a long body is refused by counts, before it is parsed', () => {
  const refused: Readonly<Record<string, [bytes: Buffer, reason: string]>> = {
    'too many members of params': [filled(100_000, (i) => `"${i}":1`, call('"b":0,@')), 'too_many_members'],
    'too many members of _meta': [
      filled(100_000, (i) => `"${i}":1`, call('"b":0').replace('"a":1', '@')),
      'too_many_members',
    ],
    'too many members of the message': [
      filled(100_000, (i) => `"${i}":1`, '{"jsonrpc":"2.0",@}'),
      'too_many_members',
    ],
    'too many members of all messages': [
      filled(
        100_000,
        (i) => `{"jsonrpc":"2.0","method":"x",${filled(1_000, (j) => `"${i}_${j}":1`, '@').toString()}}`,
        '[@]',
      ),
      'too_many_members',
    ],
    'too many messages': [filled(100_000, () => '{}', '[@]'), 'batch_too_long'],
    'a method that is too long': [
      Buffer.from(`{"jsonrpc":"2.0","method":"${'x'.repeat(100_000)}"}`),
      'members_too_long',
    ],
    'a name that is too long': [Buffer.from(call(`"${'x'.repeat(100_000)}":1`)), 'members_too_long'],
    'names that are too long together': [
      filled(200_000, (i) => `"${'x'.repeat(100)}${i}":1`, call('"b":0,@')),
      'members_too_long',
    ],
    'an id that is too long': [
      Buffer.from(call(pad(10)).replace('7', `"${'x'.repeat(100_000)}"`)),
      'members_too_long',
    ],
  };
  for (const [name, [bytes, reason]] of Object.entries(refused)) {
    it(name, () => assert.equal(seen(read(bytes).reading), reason));
  }

  it('and not for what no decision depends on', () => {
    const strings = Array.from({ length: 1_000 }, (_, i) => `"s${i}":"${'x'.repeat(2_000)}"`).join();
    assert.ok(read(Buffer.from(call(strings))).reading.ok);
    assert.ok(read(filled(MIB, (i) => `"${i}":1`, call('"arguments":{@}'))).reading.ok);
    assert.ok(read(filled(MIB, (i) => `"${i}":1`, call('"b":0').replace('"a":1', '"a":{@}'))).reading.ok);
  });
});

describe('the work of reading', () => {
  function work(isGone = () => false) {
    const bytes = Buffer.from(call(pad(200_000)));
    const held = {
      length: bytes.length,
      isEvicted: false,
      isKept: false,
      takeChunks: () => [bytes],
      keep: () => void (held.isKept = true),
      release: () => undefined,
    };
    const results: string[] = [];
    const reading = new LongBodyWork(held, isGone, ({ kind }) => void results.push(kind));
    return { held, results, reading };
  }

  it('ends with the reading, and only then may the body not be given up any more', () => {
    const { held, results, reading } = work();
    while (reading.step()) assert.equal(held.isKept, false);
    assert.deepEqual(results, ['read']);
    assert.ok(held.isKept);
  });

  it('ends when the body had to be given up', () => {
    const { held, results, reading } = work();
    assert.ok(reading.step());
    held.isEvicted = true;
    assert.equal(reading.step(), false);
    assert.deepEqual(results, ['evicted']);
  });

  it('ends when the client has gone', () => {
    let gone = false;
    const { results, reading } = work(() => gone);
    assert.ok(reading.step());
    gone = true;
    assert.equal(reading.step(), false);
    assert.deepEqual(results, ['gone']);
  });
});
