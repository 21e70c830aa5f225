// The chart, rendered with its defaults -> the text of manifests/install.yaml, without what only helm understands.
import { format } from 'prettier';
import { stringify } from 'yaml';
import type { KubeObject } from '../src/api/object.ts';
import { renderChart, type Helm } from './chart-helm.ts';

export const INSTALL_MANIFEST = 'manifests/install.yaml';

const NAME = 'protected-mcp-operator';
const NAMESPACE = 'protected-mcp-system';

/** Every version of helm gives the same bytes. */
export async function installManifest(helm: Helm): Promise<string> {
  const rendered = renderChart(helm, { name: NAME, namespace: NAMESPACE, flags: ['--no-hooks'] });
  const objects = [namespace(), ...rendered.map(withoutHelm)];
  const text = [
    '# GENERATED from charts/protected-mcp-operator by `npm run generate:manifests`. Do not edit.',
    '# Everything with its defaults: kubectl apply --server-side -f manifests/install.yaml',
    ...objects.map((object) => `---\n${stringify(object, { version: '1.1', lineWidth: 0 })}`),
  ].join('\n');
  return format(text, { parser: 'yaml', printWidth: 110, singleQuote: true });
}

/** The namespace admits what the operator's pods are, and nothing that may do more. */
function namespace(): KubeObject {
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

function withoutHelm(object: KubeObject): KubeObject {
  const { labels = {}, annotations = {}, ...metadata } = object.metadata;
  const { 'helm.sh/chart': _chart, 'app.kubernetes.io/managed-by': _manager, ...ownLabels } = labels;
  const { 'helm.sh/resource-policy': _policy, ...ownAnnotations } = annotations;
  return {
    ...object,
    metadata: {
      ...metadata,
      labels: ownLabels,
      ...(Object.keys(ownAnnotations).length > 0 && { annotations: ownAnnotations }),
    },
  };
}
