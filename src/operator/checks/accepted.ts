// Accepted: whether the objects of the server exist as they should.
import type { Verdict } from '../../api/conditions.ts';
import type { Inputs } from '../inputs.ts';

export function accepted({ refusal }: Inputs): Verdict<'Accepted'> {
  const type = 'Accepted';
  if (refusal !== undefined)
    return { type, status: 'False', reason: refusal.reason, message: refusal.message };
  return {
    type,
    status: 'True',
    reason: 'Accepted',
    message: 'All objects of the server are as they should be.',
  };
}
