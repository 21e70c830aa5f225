// What a run has found: a table by section for people, the closing lines that CI counts, and JSON for the documentation.
import { MUTANTS, type Mutant } from './mutants/mutants.ts';
import type { Outcome, Result } from './runner.ts';
import { sectionOf } from './load.ts';
import type { Target } from './targets/target.ts';

export const SECTIONS: Readonly<Record<string, string>> = {
  A: 'Protected resource metadata (RFC 9728)',
  B: 'Challenges',
  C: 'Token validation',
  D: 'Transport',
  E: 'Authorization per operation',
  F: 'Older clients and what clients need',
  G: 'Gateway hygiene',
  H: 'Revision 2026-07-28',
};

const MARK: Readonly<Record<Outcome, string>> = {
  passed: '✔',
  failed: '✖',
  broken: '‼',
  'n/a': '–',
  pending: '…',
  unit: '∘',
};

/** One line a case, under the heading of its section; the reasons of failures below. */
export function table(results: readonly Result[], { name, version }: Target): string {
  const lines = [`${name} ${version}`];
  let section = '';
  for (const result of results) {
    if (sectionOf(result.case.id) !== section) {
      section = sectionOf(result.case.id);
      lines.push('', `${section}. ${SECTIONS[section] ?? ''}  ${tally(results, section)}`);
    }
    lines.push(...row(result));
  }
  return lines.join('\n');
}

export function row({ case: item, outcome, reason, milliseconds, untested = [] }: Result): string[] {
  const time = milliseconds >= 1_000 ? `  (${(milliseconds / 1000).toFixed(1)} s)` : '';
  const parts = untested.length > 0 ? `  [not tested in part: ${untested.join('; ')}]` : '';
  const line = `${MARK[outcome]} ${item.id.padEnd(4)}${item.level.padEnd(12)}${item.rule}${time}`;
  if (reason === '') return [line + parts];
  if (outcome !== 'failed' && outcome !== 'broken') return [`${line}  [${outcome}: ${reason}]`];
  const head = line + parts;
  return [
    head,
    ...reason
      .split('\n')
      .slice(0, 30)
      .map((line) => `      ${line}`),
  ];
}

function tally(results: readonly Result[], section: string): string {
  const ours = results.filter((result) => sectionOf(result.case.id) === section);
  const counts = (Object.keys(MARK) as Outcome[]).map(
    (outcome) => [outcome, ours.filter((result) => result.outcome === outcome).length] as const,
  );
  return counts.flatMap(([outcome, count]) => (count > 0 ? `${count} ${outcome}` : [])).join(', ');
}

/** As node's test runner ends: what CI adds up. A case that could not be carried out has failed. */
export function closingLines(results: readonly Result[]): string {
  const count = (...outcomes: Outcome[]) =>
    results.filter(({ outcome }) => outcomes.includes(outcome)).length;
  return [
    `ℹ tests ${results.length}`,
    `ℹ pass ${count('passed')}`,
    `ℹ fail ${count('failed', 'broken')}`,
    `ℹ n/a ${count('n/a')}`,
    `ℹ unit ${count('unit')}`,
    `ℹ pending ${count('pending')}`,
  ].join('\n');
}

/** Everything as JSON; `mutants` are the wrong servers that `--mutants` shows each case to catch. */
export function report(results: readonly Result[], { name, version }: Target): string {
  const items = results.map(
    ({ case: { id, level, rule, source }, outcome, reason, untested, milliseconds }) => ({
      section: sectionOf(id),
      id,
      level,
      rule,
      source,
      outcome,
      reason,
      untested: untested ?? [],
      milliseconds: Math.round(milliseconds),
      mutants: MUTANTS.flatMap(({ name, breaks }: Mutant) => (breaks.includes(id) ? name : [])),
    }),
  );
  const date = new Date().toISOString().slice(0, 10);
  const all = { target: { name, version }, date, sections: SECTIONS, cases: items };
  return `${JSON.stringify(all, undefined, 2)}\n`;
}
