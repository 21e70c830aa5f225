// What counts as an object and as text, and which bytes are UTF-8.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeUtf8, isFilledText, isObject, isWellFormedText } from '../../../src/protocol/json.ts';
import { decodeSecretValue, encodeSecretValue } from '../../../src/protocol/secret-data.ts';
import { anyText } from '../../kit/text.ts';

it('an object is no list, no null and no text', () => {
  assert.ok(isObject({}));
  for (const value of [null, [], '', 1, undefined]) assert.ok(!isObject(value));
});

it('text is filled, or well-formed, as the reader needs it', () => {
  assert.deepEqual(['a', '', 1, undefined].map(isFilledText), [true, false, false, false]);
  assert.deepEqual(['', '\u{1F600}', '\ud800', 1].map(isWellFormedText), [true, true, false, false]);
});

describe('UTF-8', () => {
  it('of every well-formed text is that text, a byte order mark included', () => {
    fc.assert(
      fc.property(anyText(), (text) => {
        assert.equal(decodeUtf8(Buffer.from(`\uFEFF${text}`)), `\uFEFF${text.toWellFormed()}`);
      }),
    );
  });

  it('is not guessed at', () => {
    for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82]])
      assert.equal(decodeUtf8(Uint8Array.from(bytes)), undefined);
  });
});

it('what a Secret holds is what was put into it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      assert.equal(decodeSecretValue(encodeSecretValue(text)), text);
    }),
  );
});
