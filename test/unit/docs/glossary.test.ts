// One word a thing, one thing a word: the glossary does not contradict itself, and src/ has none of the words it
// bans. Whether code keeps to the rest is for reviewers.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readPage, root } from './markdown.ts';

const page = readPage('docs/glossary.md');
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| **'))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
const words = rows.map(([word = '']) => word.replaceAll('*', ''));

/** MCP and Kubernetes both have a message and a revision; the page says so. */
const TWICE = ['message', 'revision'];

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

/** What a form of the word has in common with the others, as in "judging" and `isJudged`. */
const stemOf = (word: string) => word.replace(/e$/, '');

/** The lines of a text that have one of the words, in any form and as a part of a name. */
function linesWith(words: readonly string[], text: string): string[] {
  const any = new RegExp(words.map(stemOf).join('|'), 'i');
  return text.split('\n').flatMap((line, index) => (any.test(line) ? [`${index + 1}: ${line.trim()}`] : []));
}

describe('the words that are not in src/', () => {
  const [, list = ''] = /^Not in `src\/` at all,[^:]*: ([^.]*)\./m.exec(page) ?? [];
  const banned = list.split(', ');

  it('are on the page', () => {
    assert.deepEqual(banned, ['judge', 'whoever', 'somebody', 'anybody', 'nobody']);
  });

  it('are found in comments, texts and names', () => {
    const text = "// until it is judged\nconst isJudged = 1;\n'Nobody asks'\nconst valid = 1;";
    assert.deepEqual(linesWith(banned, text), [
      '1: // until it is judged',
      '2: const isJudged = 1;',
      "3: 'Nobody asks'",
    ]);
  });

  it('are not in src/', () => {
    const files = globSync('src/**/*.ts', { cwd: root });
    assert.notEqual(files.length, 0);
    const found = files.flatMap((file) =>
      linesWith(banned, readFileSync(join(root, file), 'utf8')).map((line) => `${file}:${line}`),
    );
    assert.deepEqual(found, []);
  });
});
