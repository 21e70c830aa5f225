// Runs test files once more, each by itself, that failed in a suite: `node scripts/ci/rerun.ts FAILED_FILES...`.
// One that passes then is FLAKY: it counts, and is named with what it said first. The last line says how many tests that is.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { FailedFile } from './failed-files.ts';

/** Of one test file; more ends it, and then it has failed. */
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** As node's test runner ends: "ℹ pass 12". */
function count(outcome: string, output: string): number {
  return Number(new RegExp(`^\\S+ ${outcome} (\\d+)$`, 'm').exec(output)?.[1] ?? 0);
}

/** An end-to-end suite needs the operator in the cluster, which its own command sees to. */
function commandOf(file: string, options: readonly string[]): [program: string, ...args: string[]] {
  if (file.endsWith('.e2e.ts')) return ['npm', 'run', 'e2e', '--', relative(process.cwd(), file)];
  return [process.execPath, ...options, '--test-reporter=spec', file];
}

/** Whether every test of the file passes now. A file that runs nothing, or skips something, does not. */
function passesAlone({ file, options }: FailedFile): boolean {
  const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, ...env } = process.env; // the reporter of the suite, and of who asks
  const [program, ...args] = commandOf(file, options);
  const { status, stdout, stderr } = spawnSync(program, args, {
    env,
    encoding: 'utf8',
    maxBuffer: MAX_OUTPUT_BYTES,
  });
  process.stdout.write(stdout + stderr);
  const bad = ['fail', 'cancelled', 'skipped', 'todo'].map((outcome) => count(outcome, stdout));
  return status === 0 && count('pass', stdout) > 0 && bad.every((number) => number === 0);
}

let recovered = 0;
for (const report of process.argv.slice(2).filter((path) => existsSync(path))) {
  const lines = readFileSync(report, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  for (const line of lines) {
    const failed = JSON.parse(line) as FailedFile; // written by failed-files.ts
    const name = relative(process.cwd(), failed.file);
    process.stdout.write(`=== once more: ${name}\n`);
    if (passesAlone(failed)) {
      recovered += failed.failed;
      process.stdout.write(
        `FLAKY ${name}: passed the second time. The first time it said:\n${failed.output}\n`,
      );
    } else process.stdout.write(`=== failed twice: ${name}\n`);
  }
}
process.stdout.write(`recovered ${recovered}\n`);
