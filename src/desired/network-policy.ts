// Admits only the sidecar's ports, and to the admin port only who needs it: a server that listens on all addresses by
// mistake still cannot be reached.
import { ADMIN_PORT, PUBLIC_PORT, objectNames, selectorLabels } from '../api/names.ts';
import type { Manifest } from '../api/object.ts';
import { ownedMeta, type DesiredInputs } from './inputs.ts';

export function networkPolicy({ server, adminIngressFrom = [] }: DesiredInputs): Manifest | undefined {
  const { isolation, ingressFrom } = server.spec.network;
  if (isolation === 'None') return undefined;
  const { name } = server.metadata;
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: ownedMeta(server, objectNames(name).networkPolicy),
    spec: {
      podSelector: { matchLabels: selectorLabels(name) },
      policyTypes: ['Ingress'],
      ingress: [
        // A rule without `from` admits anyone; an empty list would too, but reads like the opposite.
        {
          ports: [{ protocol: 'TCP', port: PUBLIC_PORT }],
          ...(ingressFrom.length > 0 && { from: ingressFrom }),
        },
        ...(adminIngressFrom.length > 0
          ? [{ ports: [{ protocol: 'TCP', port: ADMIN_PORT }], from: adminIngressFrom }]
          : []),
      ],
    },
  };
}
