// Why pods are not ready: in a few words while one waits, in full when they never are.
import { kubectl } from '../../test/cluster/cluster.ts';

interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly terminated?: { readonly reason?: string; readonly exitCode: number };
}

export interface Pod {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly status: {
    readonly phase: string;
    readonly conditions?: readonly { type: string; status: string; message?: string }[];
    readonly containerStatuses?: readonly {
      readonly name: string;
      readonly ready: boolean;
      readonly state: ContainerState;
      readonly lastState?: ContainerState;
    }[];
  };
}

interface Event {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly involvedObject: { readonly name: string };
}

const LOG_LINES = 15;
const EVENTS = 3;

async function pods(namespace: string, selector: string): Promise<Pod[]> {
  const args = ['get', 'pods', '--namespace', namespace, '--selector', selector, '--output=json'];
  const { items } = JSON.parse(await kubectl(args)) as { items: Pod[] };
  return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

/** What keeps the first pod that is not ready, in a few words. */
export async function podsMissing(namespace: string, selector: string): Promise<string> {
  const all = await pods(namespace, selector);
  const unready = all.find((pod) => !isReady(pod));
  if (all.length === 0) return 'no pod yet';
  return unready === undefined ? 'almost there' : podState(unready);
}

function isReady({ status }: Pod): boolean {
  return (
    status.phase === 'Succeeded' ||
    (status.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True')
  );
}

/** PURE: a pod's state as a person would say it. */
export function podState({ status }: Pod): string {
  const container = status.containerStatuses?.find(({ ready }) => !ready);
  const { waiting, terminated } = container?.state ?? {};
  if (waiting?.reason === 'ContainerCreating') return 'its container is being made';
  if (waiting) return [waiting.reason, waiting.message].filter(Boolean).join(': ');
  if (terminated?.exitCode === 0) return 'almost there';
  if (terminated) return `ended: ${terminated.reason ?? ''} (exit code ${terminated.exitCode})`;
  if (container) return 'it is starting';
  const scheduled = status.conditions?.find(({ type }) => type === 'PodScheduled');
  return scheduled?.status === 'False' ? (scheduled.message ?? 'it has no node') : status.phase.toLowerCase();
}

/** The state, the last warnings and the last log lines of every pod that is not ready. */
export async function explainPods(namespace: string, selector: string): Promise<string> {
  const unready = (await pods(namespace, selector)).filter((pod) => !isReady(pod));
  const parts = unready.map(async (pod) => {
    const { name } = pod.metadata;
    const [warnings, log] = await Promise.all([warningsOf(namespace, name), logOf(namespace, pod)]);
    return [`pod ${namespace}/${name}: ${podState(pod)}`, ...warnings, ...log].join('\n    ');
  });
  return (await Promise.all(parts)).join('\n');
}

async function warningsOf(namespace: string, pod: string): Promise<string[]> {
  const args = ['get', 'events', '--namespace', namespace, `--field-selector=involvedObject.name=${pod}`];
  const { items } = JSON.parse(await kubectl([...args, '--output=json'])) as { items: Event[] };
  return items
    .filter(({ type }) => type === 'Warning')
    .slice(-EVENTS)
    .map(({ reason, message }) => `event ${reason}: ${message}`);
}

/** Of the container before, when this one has not started again. */
async function logOf(namespace: string, { metadata, status }: Pod): Promise<string[]> {
  const previous = status.containerStatuses?.some(
    ({ state, lastState }) => state.waiting !== undefined && lastState?.terminated !== undefined,
  );
  const args = ['logs', '--namespace', namespace, metadata.name, '--all-containers', `--tail=${LOG_LINES}`];
  // There may be no log: the container never ran.
  const text = await kubectl(previous ? [...args, '--previous'] : args).catch(() => '');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => `log ${line}`);
}
