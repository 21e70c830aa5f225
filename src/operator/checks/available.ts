// Available: whether clients are served at all, by the newest version or by one before.
import type { Verdict } from '../../protocol/conditions.ts';
import type { Inputs } from '../inputs.ts';

export function available({ deployment, isWaiting }: Inputs): Verdict<'Available'> {
  const type = 'Available';
  const { availableReplicas = 0, updatedReplicas = 0, replicas = 0 } = deployment?.status ?? {};
  if (availableReplicas === 0)
    return { type, status: 'False', reason: 'ReplicasUnavailable', message: 'No pod serves requests.' };
  const isMixed = isWaiting || updatedReplicas < replicas;
  const message = isMixed
    ? 'Pods serve requests; some, or all, are of an earlier version: see condition Progressing.'
    : 'Pods of the newest version serve requests.';
  return { type, status: 'True', reason: 'ReplicasAvailable', message };
}
