// PURE: what keeps a pod from running or serving, in the words of Kubernetes. Reads nothing but the pod.
import { SIDECAR_CONTAINER } from '../api/names.ts';
import { CONFIG_EXIT_CODE } from '../protocol/sidecar-status.ts';
import { VERSION } from '../protocol/version.ts';
import type { ContainerStatus, Pod } from './kinds.ts';

/** Every pod passes through these two. */
const STARTING: ReadonlySet<string> = new Set(['PodInitializing', 'ContainerCreating']);
/** Of a container's last words, and of what a sidecar says of a configuration that it cannot use (characters). */
const MAX_LAST_WORDS = 200;
const MAX_REFUSAL = 512;
/** Exit codes above are of containers that a signal ended: what they said last is not why. */
const LAST_OWN_EXIT_CODE = 128;

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

type Termination = NonNullable<NonNullable<ContainerStatus['state']>['terminated']>;

function containerTrouble(container: ContainerStatus): string | undefined {
  const { name, ready, restartCount, state, lastState } = container;
  const { waiting, terminated } = state ?? {};
  const before = lastState?.terminated;
  const exit = (termination: Termination) => exitOf(termination, container);
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
function exitOf({ reason, exitCode, message }: Termination, { name, image }: ContainerStatus): string {
  const why = reason === undefined || reason === 'Error' ? '' : `, ${reason}`;
  const code = `exit code ${exitCode}${why}`;
  if (name === SIDECAR_CONTAINER && exitCode === CONFIG_EXIT_CODE)
    return `${sentence(code, lastWords(message, MAX_REFUSAL))}. ${refusal(image)}`;
  return sentence(code, exitCode > LAST_OWN_EXIT_CODE ? undefined : lastWords(message, MAX_LAST_WORDS));
}

/** A sidecar that starts with a configuration that it cannot use must not guess what it is to refuse. */
function refusal(image: string | undefined): string {
  return (
    `The image ${image ?? ''} cannot use the configuration of this operator, version ${VERSION}: ` +
    'set spec.sidecar.image to the sidecar of that version, or take out the field that it does not know'
  );
}

/** One line, without what would move the cursor of a terminal that shows the condition. */
function lastWords(message: string | undefined, length: number): string | undefined {
  const line = message?.trim().replace(/\s*\n\s*/g, '; ');
  return line?.replace(/\p{C}/gu, '\uFFFD').slice(-length).toWellFormed();
}

function sentence(reason: string, message: string | undefined): string {
  return message === undefined || message === '' ? reason : `${reason}: ${message}`;
}
