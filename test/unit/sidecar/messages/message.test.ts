// Bodies and what is read out of them: one row a rule, refused ones first.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readBody, type Message } from '../../../../src/sidecar/messages/message.ts';
import { processorMs } from '../../../kit/processor-time.ts';

const VERSION = '"io.modelcontextprotocol/protocolVersion":"2026-07-28"';
const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
/** A call whose `arguments` begin at level 3, so that `inner` may bring `levels - 3` of its own. */
const callWith = (inner: string) =>
  `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"a","arguments":{"x":${inner}}}}`;

type Body = string | Buffer;
interface Refused {
  readonly code: number;
  readonly id?: string;
}

const PARSE = { code: -32700 };
const INVALID = (id?: string): Refused => ({ code: -32600, ...(id !== undefined && { id }) });
const PARAMS = (id?: string): Refused => ({ code: -32602, ...(id !== undefined && { id }) });

/** A request with id 7 whose members after it are `rest`. */
const request = (rest: string) => `{"jsonrpc":"2.0","id":7,${rest}}`;
const call = (params: string) => request(`"method":"tools/call","params":{${params}}`);

const refused: Record<string, Record<string, [body: Body, error: Refused]>> = {
  'not one JSON value (D13)': {
    'an empty body': ['', PARSE],
    'blanks only': [' \r\n\t', PARSE],
    'half a value': ['{', PARSE],
    'an open string': ['{"jsonrpc":"2.0', PARSE],
    'an open string that ends with a backslash': ['{"a\\', PARSE],
    'two values': ['{}{}', PARSE],
    'two values on two lines': ['{}\n{}', PARSE],
    'a value and a NUL': ['{}\0', PARSE],
    'a comment': ['{/* */}', PARSE],
    'a line comment': ['{} // x', PARSE],
    'a comma at the end': ['{"jsonrpc":"2.0",}', PARSE],
    'single quotes': ["{'jsonrpc':'2.0'}", PARSE],
    'a name without quotes': ['{jsonrpc:"2.0"}', PARSE],
    NaN: [request('"method":"a","params":{"x":NaN}'), PARSE],
    Infinity: [request('"method":"a","params":{"x":Infinity}'), PARSE],
    'a hexadecimal number': [request('"method":"a","params":{"x":0x10}'), PARSE],
    'a number with a leading zero': ['{"jsonrpc":"2.0","id":01,"method":"a"}', PARSE],
    'a control character in a string': [request('"method":"a\u0001"'), PARSE],
    'a line end in a string': [request('"method":"a\n"'), PARSE],
    'an escape that there is not': [request('"method":"\\x61"'), PARSE],
    'a form': ['access_token=x', PARSE],
    'a closed bracket alone': ['}', PARSE],
    'brackets that do not match': ['[}', PARSE],
  },
  'not UTF-8 (E6)': {
    'a byte order mark': [Buffer.from('\uFEFF{"jsonrpc":"2.0","id":7,"method":"ping"}'), PARSE],
    'UTF-16, little endian': [Buffer.from(request('"method":"ping"'), 'utf16le'), PARSE],
    'UTF-16 with its mark': [Buffer.from('\uFEFF{}', 'utf16le'), PARSE],
    'a byte that begins nothing': [Buffer.from(request('"method":"a\xff"'), 'latin1'), PARSE],
    'Latin-1': [Buffer.from(request('"method":"\xe9"'), 'latin1'), PARSE],
    'an overlong slash': [Buffer.from(request('"method":"tools\xc0\xafcall"'), 'latin1'), PARSE],
    'a surrogate in bytes': [Buffer.from(request('"method":"\xed\xa0\x80"'), 'latin1'), PARSE],
    'a character cut off at the end': [Buffer.from('"\xe2\x82', 'latin1'), PARSE],
  },
  'not a message': {
    'a string': ['"x"', INVALID()],
    'a number': ['1', INVALID()],
    null: ['null', INVALID()],
    true: ['true', INVALID()],
    'an empty object': ['{}', INVALID()],
    'no jsonrpc': ['{"id":7,"method":"ping"}', INVALID('7')],
    'jsonrpc 1.0': ['{"jsonrpc":"1.0","id":7,"method":"ping"}', INVALID('7')],
    'jsonrpc as a number': ['{"jsonrpc":2.0,"id":7,"method":"ping"}', INVALID('7')],
    'neither method nor result': ['{"jsonrpc":"2.0","id":7}', INVALID('7')],
    'a method and a result': [request('"method":"ping","result":{}'), INVALID('7')],
    'a method and an error': [request('"method":"ping","error":{}'), INVALID('7')],
    'a result and an error': [request('"result":{},"error":{}'), INVALID('7')],
    'a result and params': [request('"result":{},"params":{}'), INVALID('7')],
    'a result without id': ['{"jsonrpc":"2.0","result":{}}', INVALID()],
  },
  'an id of a wrong type': {
    null: ['{"jsonrpc":"2.0","id":null,"method":"ping"}', INVALID()],
    true: ['{"jsonrpc":"2.0","id":true,"method":"ping"}', INVALID()],
    'an object': ['{"jsonrpc":"2.0","id":{},"method":"ping"}', INVALID()],
    'an array': ['{"jsonrpc":"2.0","id":[1],"method":"ping"}', INVALID()],
    'a number beyond all': ['{"jsonrpc":"2.0","id":1e400,"method":"ping"}', INVALID()],
    'a lone surrogate': ['{"jsonrpc":"2.0","id":"\\ud800","method":"ping"}', INVALID()],
  },
  'a member twice (E3)': {
    method: [request('"method":"tools/list","method":"tools/call"'), INVALID()],
    'method, the second escaped': [request('"method":"tools/list","m\\u0065thod":"tools/call"'), INVALID()],
    'method, twice the same': [request('"method":"ping","method":"ping"'), INVALID()],
    id: ['{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', INVALID()],
    jsonrpc: ['{"jsonrpc":"2.0","jsonrpc":"2.0","id":7,"method":"ping"}', INVALID()],
    params: [request('"method":"a","params":{"name":"x"},"params":{"name":"y"}'), INVALID()],
    'params, the second escaped': [
      request('"method":"a","params":{},"par\\u0061ms":{"name":"y"}'),
      INVALID(),
    ],
    'params, the second empty': [request('"method":"a","params":{"name":"x"},"params":{}'), INVALID()],
    'an unknown member of the message': [request('"method":"a","x":1,"x":2'), INVALID()],
    result: [request('"result":{},"result":{}'), INVALID()],
    'params.name': [call('"name":"read_file","name":"write_file"'), INVALID('7')],
    'params.name, the second escaped': [call('"name":"a","\\u006eame":"b"'), INVALID('7')],
    'params.name, in params spelled with an escape': [
      request('"method":"tools/call","p\\u0061rams":{"name":"a","name":"b"}'),
      INVALID('7'),
    ],
    'params.name of another method': [
      request('"method":"x/y","params":{"name":"a","name":"b"}'),
      INVALID('7'),
    ],
    'params.uri': [request('"method":"resources/read","params":{"uri":"a:","uri":"b:"}'), INVALID('7')],
    'params.taskId': [request('"method":"tasks/get","params":{"taskId":"1","taskId":"2"}'), INVALID('7')],
    'params.arguments': [call('"name":"a","arguments":{},"arguments":{}'), INVALID('7')],
    'params._meta': [call('"name":"a","_meta":{},"_meta":{}'), INVALID('7')],
    'params._meta, the second escaped': [call('"name":"a","_meta":{},"\\u005fmeta":{}'), INVALID('7')],
    'the version in params._meta': [call(`"name":"a","_meta":{${VERSION},${VERSION}}`), INVALID('7')],
    'the version, the second escaped': [
      call(`"name":"a","_meta":{${VERSION},"\\u0069o.modelcontextprotocol/protocolVersion":"2025-11-25"}`),
      INVALID('7'),
    ],
    'the version, in _meta spelled with an escape': [
      call(`"name":"a","_\\u006deta":{${VERSION},${VERSION}}`),
      INVALID('7'),
    ],
    'params.__proto__': [call('"name":"a","__proto__":{},"__proto__":{}'), INVALID('7')],
    'params.ref.name': [
      request('"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"a","name":"b"}}'),
      INVALID('7'),
    ],
    'params.notifications.resourceSubscriptions': [
      request(
        '"method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":[],"resourceSubscriptions":["a:"]}}',
      ),
      INVALID('7'),
    ],
    'behind a string full of brackets': [
      request('"x":"{[\\"}]:","method":"a","params":{"a":"\\\\","name":"x","name":"y"}'),
      INVALID('7'),
    ],
  },
  'a member that differs from one of MCP by case only (E4)': {
    Method: [request('"method":"tools/list","Method":"tools/call"'), INVALID()],
    'METHOD, alone': [request('"METHOD":"tools/call"'), INVALID()],
    Id: ['{"jsonrpc":"2.0","id":7,"Id":8,"method":"ping"}', INVALID()],
    JSONRPC: [request('"method":"ping","JSONRPC":"2.0"'), INVALID()],
    Params: [request('"method":"tools/call","params":{"name":"a"},"Params":{"name":"b"}'), INVALID()],
    'paramſ, with a long s': [request('"method":"tools/call","params":{"name":"a"},"paramſ":{}'), INVALID()],
    'jſonrpc, escaped': [request('"method":"ping","j\\u017fonrpc":"2.0"'), INVALID()],
    Result: [request('"result":{},"Result":{}'), INVALID()],
    'params.Name': [call('"name":"read_file","Name":"write_file"'), INVALID('7')],
    'params.NAME, alone': [call('"NAME":"write_file"'), INVALID('7')],
    'params.Name, escaped': [call('"name":"a","\\u004eame":"b"'), INVALID('7')],
    'params.Uri': [request('"method":"resources/read","params":{"uri":"a:","Uri":"b:"}'), INVALID('7')],
    'params.taskID': [request('"method":"tasks/get","params":{"taskId":"1","taskID":"2"}'), INVALID('7')],
    'params.taſkId': [request('"method":"tasks/get","params":{"taskId":"1","taſkId":"2"}'), INVALID('7')],
    'params.taskId with a Kelvin sign': [
      request('"method":"tasks/get","params":{"taskId":"1","tas\u212aId":"2"}'),
      INVALID('7'),
    ],
    'params.Arguments': [call('"name":"a","Arguments":{}'), INVALID('7')],
    'params._META': [call('"name":"a","_META":{}'), INVALID('7')],
    'the version in params._meta': [
      call('"name":"a","_meta":{"io.modelcontextprotocol/protocolversion":"2026-07-28"}'),
      INVALID('7'),
    ],
    'the version, its prefix': [
      call('"name":"a","_meta":{"IO.modelcontextprotocol/protocolVersion":"2026-07-28"}'),
      INVALID('7'),
    ],
    'params._meta.ProgressToken': [call('"name":"a","_meta":{"ProgressToken":1}'), INVALID('7')],
    'params.ref.Name': [
      request('"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"a","Name":"b"}}'),
      INVALID('7'),
    ],
    'params.notifications.ResourceSubscriptions': [
      request('"method":"subscriptions/listen","params":{"notifications":{"ResourceSubscriptions":[]}}'),
      INVALID('7'),
    ],
  },
  'a lone surrogate where decisions are made (E6)': {
    method: [request('"method":"a\\ud800"'), PARAMS('7')],
    'params.name': [call('"name":"a\\udfff"'), PARAMS('7')],
    'params.name, two low ones': [call('"name":"\\udc00\\udc00"'), PARAMS('7')],
    'params.uri': [request('"method":"resources/read","params":{"uri":"a:\\ud83d"}'), PARAMS('7')],
    'the version': [
      call('"name":"a","_meta":{"io.modelcontextprotocol/protocolVersion":"\\ud800"}'),
      PARAMS('7'),
    ],
    'the name of a member': [call('"name":"a","x\\ud800":1'), INVALID('7')],
    'a resource to subscribe to': [
      request(
        '"method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":["\\ud800"]}}',
      ),
      PARAMS('7'),
    ],
  },
  'too deep (E6)': {
    'arrays, 65 levels': [callWith(nested(62)), INVALID()],
    'objects, 65 levels': [callWith('{"a":'.repeat(62) + '1' + '}'.repeat(62)), INVALID()],
    'a batch whose messages are deep': [`[${callWith(nested(61))}]`, INVALID()],
    'only brackets': [nested(100_000), INVALID()],
    'only brackets, never closed': ['['.repeat(100_000), INVALID()],
  },
  'a wrong type where decisions are made (E7)': {
    'method: a number': [request('"method":1'), PARAMS('7')],
    'method: null': [request('"method":null'), PARAMS('7')],
    'method: an array': [request('"method":["tools/call"]'), PARAMS('7')],
    'method: an object': [request('"method":{"a":1}'), PARAMS('7')],
    'params: an array': [request('"method":"tools/call","params":["write_file"]'), PARAMS('7')],
    'params: a string': [request('"method":"tools/list","params":"x"'), PARAMS('7')],
    'params: null': [request('"method":"tools/list","params":null'), PARAMS('7')],
    'tools/call without params': [request('"method":"tools/call"'), PARAMS('7')],
    'tools/call without a name': [call('"arguments":{}'), PARAMS('7')],
    'name: an array': [call('"name":["write_file"]'), PARAMS('7')],
    'name: an object': [call('"name":{"toString":"write_file"}'), PARAMS('7')],
    'name: a number': [call('"name":1'), PARAMS('7')],
    'name: null': [call('"name":null'), PARAMS('7')],
    'name: inherited only': [call('"__proto__":{"name":"write_file"}'), PARAMS('7')],
    'prompts/get without a name': [request('"method":"prompts/get","params":{}'), PARAMS('7')],
    'resources/read without a uri': [request('"method":"resources/read","params":{"name":"a"}'), PARAMS('7')],
    'uri: an array': [request('"method":"resources/read","params":{"uri":["a:"]}'), PARAMS('7')],
    'resources/subscribe without a uri': [request('"method":"resources/subscribe","params":{}'), PARAMS('7')],
    'resources/unsubscribe without params': [request('"method":"resources/unsubscribe"'), PARAMS('7')],
    'a modern resources/subscribe, uri: null': [
      request(`"method":"resources/subscribe","params":{"uri":null,"_meta":{${VERSION}}}`),
      PARAMS('7'),
    ],
    'a modern resources/subscribe, uri: an array': [
      request(`"method":"resources/subscribe","params":{"uri":["a:"],"_meta":{${VERSION}}}`),
      PARAMS('7'),
    ],
    'a modern resources/read without a uri': [
      request(`"method":"resources/read","params":{"_meta":{${VERSION}}}`),
      PARAMS('7'),
    ],
    'tasks/get without a taskId': [request('"method":"tasks/get","params":{}'), PARAMS('7')],
    'tasks/cancel, taskId a number': [request('"method":"tasks/cancel","params":{"taskId":1}'), PARAMS('7')],
    'tasks/result without a taskId': [request('"method":"tasks/result","params":{}'), PARAMS('7')],
    'tasks/update without a taskId': [request('"method":"tasks/update","params":{}'), PARAMS('7')],
    '_meta: an array': [call('"name":"a","_meta":[]'), PARAMS('7')],
    '_meta: a string': [call('"name":"a","_meta":"x"'), PARAMS('7')],
    '_meta: null': [call('"name":"a","_meta":null'), PARAMS('7')],
    'the version: a number': [
      call('"name":"a","_meta":{"io.modelcontextprotocol/protocolVersion":20260728}'),
      PARAMS('7'),
    ],
    'the version: null': [
      call('"name":"a","_meta":{"io.modelcontextprotocol/protocolVersion":null}'),
      PARAMS('7'),
    ],
    'a completion without a ref': [request('"method":"completion/complete","params":{}'), PARAMS('7')],
    'a completion whose ref is a string': [
      request('"method":"completion/complete","params":{"ref":"ref/prompt"}'),
      PARAMS('7'),
    ],
    'a completion whose name is an array': [
      request('"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":["a"]}}'),
      PARAMS('7'),
    ],
    'a subscription to a string': [
      request('"method":"subscriptions/listen","params":{"notifications":"all"}'),
      PARAMS('7'),
    ],
    'a subscription to a resource that is no string': [
      request(
        '"method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":["a:",1]}}',
      ),
      PARAMS('7'),
    ],
    'a notification whose params are an array': [
      '{"jsonrpc":"2.0","method":"notifications/cancelled","params":[]}',
      PARAMS(),
    ],
  },
  'a batch that is none (D27)': {
    'an empty one': ['[]', INVALID()],
    'an empty one with blanks': [' [ ] ', INVALID()],
    'one in another': [`[[${request('"method":"ping"')}]]`, INVALID()],
    'one with a number in it': [`[${request('"method":"ping"')},1]`, INVALID()],
    'one with null in it': [`[null,${request('"method":"ping"')}]`, INVALID()],
    'more than 100 messages': [`[${Array(101).fill(request('"method":"ping"')).join()}]`, INVALID()],
    'one with a modern message': [
      `[${request('"method":"ping"')},${call(`"name":"a","_meta":{${VERSION}}`)}]`,
      INVALID(),
    ],
    'one with initialize': [`[${request('"method":"initialize","params":{}')}]`, INVALID()],
    'one whose second message has a member twice': [
      `[${request('"method":"ping"')},${request('"method":"a","method":"b"')}]`,
      INVALID(),
    ],
    'one whose second message has a name twice': [
      `[${call('"name":"a"')},${call('"name":"a","name":"b"')}]`,
      INVALID(),
    ],
    'one with a wrong type': [`[${call('"name":"a"')},${call('"name":1')}]`, PARAMS()],
    'one with an ambiguous response': [`[{"jsonrpc":"2.0","id":1,"result":{},"Result":{}}]`, INVALID()],
  },
};

