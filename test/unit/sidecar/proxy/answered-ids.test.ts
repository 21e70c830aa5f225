// Which requests an answer is for: read the same however it is cut into pieces, and as JSON.parse would read it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { AnsweredIds } from '../../../../src/sidecar/proxy/answered-ids.ts';
import { anyText } from '../../../kit/text.ts';

interface Verdict {
  readonly isOwn: boolean;
  readonly isComplete: boolean;
}

const OWN: Verdict = { isOwn: true, isComplete: true };
/** Nothing in it is for another request, and nothing says that it is for this one. */
const OPEN: Verdict = { isOwn: true, isComplete: false };

function read(pieces: readonly string[], awaited: readonly string[]): Verdict {
  const ids = new AnsweredIds(awaited);
  for (const piece of pieces) ids.feed(piece);
  const { isOwn, isComplete } = ids;
  return { isOwn, isComplete };
}

/** As it stands on the wire, one character a byte: whole, and byte by byte. */
function readBothWays(answer: string, awaited: readonly string[]): Verdict {
  const wire = Buffer.from(answer).toString('latin1');
  const whole = read([wire], awaited);
  assert.deepEqual(read([...wire], awaited), whole, 'byte by byte');
  return whole;
}

type Row = readonly [answer: string, awaited: readonly string[]];

const own: Readonly<Record<string, Row>> = {
  'the id first': ['{"jsonrpc":"2.0","id":1,"result":{}}', ['1']],
  'the id last': ['{"result":{},"jsonrpc":"2.0","id":1}', ['1']],
  'the id in the middle, with blanks': ['\n{ "result" : [ ] ,\t"id" : 1 , "jsonrpc":"2.0" }\n', ['1']],
  'an error': ['{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}}', ['1']],
  'an error without id': ['{"jsonrpc":"2.0","error":{"code":-32700,"message":""}}', ['1']],
  'an error with id null': ['{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":""}}', ['1']],
  'a string': ['{"jsonrpc":"2.0","id":"a","result":{}}', ['"a"']],
  'a string with characters beyond ASCII': ['{"jsonrpc":"2.0","id":"é☃","result":{}}', ['"é☃"']],
  'a string with escapes': ['{"jsonrpc":"2.0","id":"\\u0061\\"","result":{}}', ['"a\\""']],
  'a name with escapes': ['{"jsonrpc":"2.0","\\u0069d":1,"re\\u0073ult":{}}', ['1']],
  'the same number': ['{"jsonrpc":"2.0","id":1.0,"result":{}}', ['1']],
  'the same number, with an exponent': ['{"jsonrpc":"2.0","id":1E2,"result":{}}', ['100']],
  'a number that a double rounds': [
    '{"jsonrpc":"2.0","id":12345678901234567890,"result":{}}',
    ['12345678901234567000'],
  ],
  'another id deeper down': ['{"jsonrpc":"2.0","result":{"id":7,"result":{"id":8}},"id":1}', ['1']],
  'another id in a string': ['{"jsonrpc":"2.0","result":"\\",\\"id\\":7,","id":1}', ['1']],
  'a batch': ['[{"jsonrpc":"2.0","id":2,"result":{}},{"jsonrpc":"2.0","id":1,"result":{}}]', ['1', '2']],
  'an array of one': ['[{"jsonrpc":"2.0","id":1,"result":{}}]', ['1']],
  'an event': ['event: message\ndata: {"jsonrpc":"2.0","id":1,"result":{}}\n\n', ['1']],
  'an event with CR LF': ['event: message\r\ndata: {"jsonrpc":"2.0","id":1,"result":{}}\r\n\r\n', ['1']],
  'an event with CR': [':\rdata:{"jsonrpc":"2.0","id":1,"result":{}}\r\r', ['1']],
  'an event in several lines': [
    'data: {"jsonrpc":"2.0",\ndata: "id":1,"re\ndata:sult":1,"result":{}}\n\n',
    ['1'],
  ],
  'an event behind a byte order mark': ['\ufeffdata: {"jsonrpc":"2.0","id":1,"result":{}}\n\n', ['1']],
  'a request of the server first, with an id of its own': [
    'data: {"jsonrpc":"2.0","id":9,"method":"ping"}\n\ndata: {"jsonrpc":"2.0","id":1,"result":{}}\n\n',
    ['1'],
  ],
  'notifications first': [
    'data: \n\nid: 1\ndata: {"jsonrpc":"2.0","method":"n"}\n\ndata: {"jsonrpc":"2.0","id":1,"result":{}}\n\n',
    ['1'],
  ],
  'nothing, to a notification': ['', []],
  'an error without id, to a notification': ['{"jsonrpc":"2.0","error":{"code":1,"message":""}}', []],
  'a result without id, to a notification': ['{"jsonrpc":"2.0","id":null,"result":{}}', []],
};

