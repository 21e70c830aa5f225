// PURE: pods as the checks look at them, and as the prober reaches them. Connects to nothing.
import type { PodState } from './inputs.ts';
import type { Pod } from './kinds.ts';
import { CONFIGURATION_ANNOTATION } from '../api/names.ts';
import { isStarting, podTrouble } from './pod-trouble.ts';
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

/** @param warning what the cluster's events say of a pod that does not start */
export function podState(pod: Pod, report: PodState['report'], warning: string | undefined): PodState {
  const { metadata, status } = pod;
  return {
    uid: metadata.uid ?? '',
    name: metadata.name ?? '',
    ip: status?.podIP,
    ready:
      status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false,
    template: metadata.labels?.['pod-template-hash'] ?? '',
    createdAt: Date.parse(metadata.creationTimestamp ?? '') || 0,
    starting: isStarting(pod),
    configuration: metadata.annotations?.[CONFIGURATION_ANNOTATION],
    trouble: podTrouble(pod) ?? warning,
    report,
  };
}
