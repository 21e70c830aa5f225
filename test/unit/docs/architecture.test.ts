// The map of the code is true: every folder and room has its place in docs/architecture.md, every file that it names
// exists, and its tables are the lint rules. What it says of them is for readers to check.
import assert from 'node:assert/strict';
import { existsSync, globSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, it } from 'node:test';
import { codeSpans, readPage, root, sections } from './markdown.ts';

const text = readPage('docs/architecture.md');
const sourceFolders = sections(text, 3);

const folderIn = (title: string) => /`(src\/.*)\/`/.exec(title)?.[1];

/** Paths of the page's level-3 headings that are folders of the code, without the last slash. */
const described = [...sourceFolders.keys()].flatMap((title) => folderIn(title) ?? []);

function directories(folder: string): string[] {
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

/** The lines of a table between two comments, each as the text of its cells. */
function table(name: string): string[][] {
  const part = new RegExp(`<!-- ${name}: begin -->([^]*)<!-- ${name}: end -->`).exec(text)?.[1] ?? '';
  const lines = part.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const names = (cell: string | undefined) => codeSpans(cell ?? '');

describe('every folder has a paragraph', () => {
  for (const folder of directories('src'))
    it(`src/${folder}`, () => assert.ok(described.includes(`src/${folder}`)));
  for (const room of directories('src/sidecar'))
    it(`src/sidecar/${room}`, () => assert.ok(described.includes(`src/sidecar/${room}`)));

  it('and no paragraph is about a folder that is not there', () => {
    const gone = described.filter((folder) => !existsSync(join(root, folder)));
    assert.deepEqual(gone, []);
  });

  it('that says where to begin, by a file of the folder', () => {
    for (const folder of described) {
      const body = sourceFolders.get(`\`${folder}/\``) ?? '';
      const files = names(body).filter((name) => name.endsWith('.ts') && !name.includes('/'));
      const own = readdirSync(join(root, folder));
      const begins = files.some((file) => own.includes(file)) || /Start at `src\//.test(body);
      assert.ok(begins, folder);
    }
  });
});

describe('every file that is named exists', () => {
  const sourceFiles = globSync('src/**/*.ts', { cwd: root });

  /** Whether a code span is meant as a path of the repository. */
  const isPath = (code: string) =>
    /^(src|test|crds|charts|manifests|docs|scripts)\/[\w./-]*$/.test(code) ||
    /^[\w-]+\.(ts|js|yaml)$/.test(code);

  /** A bare name is one of the paragraph's folder, of a folder that its line names, or the only one of its name in src/. */
  function exists(code: string, folders: readonly string[]): boolean {
    if (code.includes('/') || existsSync(join(root, code))) return existsSync(join(root, code));
    if (folders.some((folder) => existsSync(join(root, folder, code)))) return true;
    return sourceFiles.filter((file) => file.endsWith(`/${code}`)).length === 1;
  }

  function missing(body: string, folder: string | undefined): string[] {
    return body.split('\n').flatMap((line) => {
      const spans = names(line).filter(isPath);
      const near = spans
        .filter((code) => code.includes('/'))
        .map((code) => normalize(/\.\w+$/.test(code) ? dirname(code) : code));
      return spans.filter((code) => !exists(code, folder === undefined ? near : [folder, ...near]));
    });
  }

  for (const [title, body] of sections(text, 2))
    it(title, () => {
      const [intro = ''] = body.split(/^### /m);
      assert.deepEqual(missing(intro, folderIn(title)), []);
    });
  for (const [title, body] of sourceFolders)
    it(title, () => assert.deepEqual(missing(body, folderIn(title)), []));

  it('and one that does not exist is noticed', () => {
    assert.deepEqual(
      missing('`src/no-such-folder/` `no-such-file.ts` `src/base/no-such-file.ts`', 'src/base'),
      ['src/no-such-folder/', 'no-such-file.ts', 'src/base/no-such-file.ts'],
    );
  });
});

interface Rules {
  readonly layers: Readonly<Record<string, readonly string[]>>;
  readonly typeOnly: Readonly<Record<string, readonly string[]>>;
  readonly floors: readonly (readonly string[])[];
}

const config = new URL('../../../eslint.config.js', import.meta.url).href;
const rules = (await import(config)) as Rules; // plain JavaScript: it has no types of its own

describe('the layers are those of eslint.config.js', () => {
  const rows = table('layers');

  it('all of them, and no other', () => {
    const folders = rows.flatMap(([folder]) => names(folder));
    assert.deepEqual(folders.toSorted(), Object.keys(rules.layers).toSorted());
    assert.deepEqual(folders.toSorted(), directories('src').toSorted());
  });

  for (const [folder, may, types] of rows) {
    const [name = ''] = names(folder);
    it(name, () => {
      assert.deepEqual(names(may).toSorted(), [...(rules.layers[name] ?? [])].toSorted());
      assert.deepEqual(names(types).toSorted(), [...(rules.typeOnly[name] ?? [])].toSorted());
    });
  }
});

describe('the floors of the sidecar are those of eslint.config.js', () => {
  const rows = table('floors');

  it('hold every room and file, once', () => {
    const listed = rows.flatMap(([, cell]) => names(cell));
    const files = globSync('*.ts', { cwd: join(root, 'src/sidecar') });
    assert.deepEqual(listed.toSorted(), [...directories('src/sidecar'), ...files].toSorted());
  });

  it('stand in the same order, the wiring on top', () => {
    const floors = rows
      .toSorted(([a], [b]) => Number(a) - Number(b))
      .map(([, cell]) => names(cell).toSorted());
    assert.deepEqual(
      floors.slice(0, -1),
      rules.floors.map((rooms) => rooms.toSorted()),
    );
    assert.ok(floors.at(-1)?.includes('main.ts'));
  });
});

describe('every name of code in "Where do I put" stands in a file of its cell', () => {
  const rows = text
    .slice(text.indexOf('## Where do I put'), text.indexOf('### A new setting'))
    .split('\n')
    .filter((line) => /^\| [^-]/.test(line));
  const isName = (code: string) => /^#?[A-Za-z_]\w*$/.test(code) && /[A-Z_#]|^observed$/.test(code);
  const named = rows.flatMap((row) => {
    const [change = '', code] = row.split(' | ');
    const spans = names(code);
    const files = spans.filter((span) => /^src\/.*\.ts$/.test(span));
    return spans.filter(isName).map((name) => ({ change, name, files }));
  });

  it('and there are some', () => assert.ok(named.length > 10));
  for (const { change, name, files } of named) {
    it(`${change}: ${name}`, () => {
      const sources = [...files, ...siblings(files)].map((file) => readPage(file));
      assert.ok(sources.some((source) => new RegExp(`${name}\\b`).test(source)));
    });
  }

  /** The page names a second file of a folder by its name alone. */
  function siblings(files: readonly string[]): string[] {
    return files.flatMap((file) => globSync(`${dirname(file)}/*.ts`, { cwd: root }));
  }
});
