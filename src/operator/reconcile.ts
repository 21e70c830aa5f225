// One server, from its key: observe, decide, act, report, each a module of its own. Level-based: why it runs does not matter.
import type { Random } from '../kube/scheduler.ts';
import type { RunResult } from '../kube/queue.ts';
import { act, type ActDependencies, type Outcome } from './act.ts';
import { decide, RESYNC_MS, type Decision } from './decide.ts';
import { observe, type ObserveDependencies } from './observe.ts';
import { report, statusOf, type ReportDependencies } from './report.ts';

interface ReconcilerDependencies extends ObserveDependencies, ActDependencies, ReportDependencies {
  readonly cache: ObserveDependencies['cache'];
  readonly leaves: ObserveDependencies['leaves'];
  readonly client: ActDependencies['client'] & ReportDependencies['client'];
  readonly random: Random;
}

/** @throws where a later attempt may succeed; that attempt observes again what this one has done */
export async function reconcile(
  deps: ReconcilerDependencies,
  key: string,
  signal: AbortSignal,
): Promise<RunResult> {
  const world = await observe(deps, key, signal);
  const decision = decide(world);
  const outcome = await act(deps, key, decision, signal);
  const next = statusOf(world, decision, outcome);
  if (world.server === undefined) deps.pace.forget(key);
  if (world.server === undefined || next === undefined) return {};
  const waitMs = await report(deps, world.server, next, signal);
  const visitMs = nextVisitMs(decision, outcome, world.now, deps.random);
  return { requeueAfterMs: Math.min(visitMs, waitMs ?? visitMs) };
}

/** At the resync, with jitter so that a thousand servers do not come at once, or when the certificate is to be renewed. */
function nextVisitMs({ kind }: Decision, { leaf }: Outcome, now: number, random: Random): number {
  const resyncMs = RESYNC_MS * (0.9 + random() / 5);
  return kind === 'pause' || leaf === undefined
    ? resyncMs
    : Math.min(resyncMs, Math.max(1000, leaf.renewAt - now));
}
