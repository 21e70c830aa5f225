// PURE: what keeps a pod from running or serving, in the words of Kubernetes. Reads nothing but the pod.
import type { ContainerStatus, Pod } from './kinds.ts';

/** Every pod passes through these two. */
const STARTING: ReadonlySet<string> = new Set(['PodInitializing', 'ContainerCreating']);
/** Of a container's last words (characters). */
const MAX_LAST_WORDS = 200;

/** The first thing that is wrong with a pod; undefined when nothing is, or not yet. */
export function podTrouble({ status }: Pod): string | undefined {
  if (status?.phase === 'Failed') return sentence(status.reason ?? 'Failed', status.message);
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const stopped = containers.map(containerTrouble).find((trouble) => trouble !== undefined);
  if (stopped !== undefined) return stopped;
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  return scheduled?.status === 'False'
    ? sentence(scheduled.reason ?? 'Unschedulable', scheduled.message)
    : undefined;
}

/** Whether a pod that has its node has no container yet: its volumes, or its network, keep it waiting. */
export function isStarting({ status }: Pod): boolean {
  const scheduled = status?.conditions?.some(
    ({ type, status: value }) => type === 'PodScheduled' && value === 'True',
  );
  if (status?.phase !== 'Pending' || scheduled !== true) return false;
  const containers = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  return containers.every(({ state }) => STARTING.has(state?.waiting?.reason ?? 'ContainerCreating'));
}

function containerTrouble({
  name,
  ready,
  restartCount,
  state,
  lastState,
}: ContainerStatus): string | undefined {
  const { waiting, terminated } = state ?? {};
  const before = lastState?.terminated;
  if (waiting?.reason !== undefined && !STARTING.has(waiting.reason)) {
    const ended = before && ` (${exit(before)})`;
    return `container "${name}" is waiting: ${sentence(waiting.reason, waiting.message)}${ended ?? ''}`;
  }
  if (terminated !== undefined && terminated.exitCode !== 0)
    return `container "${name}" ended: ${exit(terminated)}`;
  if (!ready && before !== undefined)
    return `container "${name}" was restarted ${restartCount ?? 1} time(s): ${exit(before)}`;
  return undefined;
}

/** 137 alone would leave people to guess; `OOMKilled` does not. */
function exit({
  reason,
  exitCode,
  message,
}: NonNullable<NonNullable<ContainerStatus['state']>['terminated']>): string {
  const why = reason === undefined || reason === 'Error' ? '' : `, ${reason}`;
  return sentence(`exit code ${exitCode}${why}`, message?.trim().slice(-MAX_LAST_WORDS));
}

function sentence(reason: string, message: string | undefined): string {
  return message === undefined || message === '' ? reason : `${reason}: ${message}`;
}
