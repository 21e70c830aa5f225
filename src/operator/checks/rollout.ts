// PURE: how far the newest version of a server has come, from its Deployment and its pods. Progressing, Available and Ready
// say it in conditions.
import type { Deployment } from '../kinds.ts';
import type { Inputs, PodState } from '../inputs.ts';

type Rollout =
  /** There is no Deployment, or its controller has not looked at it. */
  | { readonly kind: 'pending' }
  | { readonly kind: 'scaled-to-zero' }
  /** Pods of an earlier version are there, or too few of the newest. */
  | { readonly kind: 'rolling-out'; readonly updated: number; readonly replicas: number }
  /** The same, and this is in the way. */
  | { readonly kind: 'stalled'; readonly cause: string }
  /** Every pod is of the newest version, and as many as were asked for have been available. */
  | { readonly kind: 'complete'; readonly available: number; readonly replicas: number };

export function rolloutOf({ deployment, pods }: Pick<Inputs, 'deployment' | 'pods'>): Rollout {
  if (deployment === undefined || deployment.status?.observedGeneration !== deployment.metadata.generation)
    return { kind: 'pending' };
  const { replicas = 1 } = deployment.spec ?? {};
  const { replicas: all = 0, updatedReplicas: updated = 0, availableReplicas = 0 } = deployment.status ?? {};
  if (replicas === 0 && all === 0) return { kind: 'scaled-to-zero' };
  const isNewestAlone = updated > 0 && updated === all;
  if (isNewestAlone && (availableReplicas >= replicas || wasComplete(deployment)))
    return { kind: 'complete', available: availableReplicas, replicas };
  const cause = causeOf(deployment, pods);
  return cause === undefined ? { kind: 'rolling-out', updated, replicas } : { kind: 'stalled', cause };
}

/** A version that was complete once stays so for Kubernetes: a pod that fails later is no rollout. */
function wasComplete(deployment: Deployment): boolean {
  return condition(deployment, 'Progressing')?.reason === 'NewReplicaSetAvailable';
}

/** What names the object to look at comes first; that the deadline has passed says least. */
function causeOf(deployment: Deployment, pods: readonly PodState[]): string | undefined {
  const refused = condition(deployment, 'ReplicaFailure');
  const { namespace, name } = deployment.metadata;
  if (refused?.status === 'True')
    return `Deployment ${namespace}/${name}: ${refused.reason ?? 'ReplicaFailure'}: ${refused.message ?? ''}`;
  const trouble = podsTrouble(pods);
  if (trouble !== undefined) return trouble;
  const progress = condition(deployment, 'Progressing');
  if (progress?.status !== 'False') return undefined;
  return `Deployment ${namespace}/${name}: ${progress.reason ?? 'Progressing'}: ${progress.message ?? ''}`;
}

/** What is wrong with the pods of the newest version, the newest of them first: what an earlier one has is no hindrance. */
export function podsTrouble(pods: readonly PodState[]): string | undefined {
  const newestFirst = pods.toSorted((a, b) => b.createdAt - a.createdAt);
  const newest = newestFirst.filter(({ template }) => template === newestFirst[0]?.template);
  const broken = newest.find(({ trouble }) => trouble !== undefined);
  if (broken !== undefined) return `Pod ${broken.name}: ${broken.trouble}`;
  const unready = newest.find(({ report }) => report?.status?.ready === false);
  return unready && `Pod ${unready.name}: ${unready.report?.status?.problems.join('; ')}`;
}

function condition({ status }: Deployment, wanted: string) {
  return status?.conditions?.find(({ type }) => type === wanted);
}
