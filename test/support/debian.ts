// Programs that a suite needs and npm does not bring: from Debian's packages where they are absent and this is root.
import { readFile } from 'node:fs/promises';
import { run } from '../cluster/run.ts';

/** @throws naming what is missing, where this is not Debian or not root */
export async function installPackages(names: readonly string[], reason: string): Promise<void> {
  if (names.length === 0) return;
  if (process.getuid?.() !== 0 || !(await isDebian()))
    throw new Error(`${reason} needs ${names.join(', ')}: install what is missing`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['update', '-qq'], { env, show: true });
  await run('apt-get', ['install', '-qq', '-y', '--no-install-recommends', ...names], { env, show: true });
}

async function isDebian(): Promise<boolean> {
  return (await readFile('/etc/os-release', 'utf8').catch(() => '')).includes('debian');
}
