// The charts, rendered -> the text of the plain manifests, without what only helm understands.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'prettier';
import { stringify } from 'yaml';
import type { Manifest } from '../src/api/object.ts';
import { REALM_CHART, renderChart, type Helm } from './chart-helm.ts';

export const INSTALL_MANIFEST = 'manifests/install.yaml';
export const REALM_MANIFEST = 'manifests/keycloak/realm.yaml';

const NAME = 'protected-mcp-operator';
const NAMESPACE = 'protected-mcp-system';

/** Every version of helm gives the same bytes. */
export async function installManifest(helm: Helm): Promise<string> {
  const rendered = renderChart(helm, { name: NAME, namespace: NAMESPACE, flags: ['--no-hooks'] });
  return manifest(
    [
      'GENERATED from charts/protected-mcp-operator by `npm run generate:manifests`. Do not edit.',
      'Everything with its defaults: kubectl apply --server-side -f manifests/install.yaml',
    ],
    [namespace(), ...rendered.map(withoutHelm)],
  );
}

/** For the development Keycloak beside it. The namespace and the Secrets are there already. */
export async function realmManifest(helm: Helm): Promise<string> {
  const values = readFileSync(join(REALM_CHART, 'values-development.yaml'), 'utf8');
  const rendered = renderChart(helm, {
    name: 'keycloak-realm',
    namespace: 'keycloak',
    values,
    chart: REALM_CHART,
  });
  return manifest(
    [
      'GENERATED from charts/keycloak-realm, with values-development.yaml, by `npm run generate:manifests`. Do not edit.',
      'A Job runs once. To run it again at once: kubectl -n keycloak delete job keycloak-realm, and apply this.',
    ],
    rendered.map(withoutHelm),
  );
}

function manifest(head: readonly string[], objects: readonly Manifest[]): Promise<string> {
  const text = [
    ...head.map((line) => `# ${line}`),
    ...objects.map((object) => `---\n${stringify(object, { version: '1.1', lineWidth: 0 })}`),
  ].join('\n');
  return format(text, { parser: 'yaml', printWidth: 110, singleQuote: true });
}

/** The namespace admits what the operator's pods are, and nothing that may do more. */
function namespace(): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name: NAMESPACE,
      labels: {
        'app.kubernetes.io/part-of': 'protected-mcp',
        'pod-security.kubernetes.io/audit': 'restricted',
        'pod-security.kubernetes.io/enforce': 'restricted',
        'pod-security.kubernetes.io/warn': 'restricted',
      },
    },
  };
}

function withoutHelm(object: Manifest): Manifest {
  const { labels = {}, annotations = {}, ...metadata } = object.metadata;
  const { 'helm.sh/chart': _chart, 'app.kubernetes.io/managed-by': _manager, ...ownLabels } = labels;
  const ownAnnotations = Object.fromEntries(
    Object.entries(annotations).filter(([name]) => !name.startsWith('helm.sh/')),
  );
  return {
    ...object,
    metadata: {
      ...metadata,
      labels: ownLabels,
      ...(Object.keys(ownAnnotations).length > 0 && { annotations: ownAnnotations }),
    },
  };
}
