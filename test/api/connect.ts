// A client of a real API server, with the kinds that the tests use.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { createLogger, type Logger } from '../../src/base/log.ts';
import { Client } from '../../src/kube/client.ts';
import { kubeConfigCredentials } from '../../src/kube/credentials.ts';
import { isNotFound } from '../../src/kube/errors.ts';
import type { KubeObject, Resource } from '../../src/kube/object.ts';
import { createTransport } from '../../src/kube/transport.ts';
import type { ApiServer } from '../support/api-server.ts';

export const log: Logger = createLogger('test', 'silent');
export const never: AbortSignal = new AbortController().signal;
export const write = { signal: never, fieldManager: 'test', force: true };

function core<T extends KubeObject>(kind: string, plural: string, namespaced = true): Resource<T> {
  return { apiVersion: 'v1', kind, plural, namespaced };
}

export interface ConfigMap extends KubeObject {
  readonly data?: Record<string, string>;
}

export interface Server extends KubeObject {
  readonly spec: Record<string, Record<string, unknown>>;
  readonly status?: Record<string, unknown>;
}

export interface Deployment extends KubeObject {
  readonly spec: { readonly replicas: number; readonly template: { readonly spec: Record<string, unknown> } };
}

export interface NetworkPolicy extends KubeObject {
  readonly spec: { readonly ingress: readonly unknown[] };
}

interface CustomResourceDefinition extends KubeObject {
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string; message: string }[];
  };
}

export const NAMESPACES = core('Namespace', 'namespaces', false);
export const CONFIG_MAPS = core<ConfigMap>('ConfigMap', 'configmaps');
export const SECRETS = core<ConfigMap>('Secret', 'secrets');
export const DEPLOYMENTS: Resource<Deployment> = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  plural: 'deployments',
  namespaced: true,
};
export const NETWORK_POLICIES: Resource<NetworkPolicy> = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  namespaced: true,
};
export const SERVERS: Resource<Server> = {
  apiVersion: 'protectedmcp.dev/v1alpha1',
  kind: 'ProtectedMcpServer',
  plural: 'protectedmcpservers',
  namespaced: true,
};
export const CRDS: Resource<CustomResourceDefinition> = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};

export function connect(server: ApiServer) {
  const credentials = kubeConfigCredentials(server.config);
  const warnings: string[] = [];
  const options = { userAgent: 'test', onWarning: (text: string) => void warnings.push(text) };
  const transport = createTransport(credentials, options);
  return {
    transport,
    client: new Client(transport),
    warnings,
    close: () => credentials.destroy(),
  };
}

export async function createNamespace(client: Client, name: string): Promise<void> {
  await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, write);
}

export function configMap(name: string, data: Record<string, string> = {}, namespace = 'demo'): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data };
}

export function readCrd(): KubeObject {
  const file = join(import.meta.dirname, '../../crds/protectedmcpservers.yaml');
  return parse(readFileSync(file, 'utf8')) as KubeObject;
}

/** Applies our CRD and waits until its objects can be written. */
export async function installCrd(client: Client): Promise<CustomResourceDefinition> {
  const applied = await client.apply(CRDS, readCrd(), write);
  const name = applied.metadata.name ?? '';
  let crd = applied;
  await eventually('the CRD is established', async () => {
    crd = await client.get(CRDS, { name }, { signal: never });
    return (
      crd.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True') === true
    );
  });
  await eventually('its objects are served', async () => {
    try {
      return (await client.list(SERVERS, { signal: never })).items.length === 0;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  });
  return crd;
}

export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  ms = 30_000,
): Promise<void> {
  const end = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not within ${ms / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
