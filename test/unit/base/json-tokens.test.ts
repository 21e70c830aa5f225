// The structure of JSON texts: the same as that of the value, and strings never taken for structure.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { JsonTokens, MAX_DEPTH } from '../../../src/base/json-tokens.ts';

/** All tokens of a text; a colon with the member's name. */
function tokensOf(text: string): string[] {
  const tokens = new JsonTokens(text);
  const found: string[] = [];
  for (;;) {
    const token = tokens.next();
    if (token === 'end' || token === 'too deep') return [...found, token];
    found.push(token === ':' ? `:${text.slice(tokens.stringStart, tokens.stringEnd)}` : token);
    assert.equal(text[tokens.at - 1], token[0]);
  }
}

/** The same from the value, by recursion. */
function structureOf(value: unknown): string[] {
  if (Array.isArray(value)) return ['[', ...value.flatMap(structureOf), ']'];
  if (typeof value !== 'object' || value === null) return [];
  const members = Object.entries(value).flatMap(([name, member]) => [
    `:${JSON.stringify(name).slice(1, -1)}`,
    ...structureOf(member),
  ]);
  return ['{', ...members, '}'];
}

describe('tokens of a JSON text', () => {
  it('are the structure of the value, whatever its strings hold', () => {
    const text = fc.oneof(fc.string(), fc.constantFrom('\\', '"', '\\"', '{', '}', '[', ']', ':', '\\\\"'));
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 5 }, text, fc.integer(), fc.array(tie('value')), tie('object')),
      object: fc.dictionary(text, tie('value')),
    }));
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 1), (any, space) => {
        assert.deepEqual(tokensOf(JSON.stringify(any, undefined, space)), [...structureOf(any), 'end']);
      }),
    );
  });

  it('end at the first level that is too deep', () => {
    assert.equal(tokensOf('['.repeat(MAX_DEPTH) + ']'.repeat(MAX_DEPTH)).at(-1), 'end');
    assert.deepEqual(tokensOf('['.repeat(1_000_000)), [...Array<string>(MAX_DEPTH).fill('['), 'too deep']);
  });

  for (const text of ['{"a', '{"a\\', '{"a\\"', '"']) {
    it(`end where a string is not closed: ${text}`, () => assert.equal(tokensOf(text).at(-1), 'end'));
  }
});
