// A Python with FastMCP in it: a virtual environment of exactly what requirements.txt names, made once and kept in the user's cache.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { run, succeeds } from '../cluster/run.ts';
import { installPackages } from '../support/debian.ts';

const requirements = join(import.meta.dirname, 'requirements.txt');

const named = readFileSync(requirements, 'utf8');
const versionOf = (name: string) => new RegExp(`^${name}==(\\S+)`, 'm').exec(named)?.[1] ?? '';

export const FASTMCP_VERSION = versionOf('fastmcp');
/** FastMCP is made on it. */
export const PYTHON_SDK_VERSION = versionOf('mcp');

/** Debian's own where there is one, so that an image can be made of the same. */
const SYSTEM_PYTHON = '/usr/bin/python3';

export interface Python {
  readonly program: string;
  /** Such as 3.11. */
  readonly version: string;
  /** The directory that holds FastMCP and everything under it. */
  readonly packages: string;
  /** Of everything that it was made of. */
  readonly digest: string;
}

/** Made when it is not there: half a minute, and about 30 MiB from the package index. */
export async function python(): Promise<Python> {
  const base = await basePython();
  const version = await run(base, ['-c', 'import sys; print("%d.%d.%d" % sys.version_info[:3])']);
  const hash = createHash('sha256').update(readFileSync(requirements)).update(base).update(version);
  const digest = hash.digest('hex').slice(0, 16);
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  const directory = join(cache, 'protected-mcp/fastmcp', digest);
  if (!existsSync(directory)) await create(base, directory);
  const short = version.split('.').slice(0, 2).join('.');
  return {
    program: join(directory, 'bin/python'),
    version: short,
    packages: join(directory, `lib/python${short}/site-packages`),
    digest,
  };
}

async function basePython(): Promise<string> {
  const program = existsSync(SYSTEM_PYTHON) ? SYSTEM_PYTHON : 'python3';
  // Debian has Python and what makes an environment in packages of their own.
  if (succeeds(program, ['-c', 'import ensurepip, venv'])) return program;
  await installPackages(['python3', 'python3-venv'], 'FastMCP');
  return SYSTEM_PYTHON;
}

/** Filled under another name and renamed when it is whole: an interrupted run leaves nothing that looks ready. */
async function create(base: string, directory: string): Promise<void> {
  await mkdir(join(directory, '..'), { recursive: true });
  const building = await mkdtemp(`${directory}-`);
  try {
    await run(base, ['-m', 'venv', building]);
    const exactly = ['--require-hashes', '--no-deps', '--only-binary=:all:', '--requirement', requirements];
    await run(join(building, 'bin/python'), ['-m', 'pip', 'install', '--quiet', ...exactly]);
    await rename(building, directory); // only `bin/python` is used, which asks where it is
  } catch (error) {
    if (!existsSync(directory)) throw error; // another process was first
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}