for (const [group, rows] of Object.entries(refused)) {
  describe(`refused: ${group}`, () => {
    for (const [name, [body, { code, id }]] of Object.entries(rows)) {
      it(name, () => {
        const reading = readBody(typeof body === 'string' ? Buffer.from(body) : body);
        assert.ok(!reading.ok, 'it was accepted');
        assert.equal(reading.error.code, code, reading.error.reason);
        assert.equal(reading.error.id, id);
        assert.match(reading.error.reason, /^[a-z][a-zA-Z0-9_]+$/);
      });
    }
  });
}

const base = { id: '7', name: undefined, params: undefined, version: undefined };
const accepted: Record<string, [body: Body, message: Partial<Message>]> = {
  'a request': [request('"method":"ping"'), { ...base, kind: 'request', method: 'ping' }],
  'with blanks everywhere': [
    ' \r\n{ "jsonrpc" : "2.0" ,\t"id" : 7 , "method" : "ping" } \n',
    { ...base, kind: 'request', method: 'ping' },
  ],
  'a notification': [
    '{"jsonrpc":"2.0","method":"notifications/initialized"}',
    { ...base, id: undefined, kind: 'notification', method: 'notifications/initialized' },
  ],
  'a response': [request('"result":{"a":1}'), { ...base, kind: 'response', method: '' }],
  'an error of the client': [request('"error":{"code":1,"message":"x"}'), { kind: 'response' }],
  'an error without id': ['{"jsonrpc":"2.0","error":{"code":1}}', { kind: 'response', id: undefined }],
  'a tool call': [call('"name":"a","arguments":{"b":1}'), { method: 'tools/call', name: 'a' }],
  'a method with an escape is that method': [
    request('"method":"\\u0074ools/call","params":{"name":"wr\\u0069te"}'),
    { method: 'tools/call', name: 'write' },
  ],
  'members with escapes are those members': [
    '{"jsonr\\u0070c":"2.0","\\u0069d":7,"\\u006dethod":"tools/call","param\\u0073":{"nam\\u0065":"a"}}',
    { method: 'tools/call', name: 'a', id: '7' },
  ],
  'a ligature is not its letters': [call('"name":"\uFB01le"'), { name: '\uFB01le' }],
  'no normalization': [call('"name":"e\u0301"'), { name: 'e\u0301' }],
  'a pair of surrogates is a character': [call('"name":"\\ud83d\\ude00"'), { name: '\u{1F600}' }],
  'a resource': [request('"method":"resources/read","params":{"uri":"file:///a"}'), { name: 'file:///a' }],
  'a task': [request('"method":"tasks/get","params":{"taskId":"t1"}'), { name: 't1' }],
  'the name of a method that has none': [
    request('"method":"x/y","params":{"name":"a"}'),
    { name: undefined },
  ],
  'a name that is empty': [call('"name":""'), { name: '' }],
  ...Object.fromEntries(
    ['resources/subscribe', 'resources/unsubscribe', 'tasks/result'].map((method) => [
      `a modern ${method} that names nothing: its revision does not have it`,
      [
        request(`"method":"${method}","params":{"_meta":{${VERSION}}}`),
        { method, name: undefined, version: '2026-07-28' },
      ],
    ]),
  ),
  'a modern call': [call(`"name":"a","_meta":{${VERSION}}`), { version: '2026-07-28' }],
  'a member twice in arguments: not ours': [
    call('"name":"a","arguments":{"b":1,"b":2,"B":3}'),
    { name: 'a' },
  ],
  'names of MCP in arguments: not ours': [
    call('"name":"a","arguments":{"Name":1,"name":2,"name":3,"_meta":{"x":1,"x":2},"params":{"a":1,"a":2}}'),
    { name: 'a' },
  ],
  'a lone surrogate in arguments: not ours': [call('"name":"a","arguments":{"b":"\\ud800"}'), { name: 'a' }],
  'a member twice in a result: not ours': [
    request('"result":{"a":1,"a":2,"Method":3}'),
    { kind: 'response' },
  ],
  'a member twice in the elicitation of a result: not ours': [
    request('"result":{"_meta":{"a":1,"a":1},"content":[{"b":1,"b":1}]}'),
    { kind: 'response' },
  ],
  'arrays of objects in params: not ours': [
    request('"method":"x/y","params":{"list":[{"a":1,"a":2},[{"_meta":{"b":1,"b":2}}]]}'),
    { method: 'x/y' },
  ],
  '64 levels': [callWith(nested(61)), { name: 'a' }],
  'brackets in strings are no levels': [callWith(`"${'[{'.repeat(1000)}"`), { name: 'a' }],
  'backslashes at the end of a string': [callWith('"\\\\\\\\","y":"\\\\\\"}"'), { name: 'a' }],
  'characters of two, three and four bytes': [
    call('"name":"\u00e9\u20ac\u{1F600}"'),
    { name: '\u00e9\u20ac\u{1F600}' },
  ],
  'unknown members': [request('"method":"a","x":{},"nested":{"jsonrpc":1}'), { method: 'a' }],
  '__proto__ has no effect': [
    request('"method":"tools/list","params":{"__proto__":{"name":"x"}},"__proto__":{"method":"y"}'),
    { method: 'tools/list', name: undefined },
  ],
  'members of Object.prototype as names': [
    request('"method":"constructor","params":{"toString":1,"hasOwnProperty":2}'),
    { method: 'constructor' },
  ],
  'a method that is empty': [request('"method":""'), { method: '' }],
  'empty params': [request('"method":"tools/list","params":{}'), { method: 'tools/list' }],
  'a completion': [
    request('"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"a"},"argument":{}}'),
    { method: 'completion/complete' },
  ],
  'a subscription': [
    request('"method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":["a:"]}}'),
    { method: 'subscriptions/listen' },
  ],
};

