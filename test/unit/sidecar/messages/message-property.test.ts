// Mutated messages: nothing crashes, and whatever is accepted means to the next parser what it meant to us.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { readBody, type Message } from '../../../../src/sidecar/messages/message.ts';
import { parseObject } from '../../../../src/sidecar/tokens/strict-json.ts';

const good = [
  '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_file","arguments":{"a":[1,{"b":"c"}]}}}',
  '{"jsonrpc":"2.0","id":"x","method":"resources/read","params":{"uri":"file:///a","_meta":{"progressToken":1}}}',
  '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"\\u0061","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}',
  '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":0.5}}',
  '{"jsonrpc":"2.0","id":3,"result":{"content":[{"type":"text","text":"\u00e9\u{1F600}"}]}}',
  '[{"jsonrpc":"2.0","id":1,"method":"tools/list"},{"jsonrpc":"2.0","id":2,"method":"tasks/get","params":{"taskId":"t"}}]',
];

/** What attacks are made of. */
const pieces = [
  ...[
    '{',
    '}',
    '[',
    ']',
    '"',
    ':',
    ',',
    '\\',
    '\\u0061',
    '\\ud800',
    '\\"',
    '\u017f',
    '\ufeff',
    '\0',
    ' ',
    '\n',
  ],
  ...[
    '"name":"b",',
    '"Name":"b",',
    '"method":"x",',
    '"params":{},',
    '"_meta":{},',
    '"id":9,',
    '"jsonrpc":"2.0",',
  ],
  ...['null', '1e999', '12345678901234567890', '"__proto__":{"name":"x"},', '[[', ']]', '{}', '\xff'],
];

interface Mutation {
  readonly at: number;
  readonly remove: number;
  readonly insert: string;
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  remove: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(6)),
  insert: fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 3 })),
});

function mutate(text: string, mutations: readonly Mutation[]): string {
  return mutations.reduce((current, { at, remove, insert }) => {
    const position = Math.floor(at * current.length);
    return current.slice(0, position) + insert + current.slice(position + remove);
  }, text);
}

/** The name that the message acts on, as a reader without regard to case finds it. */
function looseName(value: unknown): unknown[] {
  const { params } = value as { params?: Record<string, unknown> };
  if (params === undefined) return [];
  return Object.entries(params)
    .filter(([member]) => ['name', 'uri', 'taskid'].includes(member.toUpperCase().toLowerCase()))
    .map(([, found]) => found);
}

function check(message: Message, value: unknown): void {
  if (message.kind === 'response') return;
  assert.equal((value as { method: unknown }).method, message.method);
  if (message.name !== undefined) assert.ok(looseName(value).includes(message.name));
}

it('mutated messages never crash, and one that is accepted has one reading', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...good),
      fc.array(mutation, { maxLength: 4 }),
      fc.constantFrom('utf8' as const, 'latin1' as const),
      (text, mutations, encoding) => {
        const mutated = mutate(text, mutations);
        const bytes = Buffer.from(mutated, encoding);
        const reading = readBody(bytes);
        if (!reading.ok) return assert.ok([-32700, -32600, -32602].includes(reading.error.code));
        const { messages, isBatch, latin1 } = reading.body;
        if (latin1 !== undefined) assert.ok(Buffer.from(latin1, 'latin1').equals(bytes), 'the same bytes');
        const value: unknown = JSON.parse(bytes.toString());
        const values = isBatch ? (value as unknown[]) : [value];
        assert.equal(values.length, messages.length);
        messages.forEach((message, i) => check(message, values[i]));
      },
    ),
    { numRuns: 20_000 },
  );
});

it('a member put in a second time is always found where decisions are made', () => {
  const names = ['jsonrpc', 'id', 'method', 'params', 'x'];
  const inParams = ['name', '_meta', 'arguments', 'y'];
  const value = fc.constantFrom('1', '"a"', '{}', '[]', '{"name":"z"}', 'null');
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(...names), value), { maxLength: 3 }),
      fc.array(fc.tuple(fc.constantFrom(...inParams), value), { maxLength: 3 }),
      (outer, inner) => {
        const members = (list: readonly (readonly [string, string])[]) =>
          list.map(([member, text]) => `,"${member}":${text}`).join('');
        const text = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a"${members(inner)}}${members(outer)}}`;
        const reading = readBody(Buffer.from(text));
        // The parser that looks for duplicates everywhere agrees wherever there is none within values.
        if (parseObject(Buffer.from(text)) === undefined) assert.ok(!reading.ok, text);
      },
    ),
    { numRuns: 5_000 },
  );
});
