// The operator as a user installs it: helm, the chart of this repository, the images that were loaded.
import { join } from 'node:path';
import { addresses, environment, kubectl } from '../../cluster/cluster.ts';
import { CommandError, run } from '../../cluster/run.ts';
import { waitFor } from './wait.ts';

export const OPERATOR_NAMESPACE = 'protected-mcp-system';
export const RELEASE = 'protected-mcp';
/** The chart's full name for this release: its Deployment, Service and lease. */
export const OPERATOR = 'protected-mcp-operator';

const CHART = join(import.meta.dirname, '../../../charts/protected-mcp-operator');

type Helm = 'helm' | 'helm4';

export function helm(args: readonly string[], program: Helm = 'helm'): Promise<string> {
  return run(program, args, { env: environment() });
}

/** Installs or upgrades; returns when the operator is ready. Its authority may certify the node, where NodePorts are. */
export async function installOperator(values: readonly string[] = [], program: Helm = 'helm'): Promise<void> {
  const { node } = await addresses();
  const hosts = ['tls.hosts[0].namespace=*', `tls.hosts[0].hosts[0]=${node}`];
  await helm(
    [
      'upgrade',
      '--install',
      RELEASE,
      CHART,
      '--namespace',
      OPERATOR_NAMESPACE,
      '--create-namespace',
      '--set',
      `fullnameOverride=${OPERATOR}`,
      '--set',
      'services.types={ClusterIP,NodePort}', // one suite calls from outside
      ...[...hosts, ...values].flatMap((value) => ['--set', value]),
      '--wait',
      '--timeout',
      '90s',
    ],
    program,
  );
}

/** Ends the running operator for a new one; returns when only the new one is left. */
export async function restartOperator(): Promise<void> {
  await kubectl(['rollout', 'restart', `deployment/${OPERATOR}`, '--namespace', OPERATOR_NAMESPACE]);
  await kubectl([
    'rollout',
    'status',
    `deployment/${OPERATOR}`,
    '--namespace',
    OPERATOR_NAMESPACE,
    '--timeout=120s',
  ]);
  await waitFor(async () => (await operatorPods()).length === 1, 'the operator before to be gone', 60_000);
}

/** Pods that are ending are among them. */
async function operatorPods(): Promise<string[]> {
  const selector = '--selector=app.kubernetes.io/name=protected-mcp-operator';
  const names = await kubectl(['get', 'pod', '--namespace', OPERATOR_NAMESPACE, selector, '--output=name']);
  return names.split('\n').filter(Boolean);
}

/** Removes the release, the CRD that it keeps, and the namespaces of tests. */
export async function uninstallOperator(): Promise<void> {
  try {
    await helm(['uninstall', RELEASE, '--namespace', OPERATOR_NAMESPACE, '--wait', '--ignore-not-found']);
    await kubectl(['delete', 'crd', 'protectedmcpservers.protectedmcp.dev', '--ignore-not-found']);
    await kubectl(['delete', 'namespace', OPERATOR_NAMESPACE, '--ignore-not-found', '--wait=false']);
  } catch (error) {
    // The suites have their result; what is left here must not hide it.
    if (!(error instanceof CommandError)) throw error;
    process.stderr.write(`${error.message}\n`);
  }
}