describe('accepted', () => {
  for (const [name, [body, expected]] of Object.entries(accepted)) {
    it(name, () => {
      const reading = readBody(typeof body === 'string' ? Buffer.from(body) : body);
      assert.ok(reading.ok, reading.ok ? '' : reading.error.reason);
      const [message, ...others] = reading.body.messages;
      assert.deepEqual(others, []);
      assert.ok(message);
      for (const [member, value] of Object.entries(expected))
        assert.deepEqual(message[member as keyof Message], value, member);
    });
  }

  it('a batch: every message, in order', () => {
    const reading = readBody(
      Buffer.from(`[${call('"name":"a"')},{"jsonrpc":"2.0","method":"b"},${request('"result":{}')}]`),
    );
    assert.ok(reading.ok);
    assert.equal(reading.body.isBatch, true);
    assert.deepEqual(
      reading.body.messages.map(({ kind, method, name }) => [kind, method, name]),
      [
        ['request', 'tools/call', 'a'],
        ['notification', 'b', undefined],
        ['response', '', undefined],
      ],
    );
  });

  it('a batch of 100', () => {
    assert.ok(readBody(Buffer.from(`[${Array(100).fill(request('"method":"ping"')).join()}]`)).ok);
  });
});

describe('the id is kept as it was written', () => {
  const ids: Record<string, string> = {
    '0': '0',
    '-1': '-1',
    '12345678901234567890': '12345678901234567890',
    '-9007199254740993': '-9007199254740993',
    '1.5': '1.5',
    '1e3': '1000',
    '1E400e': '',
    '"a"': '"a"',
    '"\\u0061\\n"': '"a\\n"',
    '"é"': '"é"',
    '""': '""',
  };
  for (const [written, kept] of Object.entries(ids)) {
    it(written, () => {
      const reading = readBody(Buffer.from(`{"jsonrpc":"2.0","id": ${written} ,"method":"ping"}`));
      if (kept === '') return assert.ok(!reading.ok);
      assert.ok(reading.ok);
      assert.equal(reading.body.messages[0]?.id, kept);
    });
  }

  it('in a error, unless it is very long', () => {
    const refusal = (id: string) => {
      const reading = readBody(Buffer.from(`{"jsonrpc":"2.0","id":${id},"method":1}`));
      assert.ok(!reading.ok);
      return reading.error.id;
    };
    assert.equal(refusal('12345678901234567890'), '12345678901234567890');
    assert.equal(refusal(`"${'a'.repeat(1000)}"`)?.length, 1002);
    assert.equal(refusal(`"${'a'.repeat(2000)}"`), undefined);
  });
});

it('takes time in proportion to the length, whatever the body', () => {
  const SIZE = 1_000_000;
  const bodies = [
    `{"${'\\\\'.repeat(SIZE)}":1}`,
    `{"a":"${'\\"'.repeat(SIZE)}"}`,
    '{"":{'.repeat(SIZE),
    `{"params":{${'"a\\u0061":{},'.repeat(SIZE / 10)}"z":1}}`,
    `[${'{},'.repeat(SIZE)}{}]`,
    '"'.repeat(SIZE),
    `{${' '.repeat(SIZE)}`,
    `{"id":1${' '.repeat(SIZE)}}`,
  ];
  for (const body of bodies) {
    const milliseconds = processorMs(() => readBody(Buffer.from(body)));
    assert.ok(milliseconds < 3_000, `${body.slice(0, 20)}: ${Math.round(milliseconds)} ms`);
  }
});
