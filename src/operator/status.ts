// PURE: inputs -> the complete status. Times move only when a condition's status does.
import { CONDITION_TYPES, type ConditionType, type Verdict } from '../protocol/conditions.ts';
import { selectorLabels } from '../api/names.ts';
import type { Condition, Status } from '../api/protected-mcp-server.gen.ts';
import { resourceIdentifier } from '../desired/resource.ts';
import { accepted } from './checks/accepted.ts';
import { available } from './checks/available.ts';
import { contested } from './checks/contested.ts';
import { certificateReady } from './checks/certificate-ready.ts';
import { configurationCurrent } from './checks/configuration-current.ts';
import { isolated } from './checks/isolated.ts';
import { keysAvailable } from './checks/keys-available.ts';
import { isOutdated, notAccepted, notReady, paused } from './checks/paused.ts';
import { progressing } from './checks/progressing.ts';
import { ready } from './checks/ready.ts';
import type { ApplyFailure, Inputs } from './inputs.ts';
import type { ServerObject } from './kinds.ts';

/** Longer messages are cut: the CRD allows no more. */
const MAX_MESSAGE = 1024;

/** What the conditions say of the generation that the operator has applied, in the order in which they are listed. */
export function verdicts(inputs: Inputs): Verdict[] {
  const others = [accepted(inputs), ...observed(inputs).map((verdict) => settled(verdict, inputs))];
  const all: Verdict[] = [
    ...others,
    available(inputs),
    ready(inputs, others),
    ...(inputs.paused ? [paused(inputs)] : []),
    ...contested(inputs),
  ];
  return inOrder(all);
}

function observed(inputs: Inputs): Verdict[] {
  return [
    certificateReady(inputs),
    keysAvailable(inputs),
    configurationCurrent(inputs),
    isolated(inputs),
    progressing(inputs),
  ];
}

/**
 * What was known stands until the pods were probed: an operator that has just started knows nothing yet, and must not
 * report every server in the cluster as broken.
 */
function settled(verdict: Verdict, { server, pods }: Inputs): Verdict {
  const isProbing = pods.some(({ ip, report }) => ip !== undefined && report === undefined);
  const previous = server.status?.conditions?.find(({ type }) => type === verdict.type);
  if (verdict.status !== 'Unknown' || !isProbing || previous === undefined) return verdict;
  // What was in force for another generation says nothing of this one.
  const isOfThis = previous.observedGeneration === server.metadata.generation;
  if (verdict.type === 'ConfigurationCurrent' && !isOfThis) return verdict;
  const { status, reason, message } = previous;
  return { ...verdict, status, reason, message } as Verdict; // written by the operator: the reason is one of its type
}

export function status(inputs: Inputs): Status {
  const { server, deployment, applied } = inputs;
  const current = {
    replicas: deployment?.status?.replicas ?? 0,
    readyReplicas: deployment?.status?.readyReplicas ?? 0,
    selector: Object.entries(selectorLabels(server.metadata.name))
      .map(([name, value]) => `${name}=${value}`)
      .join(','),
  };
  if (isOutdated(inputs)) return { ...server.status, ...current, conditions: outdatedConditions(inputs) };
  return {
    observedGeneration: server.metadata.generation ?? 0,
    address: { url: resourceIdentifier(server) },
    ...current,
    ...(applied && { applied }),
    conditions: verdicts(inputs).map((verdict) => condition(verdict, inputs)),
  };
}

/**
 * The conditions of a paused server whose newest generation is not applied. What was observed of an earlier one stays as
 * it is, with the generation that it was observed for.
 */
function outdatedConditions(inputs: Inputs): Condition[] {
  const { server } = inputs;
  const kept = observed(inputs).map(({ type }) => {
    const previous = server.status?.conditions?.find((candidate) => candidate.type === type);
    const message = 'Nothing is applied yet; see condition Paused.';
    return previous ?? condition({ type, status: 'Unknown', reason: 'Pending', message } as Verdict, inputs); // each has Pending
  });
  const current = [notAccepted(inputs), available(inputs), notReady(inputs), paused(inputs)];
  const now = [...current, ...contested(inputs)].map((verdict) => condition(verdict, inputs));
  return inOrder([...kept, ...now]);
}

/**
 * Of a server that nothing can be made of. Built from nothing but its metadata and what was known: whatever else is in it
 * may be what is wrong.
 */
export function refusedStatus(server: ServerObject, failure: ApplyFailure, now: number): Status {
  const { message } = failure;
  const verdicts: Verdict[] = [
    { type: 'Accepted', status: 'False', reason: failure.reason, message },
    { type: 'Ready', status: 'False', reason: 'NotAccepted', message },
  ];
  const kept = conditionsOf(server).filter(({ type }) => OBSERVED.has(type));
  return {
    ...server.status,
    observedGeneration: server.metadata.generation ?? 0,
    conditions: inOrder([...kept, ...verdicts.map((verdict) => condition(verdict, { server, now }))]),
  };
}

const OBSERVED: ReadonlySet<string> = new Set<ConditionType>([
  'CertificateReady',
  'KeysAvailable',
  'ConfigurationCurrent',
  'Isolated',
  'Progressing',
  'Available',
]);

/** The conditions as they were written last. */
export function conditionsOf({ status: known }: ServerObject): readonly Condition[] {
  return known?.conditions ?? [];
}

function inOrder<T extends { readonly type: string }>(conditions: readonly T[]): T[] {
  const types: readonly string[] = CONDITION_TYPES;
  return conditions.toSorted((a, b) => types.indexOf(a.type) - types.indexOf(b.type));
}

function condition(verdict: Verdict, { server, now }: Pick<Inputs, 'server' | 'now'>): Condition {
  const { type, status, reason, message } = verdict;
  const previous = conditionsOf(server).find((candidate) => candidate.type === type);
  return {
    type,
    status,
    reason,
    message: message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE - 1)}…` : message,
    observedGeneration: server.metadata.generation ?? 0,
    lastTransitionTime:
      previous?.status === status
        ? previous.lastTransitionTime
        : new Date(now).toISOString().replace(/\.\d+Z$/, 'Z'),
  };
}
