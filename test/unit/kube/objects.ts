// Objects and resources to test with.
import type { KubeObject, Resource } from '../../../src/kube/object.ts';

export interface ConfigMap extends KubeObject {
  readonly data?: Record<string, string>;
}

export const CONFIG_MAPS: Resource<ConfigMap> = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
};

export const DEPLOYMENTS: Resource = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  plural: 'deployments',
  namespaced: true,
};

export function configMap(name: string, resourceVersion = '1', namespace = 'demo'): ConfigMap {
  const metadata = { name, namespace, uid: `uid-${name}`, resourceVersion };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { version: resourceVersion } };
}

export function owned(object: ConfigMap, uid: string, controller = true): ConfigMap {
  const owner = {
    apiVersion: 'protectedmcp.dev/v1alpha1',
    kind: 'ProtectedMcpServer',
    name: 'echo',
    uid,
    controller,
  };
  return { ...object, metadata: { ...object.metadata, ownerReferences: [owner] } };
}
