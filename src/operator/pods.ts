// PURE: pods as the checks look at them, and as the prober reaches them. Connects to nothing.
import type { PodState } from './inputs.ts';
import type { Pod } from './kinds.ts';
import type { ProbeTarget } from './prober.ts';

export function isTerminating({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined;
}

/** Where a pod is probed; nothing while it does not run. */
export function probeTargets(pod: Pod, serverPort: number | undefined): ProbeTarget[] {
  const { metadata, status } = pod;
  const ip = status?.podIP;
  if (serverPort === undefined || ip === undefined || isTerminating(pod) || status?.phase !== 'Running')
    return [];
  return [{ podUid: metadata.uid ?? '', ip, serverPort }];
}

export function podState(pod: Pod, report: PodState['report']): PodState {
  const { metadata, status } = pod;
  return {
    uid: metadata.uid ?? '',
    name: metadata.name ?? '',
    ip: status?.podIP,
    ready:
      status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false,
    trouble: waitingReason(pod),
    report,
  };
}

/** The first thing that keeps a pod from running, in the words of Kubernetes. */
function waitingReason({ status }: Pod): string | undefined {
  for (const { name, state } of status?.containerStatuses ?? []) {
    const { reason, message } = state?.waiting ?? {};
    // Every pod passes through these two.
    if (reason === undefined || reason === 'PodInitializing' || reason === 'ContainerCreating') continue;
    return `container "${name}" is waiting: ${reason} ${message ?? ''}`.trim();
  }
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  return scheduled?.status === 'False' ? scheduled.message : undefined;
}
