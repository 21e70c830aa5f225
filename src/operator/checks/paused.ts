// Paused: that the operator leaves the server alone, and what that means for a generation that it has not applied.
import type { Verdict } from '../../protocol/conditions.ts';
import { PAUSED_ANNOTATION } from '../../api/names.ts';
import type { Inputs } from '../inputs.ts';

export function paused({ server }: Inputs): Verdict<'Paused'> {
  const message = `The annotation ${PAUSED_ANNOTATION} is "true": no object of the server is written. ${resume(server)}`;
  return { type: 'Paused', status: 'True', reason: 'Paused', message };
}

/** Whether the objects may be those of an older generation: a paused server was changed, or was never applied. */
export function isOutdated({ server, paused: isPaused }: Inputs): boolean {
  return isPaused && server.status?.observedGeneration !== server.metadata.generation;
}

export function notAccepted({ server }: Inputs): Verdict<'Accepted'> {
  return { type: 'Accepted', status: 'False', reason: 'Paused', message: notApplied(server) };
}

export function notReady({ server }: Inputs): Verdict<'Ready'> {
  return { type: 'Ready', status: 'False', reason: 'Paused', message: notApplied(server) };
}

function notApplied(server: Inputs['server']): string {
  return `Generation ${server.metadata.generation ?? 0} is not applied: the server is paused. ${resume(server)}`;
}

function resume({ metadata }: Inputs['server']): string {
  return `To resume: kubectl annotate pmcp ${metadata.name} --namespace ${metadata.namespace} ${PAUSED_ANNOTATION}-`;
}
