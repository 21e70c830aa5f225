// Links between the pages and files of this repository lead somewhere, headings included. Other sites are not asked.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { anchors, links, pages, readPage, root } from './markdown.ts';

/** The first thing that is wrong with a link, or none. */
function problemOf(page: string, link: string): string | undefined {
  if (/^[a-z]+:/.test(link)) return undefined;
  const [path = '', fragment] = link.split('#');
  const target = path === '' ? page : join(dirname(page), path);
  if (target.startsWith('..') || path.startsWith('/')) return `${link}: outside of the repository`;
  if (!existsSync(join(root, target))) return `${link}: no such file`;
  if (fragment === undefined || !target.endsWith('.md')) return undefined;
  return anchors(readPage(target)).has(fragment) ? undefined : `${link}: no such heading`;
}

describe('links lead to files and headings that exist', () => {
  for (const page of pages) {
    it(page, () => {
      const problems = links(readPage(page)).flatMap((link) => problemOf(page, link) ?? []);
      assert.deepEqual(problems, []);
    });
  }

  it('the pages that people come by are among them', () => {
    for (const page of ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'docs/architecture.md'])
      assert.ok(pages.includes(page), page);
  });
});

describe('a link is noticed that leads to', () => {
  for (const [name, link] of [
    ['no file', 'docs/no-such-page.md'],
    ['no heading', 'docs/architecture.md#no-such-heading'],
    ['no heading of its own page', '#no-such-heading'],
    ['a place outside', '../elsewhere.md'],
    ['an absolute path', '/docs/architecture.md'],
  ] as const)
    it(name, () => assert.notEqual(problemOf('README.md', link), undefined));
});
