// PURE: one server as the waves look at it: which version it has, and how it is with it. Cheap: it is asked of all servers.
import { PAUSED_ANNOTATION, REVISION_ANNOTATION } from '../api/names.ts';
import type { Applied } from '../api/protected-mcp-server.gen.ts';
import { objectKey } from '../kube/object.ts';
import type { ConditionType } from '../protocol/conditions.ts';
import { rolloutOf } from './checks/rollout.ts';
import type { Deployment, ServerObject } from './kinds.ts';

/**
 * How a server is with the version that it has: rolled out and serving; without replicas, or with a Deployment that is being
 * deleted and is not rolled out any more; on its way; not getting there.
 */
export type Progress = 'done' | 'idle' | 'under-way' | 'failing';

export interface Member {
  readonly key: string;
  readonly namespace: string;
  /** The version that it has. */
  readonly revision: string;
  /** Whether there is a newer one. */
  readonly isWaiting: boolean;
  readonly progress: Progress;
  /** How the version was that this one replaced. */
  readonly replaced: Applied['replaced'];
  /**
   * Whether it is surely the operator's sidecar that runs: not one that the resource names, not what users may have put into a
   * Deployment that is not put right, and not by the word of an annotation, which users can write.
   */
  readonly isEvidence: boolean;
  /** Whether its objects could not be applied when that was tried last. */
  readonly isRefused: boolean;
}

/** Undefined for a server that has nothing yet, is being deleted, or is paused: it has no turn. @param newest a revision */
export function memberOf(
  server: ServerObject,
  live: Deployment | undefined,
  newest: string,
): Member | undefined {
  const { metadata, spec, status } = server;
  const { applied } = status ?? {};
  const isAway = metadata.deletionTimestamp !== undefined || isPaused(server);
  if (live === undefined || applied === undefined || isAway) return undefined;
  const waits = isWaiting(server, live, newest);
  const isRefused = conditionOf(server, 'Accepted')?.status === 'False';
  return {
    key: objectKey(server),
    namespace: metadata.namespace ?? '',
    revision: waits ? applied.revision : newest,
    isWaiting: waits,
    progress: progressOf(server, live),
    // Until the status says more of the version that was just applied, it counts.
    replaced: waits || applied.revision === newest ? applied.replaced : 'Ready',
    isEvidence:
      !(spec as Partial<ServerObject['spec']> | undefined)?.sidecar?.image &&
      !isRefused &&
      (waits || applied.revision === newest),
    isRefused,
  };
}

/** Whether a server has an earlier version. @param live its own Deployment @param newest a revision */
export function isWaiting(server: ServerObject, live: Deployment | undefined, newest: string): boolean {
  const known = server.status?.applied?.revision;
  return (
    known !== undefined && known !== newest && live?.metadata.annotations?.[REVISION_ANNOTATION] !== newest
  );
}

/** People write `yes` and `1` as well: who sets it means to pause, unless the value says no. */
export function isPaused({ metadata }: ServerObject): boolean {
  const value = metadata.annotations?.[PAUSED_ANNOTATION];
  return value !== undefined && !/^(false|no|off|0)$/i.test(value.trim());
}

export function progressOf(server: ServerObject, deployment: Deployment): Progress {
  // Kept by a finalizer that a user has set, it may be so for good.
  if (deployment.metadata.deletionTimestamp !== undefined) return 'idle';
  const rollout = rolloutOf({ deployment, pods: [] });
  switch (rollout.kind) {
    case 'scaled-to-zero':
      return 'idle';
    case 'complete':
      return rollout.available > 0 ? 'done' : 'failing';
    case 'stalled':
      return 'failing';
    case 'pending':
    case 'rolling-out':
      // What is wrong with the pods was looked at for the condition.
      return conditionOf(server, 'Progressing')?.reason === 'Stalled' ? 'failing' : 'under-way';
    default:
      return rollout satisfies never;
  }
}

function conditionOf({ status }: ServerObject, wanted: ConditionType) {
  return status?.conditions?.find(({ type }) => type === wanted);
}
