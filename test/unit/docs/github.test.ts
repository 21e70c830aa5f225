// What the hosted CI and its forms name exists: npm scripts, directories, files. Whether a hosted CI takes them is not shown.
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { pages, root } from './markdown.ts';

const read = (file: string) => readFileSync(join(root, file), 'utf8');
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

/** npm scripts that a text runs: `npm run X`, and `npm test`, `npm start` for which npm has words of its own. */
function npmScripts(text: string): Set<string> {
  const run = [...text.matchAll(/\bnpm run (?:(?:-s|--silent) )?([a-z][\w:-]*)/g)].map(
    ([, name = '']) => name,
  );
  const short = [...text.matchAll(/\bnpm (test|start)\b/g)].map(([, name = '']) => name);
  return new Set([...run, ...short]);
}

/** The same with what the scripts run themselves in their place, where they do. */
function leaves(names: Iterable<string>): Set<string> {
  const found = new Set<string>();
  for (const name of names) {
    const inner = npmScripts(scripts[name] ?? '');
    for (const leaf of inner.size === 0 ? [name] : leaves(inner)) found.add(leaf);
  }
  return found;
}

interface Step {
  readonly uses?: string;
  readonly run?: string;
}
interface Job {
  readonly 'timeout-minutes'?: number;
  readonly steps: readonly Step[];
  readonly permissions?: unknown;
  readonly strategy?: { readonly matrix: { readonly include: readonly { readonly run: string }[] } };
}
interface Workflow {
  readonly permissions: unknown;
  readonly concurrency: { readonly group: string };
  readonly jobs: Readonly<Record<string, Job>>;
}

const files = globSync(['.github/**/*.{yml,yaml}'], { cwd: root });
const workflows = files.filter((file) => file.startsWith('.github/workflows/'));
const workflow = (file: string) => parse(read(file)) as Workflow;

describe('YAML of .github parses', () => {
  for (const file of files)
    it(file, () => {
      const documents = parseAllDocuments(read(file));
      assert.ok(Array.isArray(documents) && documents.length === 1);
      assert.deepEqual(
        documents.flatMap(({ errors, warnings }) => [...errors, ...warnings]),
        [],
      );
    });

  it('it is there: two workflows, the update configuration, the forms', () => {
    assert.equal(workflows.length, 2);
    assert.ok(files.length >= 6);
  });
});

describe('npm scripts that are named exist', () => {
  for (const file of [...workflows, ...pages, '.ci/run'])
    it(file, () => {
      const unknown = [...npmScripts(read(file))].filter((name) => scripts[name] === undefined);
      assert.deepEqual(unknown, []);
    });
});

it('the workflows run what .ci/run runs, and nothing else', () => {
  const hosted = leaves(npmScripts(workflows.map(read).join('\n')));
  assert.deepEqual([...hosted].toSorted(), [...leaves(npmScripts(read('.ci/run')))].toSorted());
});

for (const file of workflows) {
  describe(file, () => {
    const { permissions, concurrency, jobs } = workflow(file);

    it('may read the repository and nothing else', () => {
      assert.deepEqual(permissions, { contents: 'read' });
      for (const job of Object.values(jobs)) assert.equal(job.permissions, undefined);
    });

    it('does not run twice at once', () => assert.ok(concurrency.group.includes('github.ref')));

    it('ends each job in bounded time', () => {
      for (const [name, job] of Object.entries(jobs)) assert.ok((job['timeout-minutes'] ?? 0) > 0, name);
    });

    it('pins each action by a whole version or a digest', () => {
      const used = Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ uses }) => uses ?? []));
      assert.ok(used.length > 0);
      for (const action of used) assert.match(action, /^[\w-]+\/[\w-]+@(v\d+\.\d+\.\d+|[0-9a-f]{40})$/);
    });

    it('keeps no credentials in the checkout, and puts nothing that outsiders write into a shell', () => {
      const texts = Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []));
      for (const text of texts) assert.doesNotMatch(text, /\$\{\{\s*github\.event/);
      assert.equal(
        read(file).match(/actions\/checkout@/g)?.length,
        read(file).match(/persist-credentials: false/g)?.length,
      );
    });

    it('says at its top that it has not been run here', () =>
      assert.match(read(file), /^# [^]*?Not run yet/));
  });
}

