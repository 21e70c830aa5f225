// Proves that every case can fail: each mutant must be caught by the cases it names, and each case by a mutant at least.
import type { Case } from '../case.ts';
import { newSession, type Session } from '../bench/world.ts';
import { runCases, type Result } from '../runner.ts';
import { MUTANTS, type Mutant } from './mutants.ts';
import { referenceTarget } from './reference/server.ts';

export interface Proof {
  /** Names of the mutants that a case has caught, by its id. */
  readonly caughtBy: ReadonlyMap<string, readonly string[]>;
  /** What is wrong with the suite: a mutant that got through, a case that never failed. */
  readonly defects: readonly string[];
}

/** @param cases those to be proven; mutants that break none of them are left out */
export async function prove(cases: readonly Case[], onMutant: (line: string) => void): Promise<Proof> {
  const blackBox = cases.filter((item) => 'run' in item);
  const caughtBy = new Map(blackBox.map(({ id }) => [id, [] as string[]]));
  const defects: string[] = [];
  // The keys serve all servers; what each of them wrote is its own, for C43 to check.
  const made = await newSession();
  const session = (): Session => ({ ...made, tokens: new Set(), logs: [] });
  const reference = await runCases(blackBox, referenceTarget(), { session: session() });
  for (const { case: item, outcome, reason } of reference) {
    if (outcome !== 'passed') defects.push(`${item.id} ${outcome} against the reference: ${reason}`);
  }
  for (const mutant of MUTANTS satisfies readonly Mutant[]) {
    const breaks: readonly string[] = mutant.breaks;
    if (!blackBox.some(({ id }) => breaks.includes(id))) continue;
    const results = await runCases(
      blackBox.filter(({ id }) => breaks.includes(id)),
      referenceTarget(mutant.name),
      { session: session() },
    );
    for (const result of results) {
      if (result.outcome === 'failed' && !result.timedOut) caughtBy.get(result.case.id)?.push(mutant.name);
      else defects.push(missed(mutant, result));
    }
    if (results.length > 0) onMutant(`${mutant.name}: ${results.map(describe).join(', ')}`);
  }
  for (const [id, mutants] of caughtBy) if (mutants.length === 0) defects.push(`${id}: no mutant trips it`);
  return { caughtBy, defects };
}

function missed({ name, mistake }: Mutant, { case: { id }, outcome, reason }: Result): string {
  return `${id} ${outcome} although the server ${mistake} (${name}) ${reason}`;
}

function describe({ case: { id }, outcome, reason }: Result): string {
  return `${id} ${outcome} (${reason.split('\n')[0]})`;
}
