// PURE: which pods are changed a little, so that the kubelet brings the newest configuration into them now. It looks at mounted
// ConfigMaps when a pod changes, and otherwise only every minute or so.
import { CONFIGURATION_ANNOTATION } from '../api/names.ts';
import type { PodState } from './inputs.ts';
import { PODS, type Pod } from './kinds.ts';
import { hasRefused } from './sidecar-status.ts';

/** The kubelet may see the pod before the ConfigMap: it is tried again, each time after twice as long (milliseconds). */
const FIRST_RETRY_MS = 4_000;
/** By then the kubelet has looked by itself. */
const MAX_ATTEMPTS = 5;

/** What the annotation says: `<digest>.<attempt>.<time>`. */
interface Nudge {
  readonly digest: string;
  readonly attempt: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** The changes to make now: each is a pod with the annotation alone. */
export function nudges(namespace: string, pods: readonly PodState[], digest: string, now: number): Pod[] {
  return pods
    .filter((pod) => isOutdated(pod, digest))
    .flatMap((pod) => {
      const last = lastNudge(pod, digest);
      if (last !== undefined && (last.attempt >= MAX_ATTEMPTS || now < retryAt(last))) return [];
      const value = `${short(digest)}.${(last?.attempt ?? 0) + 1}.${now}`;
      const { apiVersion, kind } = PODS;
      const { name, uid } = pod;
      return [
        {
          apiVersion,
          kind,
          metadata: { name, namespace, uid, annotations: { [CONFIGURATION_ANNOTATION]: value } },
        },
      ];
    });
}

/** When the next nudge is due (milliseconds since the epoch); undefined when none is. */
export function nextNudge(pods: readonly PodState[], digest: string): number | undefined {
  const due = pods
    .filter((pod) => isOutdated(pod, digest))
    .map((pod) => lastNudge(pod, digest))
    .filter((last) => last !== undefined && last.attempt < MAX_ATTEMPTS)
    .map((last) => retryAt(last!));
  return due.length === 0 ? undefined : Math.min(...due);
}

function isOutdated({ report }: PodState, digest: string): boolean {
  const { status } = report ?? {};
  return status !== undefined && status.configDigest !== digest && !hasRefused(status, digest);
}

function lastNudge({ configuration }: PodState, digest: string): Nudge | undefined {
  const [of = '', attempt = '', at = ''] = (configuration ?? '').split('.');
  if (of !== short(digest) || !/^\d$/.test(attempt) || !/^\d{1,15}$/.test(at)) return undefined;
  return { digest, attempt: Number(attempt), at: Number(at) };
}

function retryAt({ attempt, at }: Nudge): number {
  return at + FIRST_RETRY_MS * 2 ** (attempt - 1);
}

function short(digest: string): string {
  return digest.slice(0, 16);
}
