// Ready: whether clients with a valid token can use the server. Sums the other conditions up and looks at the pods.
import type { ReadyReason, Verdict } from '../../protocol/conditions.ts';
import type { Inputs } from '../inputs.ts';

/** The reason for each condition that Ready depends on. Isolated is not among them: clients can use a server that is not isolated. */
const NOT_READY = {
  Accepted: 'NotAccepted',
  CertificateReady: 'CertificateNotReady',
  KeysAvailable: 'KeysNotAvailable',
} as const satisfies Record<string, ReadyReason>;

export function ready(
  { deployment, pods, configDigest }: Inputs,
  others: readonly Verdict[],
): Verdict<'Ready'> {
  const failed = others.find(({ type, status }) => type in NOT_READY && status === 'False');
  if (failed !== undefined) {
    const reason = NOT_READY[failed.type as keyof typeof NOT_READY]; // `in` has just looked
    return no(reason, failed.message);
  }
  if (
    deployment?.status?.observedGeneration !== deployment?.metadata.generation ||
    deployment === undefined
  ) {
    return no(
      'Progressing',
      'The Deployment is being rolled out: kubectl rollout status shows how far it is.',
    );
  }
  const { replicas = 1 } = deployment.spec ?? {};
  const { availableReplicas = 0, updatedReplicas = 0 } = deployment.status ?? {};
  if (replicas === 0)
    return no('ScaledToZero', 'The Deployment has no replicas: scale it up to serve requests.');
  if (availableReplicas === 0)
    return no('ReplicasUnavailable', trouble(pods) ?? 'No pod is ready yet: kubectl describe pod shows why.');
  const unknown = others.find(({ type, status }) => type in NOT_READY && status === 'Unknown');
  if (unknown !== undefined) return no('Progressing', unknown.message);
  const tail = [
    ...(updatedReplicas < replicas || availableReplicas < replicas
      ? [`${updatedReplicas} of ${replicas} are of the newest version.`, trouble(pods) ?? '']
      : []),
    // Mounted files follow their ConfigMap within the kubelet's sync period.
    ...(pods.some(({ report }) => report?.status !== undefined && report.status.configDigest !== configDigest)
      ? ['The newest configuration has not reached every pod yet: that takes up to two minutes.']
      : []),
  ];
  const message = [`${availableReplicas} of ${replicas} pod(s) serve requests.`, ...tail].join(' ').trimEnd();
  return { type: 'Ready', status: 'True', reason: 'Ready', message };
}

function trouble(pods: Inputs['pods']): string | undefined {
  const pod = pods.find((candidate) => candidate.trouble !== undefined);
  if (pod !== undefined) return `Pod ${pod.name}: ${pod.trouble}`;
  const unready = pods.find(({ report }) => report?.status?.ready === false);
  return unready && `Pod ${unready.name}: ${unready.report?.status?.problems.join('; ')}`;
}

function no(reason: ReadyReason, message: string): Verdict<'Ready'> {
  return { type: 'Ready', status: 'False', reason, message };
}
