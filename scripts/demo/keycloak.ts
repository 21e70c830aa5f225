// The development Keycloak of manifests/keycloak: applied, waited for, its realm made by the Job, its authority trusted.
import { join } from 'node:path';
import { kubectl, loadKeycloak } from '../../test/cluster/cluster.ts';
import { KEYCLOAK_MANIFESTS, NAMESPACE, ROOT } from './names.ts';
import { namespaceSettled } from './namespace.ts';
import { explainPods, podsMissing } from './pods.ts';
import { DemoError, type Report } from './report.ts';
import { waitUntil } from './wait.ts';

const MANIFESTS = join(ROOT, KEYCLOAK_MANIFESTS);
const CERTIFICATE_JOB = 'keycloak-certificate';
const REALM_JOB = 'keycloak-realm';
const AUTHORITY = 'keycloak-ca';
const SELECTOR = 'app.kubernetes.io/name=keycloak';
/** The first time, a node pulls 450 MiB before Keycloak builds itself and makes a database. */
const KEYCLOAK_TIMEOUT_MS = 600_000;
const JOB_TIMEOUT_MS = 300_000;

/** The commands that do the same by hand: a Job that has ended runs again only when it is made anew. */
export const KEYCLOAK_COMMANDS = [
  `kubectl delete job --namespace ${NAMESPACE} ${CERTIFICATE_JOB} ${REALM_JOB} --ignore-not-found`,
  `kubectl apply -k ${KEYCLOAK_MANIFESTS}`,
  `kubectl wait --namespace ${NAMESPACE} --for=condition=Complete job/${REALM_JOB} --timeout=5m`,
] as const;

interface Status {
  readonly status: {
    readonly readyReplicas?: number;
    readonly conditions?: readonly { type: string; status: string; message?: string }[];
  };
}

/** Returns at once: Keycloak takes its time. Its Jobs run again, and find nothing to do when all is there. */
export async function applyKeycloak(report: Report, stop: AbortSignal): Promise<void> {
  await loadKeycloak();
  await namespaceSettled(NAMESPACE, report, stop);
  await deleteJobs([CERTIFICATE_JOB, REALM_JOB]);
  report(`Keycloak: kubectl applies ${KEYCLOAK_MANIFESTS}`);
  await kubectl(['apply', '--kustomize', MANIFESTS]);
}

/** Returns when users can log in. */
export async function realmReady(report: Report, stop: AbortSignal): Promise<void> {
  await jobDone({ name: CERTIFICATE_JOB, what: 'certificate of Keycloak', report, stop });
  await keycloakReady(report, stop);
  await jobDone({ name: REALM_JOB, what: 'realm', report, stop });
}

/** Runs the realm Job again, after Keycloak lost its database or the realm's ConfigMap changed. @returns its log */
export async function runRealmJob(report: Report, stop: AbortSignal): Promise<string> {
  await deleteJobs([REALM_JOB]);
  await kubectl(['apply', '--kustomize', MANIFESTS]);
  await jobDone({ name: REALM_JOB, what: 'realm', report, stop });
  return kubectl(['logs', '--namespace', NAMESPACE, `job/${REALM_JOB}`]);
}

async function keycloakReady(report: Report, stop: AbortSignal): Promise<void> {
  await waitUntil(keycloakMissing, {
    what: 'Keycloak',
    timeoutMs: KEYCLOAK_TIMEOUT_MS,
    report,
    stop,
    explain: () => explainPods(NAMESPACE, SELECTOR),
  });
}

async function keycloakMissing(): Promise<string | undefined> {
  const { status } = await get('deployment', 'keycloak');
  return (status.readyReplicas ?? 0) > 0 ? undefined : podsMissing(NAMESPACE, SELECTOR);
}

/** PEM: what clients of this Keycloak must trust. */
export function keycloakAuthority(): Promise<string> {
  const key = '--output=jsonpath={.data.ca\\.crt}';
  return kubectl(['get', 'configmap', AUTHORITY, '--namespace', NAMESPACE, key]);
}

interface AwaitedJob {
  readonly name: string;
  readonly what: string;
  readonly report: Report;
  readonly stop: AbortSignal;
}

async function jobDone({ name, what, report, stop }: AwaitedJob): Promise<void> {
  const selector = `batch.kubernetes.io/job-name=${name}`;
  const explain = () => explainPods(NAMESPACE, selector);
  const missing = async () => {
    const conditions = (await get('job', name)).status.conditions ?? [];
    const is = (type: string) => conditions.find((one) => one.type === type && one.status === 'True');
    const failed = is('Failed');
    if (failed) throw new DemoError(`${what}: job ${name} failed: ${failed.message}\n${await explain()}`);
    return is('Complete') ? undefined : podsMissing(NAMESPACE, selector);
  };
  await waitUntil(missing, { what, timeoutMs: JOB_TIMEOUT_MS, report, stop, explain });
}

async function get(kind: 'deployment' | 'job', name: string): Promise<Status> {
  const text = await kubectl(['get', kind, name, '--namespace', NAMESPACE, '--output=json']);
  return JSON.parse(text) as Status;
}

async function deleteJobs(names: readonly string[]): Promise<void> {
  await kubectl(['delete', 'job', '--namespace', NAMESPACE, '--ignore-not-found', ...names]);
}
