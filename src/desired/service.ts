// The Service in front of the sidecar's public port. The admin port is reached by pod address only.
import { PUBLIC_PORT, objectNames, selectorLabels } from '../api/names.ts';
import type { Manifest } from '../api/object.ts';
import { ownedMeta, type DesiredInputs } from './inputs.ts';

export function service({ server }: DesiredInputs): Manifest {
  const { type, annotations } = server.spec.service;
  const { name } = server.metadata;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...ownedMeta(server, objectNames(name).service), ...(annotations && { annotations }) },
    spec: {
      type,
      selector: selectorLabels(name),
      ports: [
        { name: 'https', port: PUBLIC_PORT, targetPort: 'https', protocol: 'TCP', appProtocol: 'https' },
      ],
    },
  };
}
