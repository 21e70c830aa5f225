// The two lines of the MCP Inspector, from exact versions and lock files of their own: `npm ci` of the project stays small.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../cluster/run.ts';

/** 1: the last with *Open Auth Settings*; 2: the current one. */
export type Line = 1 | 2;

const cache = join(homedir(), '.cache/protected-mcp/inspectors');

/** The package's directory; installed into the user's cache when this lock file is not there yet. */
export async function installInspector(line: Line): Promise<string> {
  const source = join(import.meta.dirname, String(line));
  const lock = await readFile(join(source, 'package-lock.json'));
  const digest = createHash('sha256').update(lock).digest('hex').slice(0, 16);
  const home = join(cache, `${line}-${digest}`);
  if (!existsSync(home)) await install(source, home);
  return join(home, 'node_modules/@modelcontextprotocol/inspector');
}

/** Into a directory of its own first, so that `home` is whole or not there. */
async function install(source: string, home: string): Promise<void> {
  await mkdir(cache, { recursive: true });
  const directory = await mkdtemp(join(cache, 'install-'));
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
