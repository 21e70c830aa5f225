// Ready: whether clients with a valid token can use this generation of the server. Sums the other conditions up.
import type { ReadyReason, Verdict } from '../../protocol/conditions.ts';
import type { EndpointState } from '../../protocol/sidecar-status.ts';
import type { Inputs, PodState } from '../inputs.ts';
import { podsTrouble, rolloutOf } from './rollout.ts';

/** The reason for each condition that Ready depends on. Isolated is not among them: clients can use a server that is not isolated. */
const NOT_READY = {
  Accepted: 'NotAccepted',
  CertificateReady: 'CertificateNotReady',
  KeysAvailable: 'KeysNotAvailable',
} as const satisfies Record<string, ReadyReason>;

export function ready(inputs: Inputs, others: readonly Verdict[]): Verdict<'Ready'> {
  const failed = others.find(({ type, status }) => type in NOT_READY && status === 'False');
  if (failed !== undefined) {
    const reason = NOT_READY[failed.type as keyof typeof NOT_READY]; // `in` has just looked
    return no(reason, failed.message);
  }
  return unfinished(inputs) ?? unusable(inputs, others) ?? yes(inputs);
}

/** The newest version is not there, or does not serve. */
function unfinished({ deployment, pods }: Inputs): Verdict<'Ready'> | undefined {
  const rollout = rolloutOf({ deployment, pods });
  switch (rollout.kind) {
    case 'pending':
      return no(
        'Progressing',
        'The Deployment is being rolled out: kubectl rollout status shows how far it is.',
      );
    case 'scaled-to-zero':
      return no('ScaledToZero', 'The Deployment has no replicas: scale it up to serve requests.');
    case 'stalled':
      return stalled(rollout.cause, deployment?.status?.availableReplicas ?? 0);
    case 'rolling-out':
      return no('Progressing', `${rollout.updated} of ${rollout.replicas} pod(s) are of the newest version.`);
    case 'complete':
      if (rollout.available > 0) return undefined;
      return no(
        'ReplicasUnavailable',
        podsTrouble(pods) ?? 'No pod is ready: kubectl describe pod shows why.',
      );
    default:
      return rollout satisfies never;
  }
}

function stalled(cause: string, available: number): Verdict<'Ready'> {
  if (available === 0) return no('ReplicasUnavailable', cause);
  return no('RolloutStalled', `The newest version does not get ready; an earlier one serves. ${cause}`);
}

/** Pods serve, and yet clients would not get what this generation says. */
function unusable({ pods }: Inputs, others: readonly Verdict[]): Verdict<'Ready'> | undefined {
  const configuration = others.find(({ type }) => type === 'ConfigurationCurrent');
  if (configuration?.status === 'False') return no('ConfigurationNotCurrent', configuration.message);
  const misplaced = pods.find(({ report }) => isUnusable(report?.status?.server?.endpoint));
  if (misplaced !== undefined) return no('EndpointNotUsable', endpointMessage(misplaced));
  const unknown = others.find(
    ({ type, status }) => (type in NOT_READY || type === 'ConfigurationCurrent') && status === 'Unknown',
  );
  return unknown && no('Progressing', unknown.message);
}

function isUnusable(endpoint: EndpointState | undefined): boolean {
  return endpoint !== undefined && endpoint !== 'usable' && endpoint !== 'unknown';
}

function endpointMessage({ name, report }: PodState): string {
  const endpoint = report?.status?.server?.endpoint;
  const said: Partial<Record<EndpointState, string>> = {
    not_found: 'has nothing there (404): correct spec.server.path.',
    method_not_allowed: 'takes no POST there (405): correct spec.server.path.',
    redirect:
      'redirects from there: set spec.server.path to the path that it redirects to, a slash at its end included.',
    unauthorized: 'asks for credentials of its own (401): turn its authorization off, the sidecar does it.',
  };
  return `The MCP server in pod ${name} ${(endpoint && said[endpoint]) ?? ''}`;
}

function yes({ deployment, pods }: Inputs): Verdict<'Ready'> {
  const { replicas = 1 } = deployment?.spec ?? {};
  const { availableReplicas = 0 } = deployment?.status ?? {};
  const tail = availableReplicas < replicas ? (podsTrouble(pods) ?? '') : '';
  const message = `${availableReplicas} of ${replicas} pod(s) serve requests. ${tail}`.trimEnd();
  return { type: 'Ready', status: 'True', reason: 'Ready', message };
}

function no(reason: ReadyReason, message: string): Verdict<'Ready'> {
  return { type: 'Ready', status: 'False', reason, message };
}
