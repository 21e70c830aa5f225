// Puts a result between the markers in docs/performance.md.
import { readFileSync, writeFileSync } from 'node:fs';

const FILE = new URL('../docs/performance.md', import.meta.url);
const BEGIN = '<!-- bench: begin -->';
const END = '<!-- bench: end -->';

/** @throws Error when the markers are not there */
export function writeResult(result: string): void {
  const text = readFileSync(FILE, 'utf8');
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin)
    throw new Error(`docs/performance.md: the markers ${BEGIN} and ${END} are missing`);
  writeFileSync(FILE, `${text.slice(0, begin + BEGIN.length)}\n\n${result.trim()}\n\n${text.slice(end)}`);
}