const foreign: Readonly<Record<string, Row>> = {
  'another number': ['{"jsonrpc":"2.0","id":2,"result":{}}', ['1']],
  'another number, last': ['{"result":{},"jsonrpc":"2.0","id":2}', ['1']],
  'an error': ['{"jsonrpc":"2.0","id":2,"error":{"code":1,"message":""}}', ['1']],
  'a number that begins alike': ['{"jsonrpc":"2.0","id":11,"result":{}}', ['1']],
  'a number that ends alike': ['{"jsonrpc":"2.0","id":1,"result":{}}', ['11']],
  'a string in place of a number': ['{"jsonrpc":"2.0","id":"1","result":{}}', ['1']],
  'a number in place of a string': ['{"jsonrpc":"2.0","id":1,"result":{}}', ['"1"']],
  'another case': ['{"jsonrpc":"2.0","id":"A","result":{}}', ['"a"']],
  'a name with escapes': ['{"jsonrpc":"2.0","\\u0069d":2,"result":{}}', ['1']],
  true: ['{"jsonrpc":"2.0","id":true,"result":{}}', ['1']],
  'a result without id': ['{"jsonrpc":"2.0","result":{}}', ['1']],
  'a result with id null': ['{"jsonrpc":"2.0","id":null,"result":{}}', ['1']],
  'two ids, the first one right': ['{"jsonrpc":"2.0","result":{},"id":1,"id":2}', ['1']],
  'two ids, the last one right': ['{"jsonrpc":"2.0","id":2,"id":1,"result":{}}', ['1']],
  'no word of JSON-RPC': ['{"id":2,"result":{}}', ['1']],
  'one of a batch': [
    '[{"jsonrpc":"2.0","id":1,"result":{}},{"jsonrpc":"2.0","id":3,"result":{}}]',
    ['1', '2'],
  ],
  'a batch for one': ['[{"jsonrpc":"2.0","id":1,"result":{}},{"jsonrpc":"2.0","id":2,"result":{}}]', ['1']],
  'a response with a method in it': ['{"jsonrpc":"2.0","id":2,"method":"x","result":{}}', ['1']],
  'an event': ['event: message\ndata: {"jsonrpc":"2.0","id":2,"result":{}}\n\n', ['1']],
  'as far as it is clear, the id first': ['{"jsonrpc":"2.0","id":2,"result":{"a', ['1']],
  'as far as it is clear, the id last': ['{"result":"a","id":2,', ['1']],
  'an event behind a field of an unknown name': [
    'X-Id: 1\ndata: {"jsonrpc":"2.0","id":2,"result":{}}\n\n',
    ['1'],
  ],
  'an event behind a letter beyond ASCII': ['\xe9\ndata: {"jsonrpc":"2.0","id":2,"result":{}}\n\n', ['1']],
  'an event behind a number': ['1\n\ndata: {"jsonrpc":"2.0","id":2,"result":{}}\n\n', ['1']],
  'an event without its end': ['data: {"jsonrpc":"2.0","id":2,"result":{}}', ['1']],
  'the second event': [
    'data: {"jsonrpc":"2.0","id":1,"result":{}}\n\ndata: {"jsonrpc":"2.0","id":2,"result":{}}\n\n',
    ['1'],
  ],
  'an event in several lines': [
    'data: {"jsonrpc":"2.0",\r\ndata: "id":\r\ndata: 2,"result":{}}\r\n\r\n',
    ['1'],
  ],
  'an id of 100,000 characters': [`{"jsonrpc":"2.0","id":"${'a'.repeat(100_000)}","result":{}}`, ['"a"']],
};

