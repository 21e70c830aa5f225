// The Markdown of this repository, as far as tests look at it: pages, links, headings, code. Renders nothing.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../../..');

/** Pages that people read, by their path in the repository. */
export const pages = globSync(
  [
    '*.md',
    '.github/*.md',
    'docs/**/*.md',
    'charts/*/README.md',
    'manifests/*/README.md',
    'test/conformance/*.md',
  ],
  { cwd: root },
).toSorted();

export function readPage(page: string): string {
  return readFileSync(join(root, page), 'utf8');
}

/** What is not code: links and headings inside of fences are examples. */
export function withoutFences(text: string): string {
  return text.replace(/^```.*?^```/gms, '');
}

/** Targets of links and images. */
export function links(text: string): string[] {
  const prose = withoutFences(text).replace(/`[^`\n]*`/g, '');
  const inline = [...prose.matchAll(/\]\(([^()\s]+)\)/g)].map(([, target = '']) => target);
  const references = [...prose.matchAll(/^\[[^\]]+\]:\s+(\S+)/gm)].map(([, target = '']) => target);
  return [...inline, ...references];
}

/** Fragments that lead to a heading, as GitHub makes them of its text. */
export function anchors(text: string): Set<string> {
  const headings = [...withoutFences(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => slug(heading));
  const seen = new Map<string, number>();
  return new Set(
    headings.map((name) => {
      const times = seen.get(name) ?? 0;
      seen.set(name, times + 1);
      return times === 0 ? name : `${name}-${times}`;
    }),
  );
}

function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');
}

/** Text between backticks, outside of fences. */
export function codeSpans(text: string): string[] {
  return [...withoutFences(text).matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
}

/** A heading of the given level and what stands under it, up to the next of that level or above. */
export function sections(text: string, level: number): Map<string, string> {
  const marks = '#'.repeat(level);
  const parts = text.split(new RegExp(`^${marks} `, 'm')).slice(1);
  return new Map(
    parts.map((part) => {
      const [title = '', ...body] = part.split('\n');
      const [own = ''] = body.join('\n').split(new RegExp(`^#{1,${level}} `, 'm'));
      return [title.trim(), own];
    }),
  );
}
