// The operator's account as manifests/install.yaml installs it: its token, its rights, and the policy of what it may write.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';
import { kubeConfigCredentials } from '../../src/kube/credentials.ts';
import type { KubeObject, Resource } from '../../src/kube/object.ts';
import { createTransport, type ApiTransport } from '../../src/kube/transport.ts';
import type { Client } from '../../src/kube/client.ts';
import type { ApiServer } from '../support/api-server.ts';
import { eventually, never, write } from './connect.ts';

export const OPERATOR_NAMESPACE = 'protected-mcp-system';

const INSTALL = join(import.meta.dirname, '../../manifests/install.yaml');

const kind = (apiVersion: string, name: string, plural: string, namespaced = false): Resource => ({
  apiVersion,
  kind: name,
  plural,
  namespaced,
});
const RBAC = 'rbac.authorization.k8s.io/v1';
const ADMISSION = 'admissionregistration.k8s.io/v1';
const ACCOUNTS = kind('v1', 'ServiceAccount', 'serviceaccounts', true);
const KINDS = [
  ACCOUNTS,
  kind(RBAC, 'ClusterRole', 'clusterroles'),
  kind(RBAC, 'ClusterRoleBinding', 'clusterrolebindings'),
  kind(RBAC, 'Role', 'roles', true),
  kind(RBAC, 'RoleBinding', 'rolebindings', true),
  kind(ADMISSION, 'ValidatingAdmissionPolicy', 'validatingadmissionpolicies'),
  kind(ADMISSION, 'ValidatingAdmissionPolicyBinding', 'validatingadmissionpolicybindings'),
];

/** Applies accounts, rights and policies; no Deployment, since nothing here runs pods. */
export async function installRights(client: Client): Promise<void> {
  const objects = parseAllDocuments(readFileSync(INSTALL, 'utf8')).map((one) => one.toJS() as KubeObject);
  for (const resource of KINDS)
    for (const object of objects.filter((one) => one.kind === resource.kind))
      await client.apply(resource, object, write);
}

/** A connection with the operator's own token, as a thief of it would have. */
export interface OperatorAccount {
  readonly transport: ApiTransport;
  readonly close: () => Promise<void>;
}

export async function operatorAccount(server: ApiServer, admin: ApiTransport): Promise<OperatorAccount> {
  const path = `/api/v1/namespaces/${OPERATOR_NAMESPACE}/serviceaccounts/protected-mcp-operator/token`;
  const body = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} });
  const answer = await admin.call({ what: 'token', method: 'POST', path, body, signal: never });
  const { token } = (answer as { status: { token: string } }).status;
  const cluster = server.config.getCurrentCluster();
  if (cluster === null) throw new Error('the test API server has no cluster in its configuration');
  const config = new KubeConfig();
  config.loadFromClusterAndUser(cluster, { name: 'operator', token });
  const credentials = kubeConfigCredentials(config);
  return {
    transport: createTransport(credentials, { userAgent: 'test' }),
    close: () => credentials.destroy(),
  };
}

/** Waits until the policy is in force: the API server learns of it by a watch. */
export async function untilEnforced(account: OperatorAccount): Promise<void> {
  const body = JSON.stringify({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'not-ours', namespace: 'default' },
  });
  await eventually('the policy is in force', async () => {
    const path = '/api/v1/namespaces/default/secrets?dryRun=All';
    try {
      await account.transport.call({ what: 'probe', method: 'POST', path, body, signal: never });
      return false;
    } catch (error) {
      return /ValidatingAdmissionPolicy/.test((error as Error).message);
    }
  });
}
