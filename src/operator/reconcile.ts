// One server, from its key: observe, decide, act, report, each a module of its own. Level-based: why it runs does not matter.
import type { Random } from '../kube/scheduler.ts';
import type { RunResult } from '../kube/queue.ts';
import { act, type ActDependencies, type Outcome } from './act.ts';
import { nextNudge } from './config-nudge.ts';
import { decide, RESYNC_MS, type Decision } from './decide.ts';
import type { PodState } from './inputs.ts';
import { observe, type ObserveDependencies } from './observe.ts';
import { report, statusOf, type ReportDependencies } from './report.ts';
import type { World } from './world.ts';

/** After this a pod that starts well has started (milliseconds). */
const STARTUP_VISIT_MS = 12_000;

interface ReconcilerDependencies extends ObserveDependencies, ActDependencies, ReportDependencies {
  readonly cache: ObserveDependencies['cache'];
  readonly leaves: ObserveDependencies['leaves'] & ActDependencies['leaves'];
  readonly client: ObserveDependencies['client'] & ActDependencies['client'] & ReportDependencies['client'];
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
  if (decision.kind === 'reconcile') deps.prober.expect(key, decision.plan.configDigest);
  const outcome = await act(deps, key, decision, signal);
  const next = statusOf(world, decision, outcome);
  if (world.server === undefined) deps.pace.forget(key);
  if (world.server === undefined || next === undefined) return {};
  const waitMs = await report(deps, world.server, next, signal);
  const visitMs = nextVisitMs(decision, outcome, world, deps.random);
  return { requeueAfterMs: Math.min(visitMs, waitMs ?? visitMs) };
}

/**
 * At the resync, with jitter so that a thousand servers do not come at once; earlier when the certificate is to be renewed, a
 * pod to be nudged, or a pod does not start.
 */
function nextVisitMs(decision: Decision, { leaf }: Outcome, { now, pods }: World, random: Random): number {
  const resyncMs = RESYNC_MS * (0.9 + random() / 5);
  if (decision.kind !== 'reconcile') return resyncMs;
  const nudgeAt = nextNudge(pods, decision.plan.configDigest);
  // What is due for renewal and was not renewed cannot be: there is no authority to do it.
  const renewAt = leaf !== undefined && leaf.renewAt > now ? leaf.renewAt : undefined;
  const earlier = [renewAt, nudgeAt].filter((at) => at !== undefined).map((at) => Math.max(1000, at - now));
  return Math.min(
    resyncMs,
    ...earlier,
    ...pods.filter(({ starting }) => starting).map((pod) => startVisitMs(pod, now)),
  );
}

/** What keeps a pod from starting is said in events, which do not wake the operator: it looks, ever more seldom. */
function startVisitMs({ createdAt }: PodState, now: number): number {
  return Math.max(STARTUP_VISIT_MS, (now - createdAt) / 2);
}
