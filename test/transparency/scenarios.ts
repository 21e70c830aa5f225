// Runs the scenarios of one edition against one URL, and reads what they found.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandError, run } from '../cluster/run.ts';
import { programOf, type Edition } from './editions.ts';

const DEADLINE_MS = 180_000;

export interface Check {
  readonly scenario: string;
  readonly id: string;
  /** Several checks of a scenario may have the same id. */
  readonly name: string;
  /** As the package says it: SUCCESS, FAILURE, WARNING, SKIPPED, INFO. */
  readonly status: string;
}

export interface Results {
  readonly scenarios: readonly string[];
  readonly checks: readonly Check[];
}

/** @throws when the program does not run to its end, or a scenario left no result */
export async function runScenarios(edition: Edition, url: string): Promise<Results> {
  const program = await programOf(edition);
  const directory = await mkdtemp(join(tmpdir(), 'conformance-'));
  try {
    const args = [program, 'server', '--url', url, ...edition.selection, '--output-dir', directory];
    await run(process.execPath, args, { signal: AbortSignal.timeout(DEADLINE_MS) }).catch(unlessChecksFailed);
    return await readResults(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** It ends with 1 when a check failed: which one is in the results. */
function unlessChecksFailed(error: unknown): void {
  if (!(error instanceof CommandError) || error.exitCode !== 1) throw error;
}

/** Each scenario has a directory, which is named for it and for the time. */
async function readResults(directory: string): Promise<Results> {
  const scenarios: string[] = [];
  const checks: Check[] = [];
  for (const name of (await readdir(directory)).sort()) {
    const scenario = /^server-(.+)-\d{4}-\d\d-\d\dT[\dZ-]+$/.exec(name)?.[1];
    if (scenario === undefined) throw new Error(`${name} is not the directory of a scenario`);
    const found = JSON.parse(await readFile(join(directory, name, 'checks.json'), 'utf8')) as Check[];
    scenarios.push(scenario);
    checks.push(...found.map(({ id, name, status }) => ({ scenario, id, name, status })));
  }
  return { scenarios, checks };
}
