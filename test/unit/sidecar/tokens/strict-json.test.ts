// JSON as a security decision needs it: what two parsers could read differently is no object.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseObject } from '../../../../src/sidecar/tokens/strict-json.ts';
import { anyText } from '../../../kit/text.ts';

const parse = (text: string | Uint8Array) => parseObject(typeof text === 'string' ? Buffer.from(text) : text);

describe('accepted', () => {
  const cases: Record<string, string> = {
    empty: '{}',
    'blanks around everything': ' \t\r\n{ "a" : 1 , "b" : [ ] } \n',
    'one name at two levels': '{"a":{"a":1},"b":{"a":2}}',
    'one name in two objects of a list': '[{"a":1},{"a":2}]'.replace(/^/, '{"x":').replace(/$/, '}'),
    'a value that looks like a member': '{"a":"\\"b\\":1,\\"b\\":2","c":"a"}',
    'a value equal to a name': '{"a":"a","b":"b"}',
    'braces and backslashes in strings': '{"a":"}{][\\\\","b":"\\\\\\""}',
    'names that differ by case': '{"a":1,"A":2}',
    '__proto__ as a plain member': '{"__proto__":{"scope":"x"}}',
  };
  for (const [name, text] of Object.entries(cases)) {
    it(name, () => assert.deepEqual(parse(text), JSON.parse(text)));
  }

  it('__proto__ changes nothing', () => {
    const value = parse('{"__proto__":{"scope":"x"}}');
    assert.equal(value?.scope, undefined);
    assert.equal(({} as Record<string, unknown>).scope, undefined);
  });
});

describe('refused', () => {
  const cases: Record<string, string | Uint8Array> = {
    nothing: '',
    'a list': '[]',
    'a string': '"a"',
    'a number': '1',
    null: 'null',
    'a member twice': '{"a":1,"a":2}',
    'a member twice, the same value': '{"a":1,"a":1}',
    'a member twice, apart': '{"a":1,"b":2,"c":{"d":[1,2]},"a":3}',
    'a member twice, once escaped': '{"a":1,"\\u0061":2}',
    'a member twice, escaped in two ways': '{"\\u002f":1,"\\/":2}',
    'a member twice, blanks before the colon': '{"a" :1,"a"\t\n\r:2}',
    'a member twice, empty name': '{"":1,"":2}',
    'a member twice, __proto__': '{"__proto__":1,"__proto__":2}',
    'a member twice, in an object in a list': '{"a":[1,{"b":1,"b":2}]}',
    'a member twice, after a list': '{"a":1,"b":[{"c":1}],"a":2}',
    'a member twice, name with a quotation mark': '{"a\\"":1,"a\\"":2}',
    'a member twice, half surrogates': '{"\\ud800":1,"\\uD800":2}',
    'byte order mark': '\uFEFF{}',
    'UTF-16': Buffer.from('{}', 'utf16le'),
    'not UTF-8': Buffer.from('{"a":"\xe9"}', 'latin1'),
    'overlong UTF-8': Buffer.from([0x7b, 0x22, 0xc1, 0xa1, 0x22, 0x3a, 0x31, 0x7d]),
    'surrogates in UTF-8': Buffer.from([0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d]),
    'text after the object': '{}{}',
    'a NUL after the object': '{}\0',
    'a comment': '{/**/}',
    'a comma too many': '{"a":1,}',
    NaN: '{"a":NaN}',
    'a control character in a string': '{"a":"\n"}',
    'nested deeper than 64': `${'{"a":'.repeat(65)}1${'}'.repeat(65)}`,
    'lists nested deeper than 64': `{"a":${'['.repeat(64)}${']'.repeat(64)}}`,
    'nested deep enough to end the process': '{"a":'.repeat(100_000),
  };
  for (const [name, text] of Object.entries(cases)) {
    it(name, () => assert.equal(parse(text), undefined));
  }
});

describe('for any JSON object', () => {
  const object = fc.dictionary(anyText(), fc.jsonValue());

  it('the value is that of JSON.parse', () => {
    fc.assert(
      fc.property(object, (value) => {
        const text = JSON.stringify(value);
        assert.deepEqual(parse(text), JSON.parse(text));
      }),
    );
  });

  it('a member that is there twice, however it is escaped, makes it none', () => {
    const escaped = (name: string) =>
      Array.from(
        { length: name.length },
        (_, i) => `\\u${name.charCodeAt(i).toString(16).padStart(4, '0')}`,
      ).join('');
    fc.assert(
      fc.property(object, fc.string(), fc.boolean(), (value, name, last) => {
        const members = { ...value, [name]: 1 };
        const text = JSON.stringify(members);
        const extra = `"${escaped(name)}":2`;
        const twice = last ? `${text.slice(0, -1)},${extra}}` : `{${extra},${text.slice(1)}`;
        assert.equal(parse(twice), undefined);
      }),
    );
  });
});
