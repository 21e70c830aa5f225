// A real API server with users of its own, each with what a test grants, and with policies of the chart.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { findHelms, renderChart } from '../../scripts/chart-helm.ts';
import { Client } from '../../src/kube/client.ts';
import { kubeConfigCredentials } from '../../src/kube/credentials.ts';
import type { KubeObject, Resource } from '../../src/kube/object.ts';
import { createTransport, type ApiTransport } from '../../src/kube/transport.ts';
import { startApiServer } from '../support/api-server.ts';
import { connect, createNamespace, installCrd, write } from './connect.ts';

/** Rules of Roles, by namespace. */
type Rights = Readonly<Record<string, readonly object[]>>;

const RBAC = 'rbac.authorization.k8s.io/v1';
const ADMISSION = 'admissionregistration.k8s.io/v1';
const kind = (apiVersion: string, name: string, plural: string, namespaced: boolean): Resource => ({
  apiVersion,
  kind: name,
  plural,
  namespaced,
});
const ROLES = kind(RBAC, 'Role', 'roles', true);
const BINDINGS = kind(RBAC, 'RoleBinding', 'rolebindings', true);
const POLICIES = [
  kind(ADMISSION, 'ValidatingAdmissionPolicy', 'validatingadmissionpolicies', false),
  kind(ADMISSION, 'ValidatingAdmissionPolicyBinding', 'validatingadmissionpolicybindings', false),
];

export interface UsersServer {
  readonly admin: Client;
  readonly as: (user: string) => Client;
  readonly transportOf: (user: string) => ApiTransport;
  /** Applies the policy of the chart whose name ends so, and its binding. */
  readonly installPolicy: (suffix: string, values?: string) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Starts one with the CRD, the namespaces, and the users with their rights. */
export async function startWithUsers(
  namespaces: readonly string[],
  users: Readonly<Record<string, Rights>>,
): Promise<UsersServer> {
  const names = Object.keys(users);
  const directory = mkdtempSync(join(tmpdir(), 'users-'));
  const file = join(directory, 'tokens.csv');
  writeFileSync(file, names.map((name, index) => `token-${index},${name},${index}`).join('\n'));
  const server = await startApiServer({ flags: [`--token-auth-file=${file}`] });
  const { client: admin, close } = connect(server);
  const cluster = server.config.getCurrentCluster();
  assert.ok(cluster);
  const credentials = names.map((name, index) => {
    const config = new KubeConfig();
    config.loadFromClusterAndUser(cluster, { name, token: `token-${index}` });
    return kubeConfigCredentials(config);
  });
  const transports = new Map(
    credentials.map((one, index) => [names[index], createTransport(one, { userAgent: 'test' })]),
  );
  const transportOf = (user: string): ApiTransport => {
    const transport = transports.get(user);
    assert.ok(transport, user);
    return transport;
  };
  for (const name of namespaces) await createNamespace(admin, name);
  await installCrd(admin);
  for (const [index, name] of names.entries())
    for (const [namespace, rules] of Object.entries(users[name] ?? {}))
      await grant(admin, { name, role: `user-${index}`, namespace, rules });
  return {
    admin,
    transportOf,
    as: (user) => new Client(transportOf(user)),
    installPolicy: (suffix, values = '{}') => installPolicy(admin, suffix, values),
    async stop() {
      for (const one of credentials) await one.destroy();
      await close();
      await server.stop();
      rmSync(directory, { recursive: true });
    },
  };
}

interface Grant {
  readonly name: string;
  readonly role: string;
  readonly namespace: string;
  readonly rules: readonly object[];
}

async function grant(admin: Client, { name, role, namespace, rules }: Grant): Promise<void> {
  const metadata = { name: role, namespace };
  await admin.create(ROLES, { apiVersion: RBAC, kind: 'Role', metadata, rules } as KubeObject, write);
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: role };
  const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name }];
  const binding = { apiVersion: RBAC, kind: 'RoleBinding', metadata, roleRef, subjects };
  await admin.create(BINDINGS, binding, write);
}

async function installPolicy(admin: Client, suffix: string, values: string): Promise<void> {
  const [helm] = findHelms();
  const objects = renderChart(helm, { name: 'pmcp', namespace: 'mcp-system', values });
  for (const resource of POLICIES)
    for (const object of objects.filter(
      (one) => one.kind === resource.kind && one.metadata.name.endsWith(`.${suffix}`),
    ))
      await admin.apply(resource, object, write);
}
