// Programs from the npm registry that only one suite runs: exactly what a lock file of their own names, kept in the user's cache.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { run } from '../cluster/run.ts';

const cache = join(homedir(), '.cache/protected-mcp');

/**
 * Installs what is not there yet for this lock file.
 * @param source the directory of package.json and package-lock.json
 * @param name of the directory in the cache, to which a digest of the lock file is added
 * @returns the directory that has node_modules
 */
export async function installLockedPackages(source: string, name: string): Promise<string> {
  const lock = await readFile(join(source, 'package-lock.json'));
  const digest = createHash('sha256').update(lock).digest('hex').slice(0, 16);
  const home = join(cache, `${name}-${digest}`);
  if (!existsSync(home)) await install(source, home);
  return home;
}

/** Into a directory of its own first, so that `home` is whole or not there. */
async function install(source: string, home: string): Promise<void> {
  await mkdir(dirname(home), { recursive: true });
  const directory = await mkdtemp(join(dirname(home), 'install-'));
  try {
    for (const name of ['package.json', 'package-lock.json'])
      await cp(join(source, name), join(directory, name));
    // Nothing that we start needs a script of a dependency.
    await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: directory, show: true });
    await rename(directory, home);
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    if (!existsSync(home)) throw error; // another process was first
  }
}
