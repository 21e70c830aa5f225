// Progressing: whether a new version is on its way, and what keeps it from arriving.
import type { ProgressingReason, Verdict } from '../../protocol/conditions.ts';
import type { Inputs } from '../inputs.ts';
import { rolloutOf } from './rollout.ts';

export function progressing(inputs: Inputs): Verdict<'Progressing'> {
  const rollout = rolloutOf(inputs);
  switch (rollout.kind) {
    case 'pending':
      return verdict('Unknown', 'Pending', 'The Deployment is not rolled out yet.');
    case 'rolling-out':
      return verdict(
        'True',
        'RollingOut',
        `${rollout.updated} of ${rollout.replicas} pod(s) are of the newest version.`,
      );
    case 'stalled':
      return verdict('False', 'Stalled', `The newest version does not get ready. ${rollout.cause}`);
    case 'scaled-to-zero':
    case 'complete':
      if (inputs.isWaiting) return verdict('False', 'WaitingForTurn', WAITING);
      return verdict('False', 'Complete', 'The newest version is rolled out.');
    default:
      return rollout satisfies never;
  }
}

const WAITING =
  'The version before is rolled out. The newest version of the sidecar waits for its turn: a few servers at a time get it, ' +
  'and no more while those do not get ready.';

function verdict(
  status: Verdict<'Progressing'>['status'],
  reason: ProgressingReason,
  message: string,
): Verdict<'Progressing'> {
  return { type: 'Progressing', status, reason, message };
}
