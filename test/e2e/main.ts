// `npm run e2e [FILE…]`: a cluster if none is up, images, the chart, the suites one after the other; then what it brought up goes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as cluster from '../cluster/cluster.ts';
import { CommandError } from '../cluster/run.ts';
import { installOperator, uninstallOperator } from './support/operator.ts';

const root = join(import.meta.dirname, '../..');
const LOCK = join(tmpdir(), 'protected-mcp-e2e.lock');
const SUITES = globSync('test/e2e/*.e2e.ts', { cwd: root }).toSorted();

/** Two runs on one cluster would break each other's world. @throws naming the other run */
function lock(): () => void {
  try {
    writeFileSync(LOCK, String(process.pid), { flag: 'wx' });
  } catch {
    const other = Number(readFileSync(LOCK, 'utf8'));
    if (isRunning(other)) throw new Error(`another end-to-end run uses the cluster: process ${other}`);
    writeFileSync(LOCK, String(process.pid));
  }
  return () => rmSync(LOCK, { force: true });
}

/** Whether that process is an end-to-end run: numbers are given out again. */
function isRunning(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('e2e/main');
  } catch {
    return false;
  }
}

/** Suites share one cluster and one operator, and some of them break things on purpose: one at a time. */
async function runSuites(files: readonly string[]): Promise<number> {
  const args = ['--test', '--test-concurrency=1', '--test-timeout=900000', ...files];
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...cluster.environment() },
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

async function main(asked: readonly string[]): Promise<number> {
  const unknown = asked.filter((file) => !SUITES.includes(file));
  if (unknown.length > 0)
    throw new Error(`no such suite: ${unknown.join(', ')}; there are: ${SUITES.join(', ')}`);
  const unlock = lock();
  const { up: wasUp } = await cluster.provider().status();
  if (!wasUp) await cluster.up();
  try {
    await cluster.load();
    await installOperator();
    return await runSuites(asked.length > 0 ? asked : SUITES);
  } finally {
    // E2E_KEEP=1 leaves everything as it is, to look at.
    if (!process.env.E2E_KEEP) await uninstallOperator();
    if (!wasUp && !process.env.E2E_KEEP) await cluster.down();
    unlock();
  }
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    const known = error instanceof CommandError;
    process.stderr.write(`${known ? error.message : String((error as Error).stack)}\n`);
    process.exit(1);
  },
);
