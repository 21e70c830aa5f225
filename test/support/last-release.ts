// The last release, made again from this repository's history: its sidecar as it was bundled, and its sources, for what its
// operator writes and reads. CONTRIBUTING.md says when the commit moves.
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { run, succeeds } from '../cluster/run.ts';
import { installLockedPackages } from './locked-packages.ts';

/** What servers in clusters run when they are upgraded to this version. */
export const LAST_RELEASE = { version: '0.1.0', commit: '6248bc5727ead46ccff3033cc663fbb9841aa7dc' };

const root = join(import.meta.dirname, '../..');
const FILES = ['src', 'crds', 'manifests/samples', 'scripts/bundle.ts', 'package.json', 'package-lock.json'];

/** A checkout of the last release. */
export interface Release {
  /** The sidecar's bundle, as its image has it. */
  readonly sidecar: string;
  /** One of its files, by its path in the repository. */
  readonly file: (path: string) => string;
  readonly remove: () => Promise<void>;
}

/** @throws where the history has no such commit and it cannot be had: nothing is skipped in silence */
export async function checkOutLastRelease(): Promise<Release> {
  await needCommit();
  const directory = await mkdtemp(join(tmpdir(), 'last-release-'));
  const file = (path: string) => join(directory, path);
  const remove = () => rm(directory, { recursive: true, force: true });
  try {
    await git('archive', `--output=${file('sources.tar')}`, LAST_RELEASE.commit, ...FILES);
    await run('tar', ['-xf', file('sources.tar'), '-C', directory]);
    await symlink(join(await packages(directory), 'node_modules'), file('node_modules'));
    await run(process.execPath, [file('scripts/bundle.ts'), 'sidecar'], { cwd: directory });
  } catch (error) {
    await remove();
    throw error;
  }
  return { sidecar: file('dist/sidecar.mjs'), file, remove };
}

function git(...args: string[]): Promise<string> {
  return run('git', ['-C', root, ...args], { env: { GIT_TERMINAL_PROMPT: '0' } });
}

/** A shallow clone lacks it; where it came from has it. */
async function needCommit(): Promise<void> {
  const { version, commit } = LAST_RELEASE;
  const hasCommit = () => succeeds('git', ['-C', root, 'cat-file', '-e', `${commit}^{commit}`]);
  if (hasCommit()) return;
  const fetched = git('fetch', '--quiet', '--depth=1', 'origin', commit);
  const reason = await fetched.then(
    () => '',
    (error: Error) => error.message,
  );
  if (!hasCommit())
    throw new Error(
      `This checkout does not have the commit of release ${version}, ${commit}, which operator and sidecar are tested ` +
        `against: run "git fetch --unshallow", or clone with the whole history (fetch-depth: 0 in a workflow).\n${reason}`,
    );
}

/** The directory whose node_modules is the release's: this one, unless a dependency was changed since. */
async function packages(directory: string): Promise<string> {
  const isSame = isDeepStrictEqual(lockedIn(directory), lockedIn(root));
  if (isSame && existsSync(join(root, 'node_modules'))) return root;
  return installLockedPackages(directory, `release-${LAST_RELEASE.version}`);
}

/** Without the project itself, whose version is another in each release. */
function lockedIn(directory: string): Record<string, unknown> {
  const lock = JSON.parse(readFileSync(join(directory, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, unknown>;
  };
  const { '': _, ...locked } = lock.packages;
  return locked;
}
