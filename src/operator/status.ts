// PURE: inputs -> the complete status. Times move only when a condition's status does.
import { CONDITION_TYPES, type Verdict } from '../api/conditions.ts';
import { selectorLabels } from '../api/names.ts';
import type { Condition, Status } from '../api/protected-mcp-server.gen.ts';
import { resourceIdentifier } from '../desired/resource.ts';
import { accepted } from './checks/accepted.ts';
import { certificateReady } from './checks/certificate-ready.ts';
import { isolated } from './checks/isolated.ts';
import { keysAvailable } from './checks/keys-available.ts';
import { ready } from './checks/ready.ts';
import type { Inputs } from './inputs.ts';

/** Longer messages are cut: the CRD allows no more. */
const MAX_MESSAGE = 1024;

/** The conditions in the order in which they are listed. */
export function verdicts(inputs: Inputs): Verdict[] {
  const observed = [certificateReady(inputs), keysAvailable(inputs), isolated(inputs)];
  const others = [accepted(inputs), ...observed.map((verdict) => settled(verdict, inputs))];
  const all: Verdict[] = [...others, ready(inputs, others)];
  return all.toSorted((a, b) => CONDITION_TYPES.indexOf(a.type) - CONDITION_TYPES.indexOf(b.type));
}

/**
 * What was known stands until the pods were looked at: an operator that has just started knows nothing yet, and must not
 * take every server in the cluster for broken.
 */
function settled(verdict: Verdict, { server, pods }: Inputs): Verdict {
  const isProbing = pods.some(({ ip, report }) => ip !== undefined && report === undefined);
  const previous = server.status?.conditions?.find(({ type }) => type === verdict.type);
  if (verdict.status !== 'Unknown' || !isProbing || previous === undefined) return verdict;
  const { status, reason, message } = previous;
  return { ...verdict, status, reason, message } as Verdict; // written by us: its reason is one of the type's
}

export function status(inputs: Inputs): Status {
  const { server, deployment, now } = inputs;
  const generation = server.metadata.generation ?? 0;
  const previous = new Map((server.status?.conditions ?? []).map((condition) => [condition.type, condition]));
  return {
    observedGeneration: generation,
    address: { url: resourceIdentifier(server) },
    replicas: deployment?.status?.replicas ?? 0,
    readyReplicas: deployment?.status?.readyReplicas ?? 0,
    selector: Object.entries(selectorLabels(server.metadata.name))
      .map(([name, value]) => `${name}=${value}`)
      .join(','),
    conditions: verdicts(inputs).map((verdict) =>
      condition(verdict, previous.get(verdict.type), generation, now),
    ),
  };
}

function condition(
  verdict: Verdict,
  previous: Condition | undefined,
  observedGeneration: number,
  now: number,
): Condition {
  const { type, status, reason, message } = verdict;
  const same = previous?.status === status;
  return {
    type,
    status,
    reason,
    message: message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE - 1)}…` : message,
    observedGeneration,
    lastTransitionTime: same
      ? previous.lastTransitionTime
      : new Date(now).toISOString().replace(/\.\d+Z$/, 'Z'),
  };
}
