// Runs cases against one target: those with equal needs on one running target, each tested by itself.
import { AssertionError } from 'node:assert';
import { existsSync } from 'node:fs';
import { Bench } from './bench/bench.ts';
import { told } from './bench/told.ts';
import { newSession, type Session } from './bench/world.ts';
import { NotApplicable, type BlackBoxCase, type Case } from './case.ts';
import { needsKey } from './needs.ts';
import { Refused, type Target } from './targets/target.ts';

/** `broken`: the case could not be carried out; a defect of the case or the machine, not a verdict. */
export type Outcome = 'passed' | 'failed' | 'broken' | 'n/a' | 'pending' | 'unit';

export interface Result {
  readonly case: Case;
  readonly outcome: Outcome;
  /** Why, unless it passed. */
  readonly reason: string;
  readonly milliseconds: number;
  /** It did not come to an end: failed, but not for a reason that can be named. */
  readonly timedOut?: boolean;
  /** Why parts of it could not be tested; the outcome is that of the others. */
  readonly untested?: readonly string[];
}

class TimedOut extends Error {}

type Verdict = Pick<Result, 'outcome' | 'reason' | 'timedOut'>;

/** Targets that run at the same time: most of the time one waits for a process to start. */
const CONCURRENCY = 2;
const TIMEOUT_MS = 120_000;
const ROOT = new URL('../../', import.meta.url);

export interface RunOptions {
  /** Hears of each result as it comes. */
  readonly onResult?: (result: Result) => void;
  /** Keys, certificates and logs that outlive this run; its own unless given. */
  readonly session?: Session;
  /** Targets that run at the same time. */
  readonly concurrency?: number;
}

/** The results in the order of the cases. */
export async function runCases(
  cases: readonly Case[],
  target: Target,
  { onResult = () => undefined, session: given, concurrency = CONCURRENCY }: RunOptions = {},
): Promise<Result[]> {
  const session = given ?? (await newSession());
  const results = new Map<Case, Result>();
  const settle = (result: Result) => {
    results.set(result.case, result);
    onResult(result);
  };
  const blackBox: BlackBoxCase[] = [];
  for (const item of cases) {
    const exemption = target.exempts?.(item.id);
    if (exemption !== undefined) settle({ case: item, outcome: 'n/a', reason: exemption, milliseconds: 0 });
    else if ('run' in item) blackBox.push(item);
    else settle(withoutRunning(item));
  }
  const groups = grouped(blackBox.filter(({ last }) => !last));
  const worker = async () => {
    for (let group = groups.shift(); group !== undefined; group = groups.shift()) {
      await runGroup(group, target, session, settle);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  for (const group of grouped(blackBox.filter(({ last }) => last))) {
    await runGroup(group, target, session, settle);
  }
  return cases.flatMap((item) => results.get(item) ?? []);
}

function withoutRunning(item: Exclude<Case, BlackBoxCase>): Result {
  if ('pending' in item) return { case: item, outcome: 'pending', reason: item.pending, milliseconds: 0 };
  const exists = existsSync(new URL(item.provenBy, ROOT));
  return {
    case: item,
    outcome: exists ? 'unit' : 'broken',
    reason: exists ? item.provenBy : `${item.provenBy} does not exist`,
    milliseconds: 0,
  };
}

/** Cases that can share a running target; each that cannot is a group of its own. */
function grouped(cases: readonly BlackBoxCase[]): BlackBoxCase[][] {
  const groups = new Map<string, BlackBoxCase[]>();
  for (const item of cases) {
    const key = isAlone(item) ? `own ${item.id}` : needsKey(item.needs ?? {});
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return [...groups.values()];
}

function isAlone({ own, prepare, last }: BlackBoxCase): boolean {
  return own === true || last === true || prepare !== undefined;
}

async function runGroup(
  group: readonly BlackBoxCase[],
  target: Target,
  session: Session,
  settle: (result: Result) => void,
): Promise<void> {
  const needs = group[0]?.needs ?? {};
  const whyNot = target.supports(needs);
  const all = (outcome: Outcome, reason: string) =>
    group.forEach((item) => settle({ case: item, outcome, reason, milliseconds: 0 }));
  if (whyNot !== undefined) return all('n/a', whyNot);
  let bench: Bench;
  try {
    bench = await Bench.start(session, target, needs, group[0]?.prepare);
  } catch (error) {
    return all(error instanceof Refused ? 'failed' : 'broken', (error as Error).message);
  }
  try {
    for (const item of group) settle(await runCase(item, bench));
  } finally {
    await bench.stop();
  }
}

async function runCase(item: BlackBoxCase, bench: Bench): Promise<Result> {
  const startedAt = performance.now();
  let verdict: Verdict = { outcome: 'passed', reason: '' };
  bench.begin();
  try {
    if (!isAlone(item)) bench.world.reset();
    await withDeadline(item.run(bench), item.timeoutMs ?? TIMEOUT_MS);
  } catch (error) {
    verdict = verdictOf(error);
  }
  const { untested } = bench;
  if (verdict.outcome === 'passed' && !bench.isTested && untested.length > 0) {
    verdict = { outcome: 'n/a', reason: untested.join('; ') }; // no part could run
  }
  return { case: item, ...verdict, untested, milliseconds: performance.now() - startedAt };
}

function verdictOf(error: unknown): Verdict {
  if (error instanceof AssertionError) return { outcome: 'failed', reason: told(error) };
  if (error instanceof TimedOut) return { outcome: 'failed', reason: error.message, timedOut: true };
  if (error instanceof NotApplicable) return { outcome: 'n/a', reason: error.message };
  // Needed by the case beside its own target: as wrong as if its own had been refused.
  if (error instanceof Refused) return { outcome: 'failed', reason: error.message };
  return {
    outcome: 'broken',
    reason: error instanceof Error ? (error.stack ?? error.message) : String(error),
  };
}

async function withDeadline(work: Promise<void>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TimedOut(`no end after ${milliseconds / 1000} s`)), milliseconds);
  });
  try {
    await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
