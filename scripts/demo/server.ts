// The sample server in the cluster: applied, and waited for until it is Ready.
import { join } from 'node:path';
import { kubectl } from '../../test/cluster/cluster.ts';
import { NAMESPACE, ROOT, SAMPLE, SERVER } from './names.ts';
import { explainPods } from './pods.ts';
import type { Report } from './report.ts';
import { waitUntil } from './wait.ts';

const TIMEOUT_MS = 180_000;

/** The commands that do the same by hand. */
export const SERVER_COMMANDS = [
  `kubectl apply -f ${SAMPLE}`,
  `kubectl wait --namespace ${NAMESPACE} --for=condition=Ready pmcp/${SERVER} --timeout=3m`,
] as const;

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

export async function ensureServer(report: Report, stop: AbortSignal): Promise<void> {
  report(`server: kubectl applies ${SAMPLE}`);
  await kubectl(['apply', '--filename', join(ROOT, SAMPLE)]);
  await waitUntil(serverMissing, {
    what: 'server',
    timeoutMs: TIMEOUT_MS,
    report,
    stop,
    explain: async () =>
      [
        ...(await conditions()).map(({ type, status, reason, message }) =>
          `  ${type}=${status} ${reason}: ${message}`.trimEnd(),
        ),
        await explainPods(NAMESPACE, `app.kubernetes.io/instance=${SERVER}`),
      ].join('\n'),
  });
}

/** What the first condition that is not as it should be says; a status of an earlier generation counts for nothing. */
async function serverMissing(): Promise<string | undefined> {
  const all = await conditions();
  if (all.length === 0) return 'the operator has not looked at it yet';
  const open = all.find(({ type, status }) => status !== (type === 'Progressing' ? 'False' : 'True'));
  return open && `${open.type} is ${open.status}: ${open.message}`;
}

async function conditions(): Promise<Condition[]> {
  const text = await kubectl(['get', 'pmcp', SERVER, '--namespace', NAMESPACE, '--output=json']);
  const { metadata, status } = JSON.parse(text) as {
    metadata: { generation: number };
    status?: { observedGeneration?: number; conditions?: Condition[] };
  };
  return status?.observedGeneration === metadata.generation ? (status.conditions ?? []) : [];
}

/** PEM: the authority of the server's certificate. */
export function serverAuthority(): Promise<string> {
  const key = '--output=jsonpath={.data.ca\\.crt}';
  return kubectl(['get', 'configmap', `${SERVER}-ca`, '--namespace', NAMESPACE, key]);
}