/** What an ecosystem reads in each of its directories. */
const MANIFESTS: Readonly<Record<string, RegExp>> = {
  npm: /^package\.json$/,
  docker: /^Dockerfile$/,
  gomod: /^go\.mod$/,
  pip: /^requirements\.txt$/,
  'github-actions': /^\.github\/workflows\/.+\.yml$/,
};

interface Update {
  readonly 'package-ecosystem': string;
  readonly directory?: string;
  readonly directories?: readonly string[];
  readonly groups: object;
}

describe('.github/dependabot.yml', () => {
  const { updates } = parse(read('.github/dependabot.yml')) as { updates: readonly Update[] };
  const directoriesOf = ({ directory, directories = [] }: Update) => [directory ?? [], directories].flat();

  it('names directories that hold what is to be updated, and groups it', () => {
    for (const update of updates) {
      const manifest = MANIFESTS[update['package-ecosystem']];
      assert.ok(manifest, update['package-ecosystem']);
      assert.ok(Object.keys(update.groups).length > 0);
      for (const directory of directoriesOf(update)) {
        const entries = globSync(['*', '.github/workflows/*'], { cwd: join(root, directory) });
        assert.ok(
          entries.some((entry) => manifest.test(entry)),
          `${update['package-ecosystem']} ${directory}`,
        );
      }
    }
  });

  it('forgets none', () => {
    const found = globSync(['**/{package.json,Dockerfile,go.mod,requirements.txt}'], {
      cwd: root,
      exclude: (path) => /node_modules|\.local|^dist$|test-results/.test(path),
    });
    const named = new Set(updates.flatMap(directoriesOf));
    const forgotten = found.filter((file) => !named.has(`/${file.replace(/\/?[^/]+$/, '')}`));
    assert.deepEqual(forgotten, []);
  });
});

describe('issue forms', () => {
  for (const file of files.filter((name) => /ISSUE_TEMPLATE\/(?!config)/.test(name)))
    it(`${file}: each field has an id of its own, and a label`, () => {
      const { name, description, body } = parse(read(file)) as {
        name: string;
        description: string;
        body: readonly { type: string; id?: string; attributes: { label?: string } }[];
      };
      assert.ok(name && description);
      const fields = body.filter(({ type }) => type !== 'markdown');
      assert.equal(new Set(fields.map(({ id }) => id)).size, fields.length);
      for (const { type, id, attributes } of fields) {
        assert.ok(['input', 'textarea', 'dropdown', 'checkboxes'].includes(type), type);
        assert.ok(id && attributes.label);
      }
    });

  it('security reports are led away from them', () => {
    const { blank_issues_enabled: blank, contact_links: contacts } = parse(
      read('.github/ISSUE_TEMPLATE/config.yml'),
    ) as {
      blank_issues_enabled: boolean;
      contact_links: readonly { url: string }[];
    };
    assert.equal(blank, false);
    assert.ok(contacts.some(({ url }) => url.endsWith('/security/advisories/new')));
  });
});

it('CODEOWNERS names paths that exist', () => {
  const patterns = read('.github/CODEOWNERS')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(/\s+/)[0] ?? '');
  assert.ok(patterns.length > 1);
  for (const pattern of patterns) assert.ok(pattern === '*' || existsSync(join(root, pattern)), pattern);
});

describe('one version of Node, one width of lines', () => {
  it('.node-version is the major version of the package `node`, and of the base image', () => {
    const { devDependencies } = JSON.parse(read('package.json')) as {
      devDependencies: Record<string, string>;
    };
    const major = read('.node-version').trim();
    assert.match(major, /^\d+$/);
    assert.equal(devDependencies['node']?.split('.')[0], major);
    assert.ok(read('Dockerfile').includes(`/nodejs${major}-`));
  });

  it('.editorconfig agrees with prettier', () => {
    const { printWidth } = JSON.parse(read('.prettierrc.json')) as { printWidth: number };
    const everywhere = /\[\*\]\n([^[]*)/.exec(read('.editorconfig'))?.[1] ?? '';
    assert.match(everywhere, new RegExp(`^max_line_length = ${printWidth}$`, 'm'));
    // What prettier does where its own file says nothing.
    for (const line of ['indent_style = space', 'indent_size = 2', 'end_of_line = lf'])
      assert.match(everywhere, new RegExp(`^${line}$`, 'm'));
  });
});
