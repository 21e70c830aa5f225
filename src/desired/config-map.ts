// The ConfigMap that carries the sidecar's configuration. Mounted as a directory, so that changes arrive live.
import { CONFIG_FILE_NAME, objectNames } from '../api/names.ts';
import type { Manifest } from '../api/object.ts';
import { ownedMeta, type DesiredInputs } from './inputs.ts';
import { POD_PLACEMENT, sidecarConfig } from './sidecar-config.ts';

export function configMap({ server }: DesiredInputs): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: ownedMeta(server, objectNames(server.metadata.name).configMap),
    data: { [CONFIG_FILE_NAME]: `${JSON.stringify(sidecarConfig(server, POD_PLACEMENT), null, 2)}\n` },
  };
}
