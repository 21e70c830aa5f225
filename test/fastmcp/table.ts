// What was seen in each situation, as a table for people; and the page that holds it.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { parse } from 'yaml';

const page = join(import.meta.dirname, '../../docs/coming-from-fastmcp.md');

export interface Row {
  readonly situation: string;
  readonly withCode: string;
  readonly behindSidecar: string;
  /** Why they differ; undefined where they do not. */
  readonly why: string | undefined;
}

export interface Section {
  readonly title: string;
  readonly rows: readonly Row[];
}

export function table(sections: readonly Section[], version: string): string {
  const rows = sections.flatMap(({ title, rows }) => [
    line([`**${title}**`, '', '', '']),
    ...rows.map(rowLine),
  ]);
  const head = ['situation', `FastMCP ${version}, its own code`, 'the same server behind the sidecar', ''];
  return [line(head), line(head.map(() => '---')), ...rows].join('\n');
}

/** Whether the page has this row. */
export async function isOnPage(row: Row): Promise<boolean> {
  const plain = (text: string) => text.replace(/ +/g, ' ');
  return plain(await readPage()).includes(plain(rowLine(row)));
}

function rowLine({ situation, withCode, behindSidecar, why }: Row): string {
  return line([situation, withCode, why === undefined ? 'the same' : behindSidecar, why ?? '']);
}

function line(cells: readonly string[]): string {
  return `| ${cells.map(escape).join(' | ')} |`;
}

/** In a table of Markdown, `|` would begin a cell, in code too. */
function escape(text: string): string {
  return text.replaceAll('|', '\\|');
}

/** The page as it should be: each part between its two comments replaced, and formatted as all pages are. */
export async function pageWith(parts: Readonly<Record<string, string>>): Promise<string> {
  let text = await readPage();
  for (const [name, content] of Object.entries(parts)) {
    const between = new RegExp(`(<!-- ${name} -->)[\\s\\S]*?(<!-- end of ${name} -->)`);
    if (!between.test(text)) throw new Error(`${page} has no place for "${name}"`);
    text = text.replace(between, (_, begin: string, end: string) => `${begin}\n\n${content}\n\n${end}`);
  }
  return format(text, { ...(await resolveConfig(page)), parser: 'markdown' });
}

export function readPage(): Promise<string> {
  return readFile(page, 'utf8');
}

export function writePage(text: string): Promise<void> {
  return writeFile(page, text);
}

/** A file of this folder as a code block. */
export async function codeBlock(name: string, language: string): Promise<string> {
  const text = await readFile(join(import.meta.dirname, name), 'utf8');
  return `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``;
}

/** The resource that the page tells people to apply. */
export async function resourceOnPage(): Promise<unknown> {
  const yaml = /```yaml\n([\s\S]*?)```/.exec(await readPage())?.[1] ?? '';
  return parse(yaml);
}
