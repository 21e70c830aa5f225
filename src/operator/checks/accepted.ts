// Accepted: whether every object of the server was applied.
import type { Verdict } from '../../protocol/conditions.ts';
import type { Inputs } from '../inputs.ts';

export function accepted({ failure }: Inputs): Verdict<'Accepted'> {
  const type = 'Accepted';
  if (failure !== undefined)
    return { type, status: 'False', reason: failure.reason, message: failure.message };
  return { type, status: 'True', reason: 'Accepted', message: 'All resources applied.' };
}
