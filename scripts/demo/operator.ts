// The operator, as the README installs it; one that is there already is left as it is.
import { environment, kubectl } from '../../test/cluster/cluster.ts';
import { run } from '../../test/cluster/run.ts';
import { ROOT } from './names.ts';
import { namespaceSettled } from './namespace.ts';
import { explainPods, podsMissing } from './pods.ts';
import { DemoError, type Report } from './report.ts';
import { waitUntil } from './wait.ts';

const RELEASE = 'protected-mcp';
const NAMESPACE = 'protected-mcp-system';
const CHART = 'charts/protected-mcp-operator';
const SELECTOR = 'app.kubernetes.io/name=protected-mcp-operator,app.kubernetes.io/component=operator';
const TIMEOUT_MS = 120_000;

/** The commands that do the same by hand. */
export const OPERATOR_COMMANDS = [
  `helm upgrade --install ${RELEASE} ${CHART} --namespace ${NAMESPACE} --create-namespace --wait`,
] as const;

export const OPERATOR_REMOVAL_COMMANDS = [
  `helm uninstall ${RELEASE} --namespace ${NAMESPACE}`,
  'kubectl delete crd protectedmcpservers.protectedmcp.dev',
  `kubectl delete namespace ${NAMESPACE}`,
] as const;

interface Deployment {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: { readonly replicas: number };
  readonly status: { readonly readyReplicas?: number };
}

export async function ensureOperator(report: Report, stop: AbortSignal): Promise<void> {
  await namespaceSettled(NAMESPACE, report, stop);
  const found = await findOperator();
  if (found) report(`operator: there already, in namespace ${found.metadata.namespace}`);
  else await install(report);
  await waitUntil(operatorMissing, {
    what: 'operator',
    timeoutMs: TIMEOUT_MS,
    report,
    stop,
    explain: async () => explainPods((await findOperator())?.metadata.namespace ?? NAMESPACE, SELECTOR),
  });
}

/** By its label: it may have been installed by any name, or by manifests/install.yaml. */
async function findOperator(): Promise<Deployment | undefined> {
  const args = ['get', 'deployments', '--all-namespaces', `--selector=${SELECTOR}`, '--output=json'];
  const { items } = JSON.parse(await kubectl(args)) as { items: Deployment[] };
  return items[0];
}

async function operatorMissing(): Promise<string | undefined> {
  const operator = await findOperator();
  if (!operator) return 'its Deployment is not there';
  if ((operator.status.readyReplicas ?? 0) >= operator.spec.replicas) return undefined;
  return podsMissing(operator.metadata.namespace, SELECTOR);
}

/** Without --wait: the wait of the demo says what it waits for. */
async function install(report: Report): Promise<void> {
  report(`operator: helm installs ${CHART}`);
  const args = ['upgrade', '--install', RELEASE, CHART, '--namespace', NAMESPACE, '--create-namespace'];
  try {
    await run('helm', args, { env: environment(), cwd: ROOT });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new DemoError('no helm on the PATH: install helm 3 or 4 (https://helm.sh/docs/intro/install)', {
      cause,
    });
  }
}
