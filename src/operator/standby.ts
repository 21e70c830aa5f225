// PURE: why an operator does nothing, or not everything, though nothing is wrong with it. For /readyz and `helm test`.
import { OK, STARTING, WAITING } from '../protocol/operator-standing.ts';

interface Standing {
  readonly leads: boolean;
  /** Whether it reconciles: a leader's first steps are done. */
  readonly works: boolean;
  readonly lease: string;
  /** The identity of the leader; undefined when it is not known yet. */
  readonly leader: string | undefined;
  readonly podName: string;
  readonly ofOthers: readonly { readonly namespace: string; readonly holder: string }[];
}

/** More are not named. */
const MOST_NAMES = 10;

export function standing({ leads, works, lease, leader, podName, ofOthers }: Standing): string {
  if (!leads && leader === undefined) return `${WAITING} ${lease}`;
  if (!leads && isOfAnotherRelease(leader, podName))
    return `standing by: Lease ${lease} is held by ${leader ?? ''} of another release; set leaderElection.leaseName`;
  if (ofOthers.length > 0) {
    const named = ofOthers.slice(0, MOST_NAMES).map(({ namespace, holder }) => `${namespace} (${holder})`);
    return `standing down: other installations manage ${ofOthers.length} namespace(s): ${named.join(', ')}`;
  }
  if (!leads) return `${OK}: standing by for ${leader ?? ''}`;
  return works ? OK : STARTING;
}

/** The pods of one Deployment have its name, and two parts more. */
export function isOfAnotherRelease(leader: string | undefined, podName: string): boolean {
  return leader !== undefined && deploymentOf(leader.replace(/_.*$/, '')) !== deploymentOf(podName);
}

function deploymentOf(podName: string): string {
  return podName.replace(/(-[^-]+){2}$/, '');
}
