// One word a thing, one thing a word: the glossary does not contradict itself. Whether code keeps to it is for reviewers.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readPage } from './markdown.ts';

const rows = readPage('docs/glossary.md')
  .split('\n')
  .filter((line) => line.startsWith('| **'))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
const words = rows.map(([word = '']) => word.replaceAll('*', ''));

/** MCP and Kubernetes both call something a message; the page says so. */
const TWICE = ['message'];

describe('the glossary', () => {
  it('has each word once', () => {
    const again = words.filter((word, index) => words.indexOf(word) !== index);
    assert.deepEqual(again, TWICE);
  });

  it('says of each what it is, where that comes from, and what else it is not called', () => {
    for (const row of rows) {
      assert.equal(row.length, 4, row[0]);
      for (const cell of row) assert.notEqual(cell, '', row[0]);
    }
  });

  it('forbids no word that it uses for another thing', () => {
    const forbidden = rows.flatMap(([word = '', , , not = '']) =>
      not.split(/[,.]/).map((other) => ({ word, other: other.replace(/\(.*/, '').trim() })),
    );
    assert.deepEqual(
      forbidden.filter(({ other }) => words.includes(other)),
      [],
    );
  });

  it('has the words that the code is made of', () => {
    for (const word of [
      'principal',
      'credential',
      'denial',
      'permit',
      'call',
      'session',
      'upstream',
      'issuer',
    ])
      assert.ok(words.includes(word), word);
  });
});
