// A reporter for node's test runner: how many lines of each room of src/ the tests run, and whether that is still enough.
// It sees the processes of the test files, and those they start that end by themselves. The sidecars of test/wire do not:
// most of the gateway and the proxy is seen in test/wire/fail-closed.test.ts alone, and shown by processes elsewhere.
import { globSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { relative, resolve } from 'node:path';
import type { TestEvent } from 'node:test/reporters';

/** Percent of lines that must be covered by room, a little below what they are. Raise one when a room got better. */
const LEAST: Readonly<Record<string, number>> = {
  'src/api': 98,
  'src/base': 92,
  'src/desired': 95,
  'src/echo': 0,
  'src/kube': 96,
  'src/local': 52,
  'src/operator': 90,
  'src/pki': 98,
  'src/protocol': 98,
  'src/realm': 68,
  'src/sidecar/authentication': 90,
  'src/sidecar/authorization': 98,
  'src/sidecar/config': 95,
  'src/sidecar/denial': 96,
  'src/sidecar/gateway': 86,
  'src/sidecar/http': 87,
  'src/sidecar/issuers': 96,
  'src/sidecar/limits': 95,
  'src/sidecar': 78,
  'src/sidecar/messages': 95,
  'src/sidecar/metadata': 95,
  'src/sidecar/observability': 95,
  'src/sidecar/proxy': 86,
  'src/sidecar/sessions': 88,
  'src/sidecar/tokens': 96,
};

const ROOT = resolve(import.meta.dirname, '..');
/** Folders whose subfolders are rooms of their own. */
const WITH_ROOMS = ['src/sidecar'];

interface Lines {
  covered: number;
  total: number;
}

/** Of `src/sidecar/http/memo.ts` it is `src/sidecar/http`. */
function roomOf(file: string): string {
  const folders = file.split('/').slice(0, -1);
  return folders.slice(0, WITH_ROOMS.includes(folders.slice(0, 2).join('/')) ? 3 : 2).join('/');
}

/** Files that no test has loaded have lines all the same, unless they hold nothing but types. */
function linesOfUnloaded(file: string): number {
  const source = readFileSync(resolve(ROOT, file), 'utf8');
  const code = stripTypeScriptTypes(source).replaceAll(/\/\*.*?\*\/|\/\/[^\n]*|export \{\s*\};?/gs, '');
  return code.trim() === '' ? 0 : source.split('\n').length;
}

/** The rooms by name. */
function byRoom(files: ReadonlyMap<string, Lines>): Map<string, Lines> {
  const rooms = new Map<string, Lines>();
  for (const file of globSync('src/**/*.ts', { cwd: ROOT }).toSorted()) {
    const { covered, total } = files.get(file) ?? { covered: 0, total: linesOfUnloaded(file) };
    const room = rooms.get(roomOf(file)) ?? { covered: 0, total: 0 };
    rooms.set(roomOf(file), { covered: room.covered + covered, total: room.total + total });
  }
  return rooms;
}

/** A row for each room. @returns also whether every room has enough */
function table(rooms: ReadonlyMap<string, Lines>): { text: string; isEnough: boolean } {
  let isEnough = true;
  const rows = [...rooms].map(([room, { covered, total }]) => {
    const percent = total === 0 ? 100 : (100 * covered) / total;
    const least = LEAST[room];
    const problem = least === undefined ? 'has no least' : percent < least ? `less than ${least}` : '';
    isEnough &&= problem === '';
    return `${room.padEnd(30)}${`${covered}/${total}`.padStart(12)}${percent.toFixed(1).padStart(8)} %  ${problem}`;
  });
  for (const room of Object.keys(LEAST).filter((name) => !rooms.has(name))) {
    isEnough = false;
    rows.push(`${room.padEnd(30)} is no room any more`);
  }
  return { text: rows.join('\n'), isEnough };
}

// The test runner takes the default export of a reporter.
// eslint-disable-next-line no-restricted-exports
export default async function* coverage(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of source) {
    if (type === 'test:fail') yield `✖ ${data.file}: ${data.name}\n`;
    if (type !== 'test:coverage') continue;
    const files = data.summary.files.map(
      ({ path, coveredLineCount: covered, totalLineCount: total }) =>
        [relative(ROOT, path), { covered, total }] as const,
    );
    const { text, isEnough } = table(byRoom(new Map(files)));
    if (!isEnough) process.exitCode = 1;
    yield `${text}\n`;
  }
}