const saysNothing: Readonly<Record<string, Row>> = {
  nothing: ['', ['1']],
  'a response, to a notification': ['{"jsonrpc":"2.0","id":1,"result":{}}', []],
  HTML: ['<html>{"jsonrpc":"2.0","id":2,"result":{}}</html>', ['1']],
  'plain text': ['Not Found: {"id":2,"result":{}}', ['1']],
  'compressed bytes': ['\x1f\x8b\x08{"id":2,"result":{}}', ['1']],
  'JSON of another kind': ['{"answer":"x","id":2}', ['1']],
  'a result without id that is no JSON-RPC': ['{"result":2}', ['1']],
  'a request of the server with the same id': ['{"jsonrpc":"2.0","id":1,"method":"ping"}', ['1']],
  'a request of the server with another id': ['data: {"jsonrpc":"2.0","id":2,"method":"ping"}\n\n', ['1']],
  'one response of two': ['[{"jsonrpc":"2.0","id":1,"result":{}}]', ['1', '2']],
  'half a response': ['{"jsonrpc":"2.0","id":1,"res', ['1']],
  'half a message of another': ['{"jsonrpc":"2.0","id":2,"res', ['1']],
  'a comment': [': {"jsonrpc":"2.0","id":2,"result":{}}\n\n', ['1']],
  'another field': ['id: {"jsonrpc":"2.0","id":2,"result":{}}\n\n', ['1']],
  'a field whose name begins alike': ['datas: {"jsonrpc":"2.0","id":2,"result":{}}\n\n', ['1']],
};

describe('an answer is for the request that it was sent on', () => {
  for (const [name, [answer, awaited]] of Object.entries(own))
    it(name, () => assert.deepEqual(readBothWays(answer, awaited), OWN));
});

describe('an answer is for another request', () => {
  for (const [name, [answer, awaited]] of Object.entries(foreign))
    it(name, () => assert.equal(readBothWays(answer, awaited).isOwn, false));
});

describe('an answer does not say which request it is for', () => {
  for (const [name, [answer, awaited]] of Object.entries(saysNothing))
    it(name, () => assert.deepEqual(readBothWays(answer, awaited), OPEN));
});

describe('any answer', () => {
  const id = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), anyText());
  const message = fc.record(
    {
      jsonrpc: fc.constant('2.0'),
      id,
      result: fc.jsonValue(),
      error: fc.constant({ code: 1 }),
      method: fc.string(),
    },
    { requiredKeys: ['id'] },
  );
  const shuffled = message.chain((value) =>
    fc
      .shuffledSubarray(Object.entries(value), { minLength: Object.keys(value).length })
      .map(Object.fromEntries),
  );
  const cuts = fc.array(fc.nat(400), { maxLength: 20 });

  function inPieces(text: string, at: readonly number[]): string[] {
    const positions = [...at.map((each) => each % (text.length + 1)), 0, text.length].sort((a, b) => a - b);
    return positions.slice(1).map((end, index) => text.slice(positions[index], end));
  }

  it('is read as JSON.parse reads it, in any pieces, plain or as an event', () => {
    const sample = fc.tuple(shuffled, id, fc.boolean(), fc.constantFrom(undefined, 1), fc.boolean(), cuts);
    fc.assert(
      fc.property(sample, ([value, awaited, isSame, indent, isEvent, at]) => {
        const json = JSON.stringify(value, undefined, indent);
        const body = isEvent ? `data: ${json.replaceAll('\n', '\ndata:')}\n\n` : json;
        const { id: answered, ...members } = JSON.parse(json) as Record<string, unknown>;
        const expected = JSON.stringify(isSame ? answered : awaited);
        const isResponse = members.result !== undefined || members.error !== undefined;
        const isEqual = JSON.stringify(answered) === expected;
        const wire = Buffer.from(body).toString('latin1');
        assert.deepEqual(read(inPieces(wire, at), [expected]), {
          isOwn: !isResponse || isEqual,
          isComplete: isResponse && isEqual,
        });
      }),
      { numRuns: 3_000 },
    );
  });

  it('of any bytes is read without an error, and the same in any pieces', () => {
    const bytes = fc.array(fc.constantFrom(...'{}[]":,\\ \n\rdataidresult12nul'), { maxLength: 200 });
    fc.assert(
      fc.property(bytes, cuts, (characters, at) => {
        const text = `{${characters.join('')}`;
        const events = `data:${characters.join('')}`;
        for (const each of [text, events])
          assert.deepEqual(read(inPieces(each, at), ['1']), read([each], ['1']));
      }),
      { numRuns: 3_000 },
    );
  });
});
