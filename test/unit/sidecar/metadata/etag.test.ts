// Entity tags: equal for equal bytes only, and If-None-Match as RFC 9110 sections 8.8.3 and 13.1.2 have it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isNamedBy, taggedText } from '../../../../src/sidecar/metadata/etag.ts';
import { processorMs } from '../../../kit/processor-time.ts';

const document = taggedText('{"resource":"https://mcp.example.test/mcp"}');
const { tag } = document;

describe('a tag', () => {
  it('is a strong one, in quotes, of characters that need no escape', () => {
    assert.match(tag, /^"[A-Za-z0-9_-]{43}"$/);
  });

  it('is the same for the same text, and another for another', () => {
    assert.equal(taggedText(document.text).tag, tag);
    assert.notEqual(taggedText(`${document.text} `).tag, tag);
  });
});

describe('If-None-Match', () => {
  const matching = {
    'the tag': tag,
    'the tag as a weak one': `W/${tag}`,
    'the first of a list': `${tag}, "x"`,
    'the last of a list': `"x",W/"y" , ${tag}`,
    'after a tag with a comma': `"a,b", ${tag}`,
    'after a tag with high bytes': `"\u00e9", ${tag}`,
    'with empty elements': `, ,${tag},`,
    'with blanks around': `  ${tag}\t`,
    asterisk: '*',
    'asterisk with blanks': ' * ',
  };
  for (const [name, value] of Object.entries(matching)) {
    it(`names the document: ${name}`, () => assert.equal(isNamedBy(value, document), true));
  }

  const other = {
    absent: undefined,
    empty: '',
    another: '"x"',
    'without quotes': tag.slice(1, -1),
    'without the closing quote': tag.slice(0, -1),
    'longer by a character': `${tag.slice(0, -1)}x"`,
    'shorter by a character': `${tag.slice(0, -2)}"`,
    'with a blank inside': `" ${tag.slice(1)}`,
    'asterisk in quotes': '"*"',
    'asterisk beside a tag': '*, "x"',
    'two asterisks': '**',
  };
  for (const [name, value] of Object.entries(other)) {
    it(`does not name the document: ${name}`, () => assert.equal(isNamedBy(value, document), false));
  }

  it('takes a long field in no time', () => {
    const milliseconds = processorMs(() => {
      for (const part of ['"', '"a', 'W/', ', ', '"x" ']) {
        assert.equal(isNamedBy(part.repeat(16_384 / part.length), document), false);
      }
    });
    assert.ok(milliseconds < 500, `${milliseconds} ms`);
  });
});
