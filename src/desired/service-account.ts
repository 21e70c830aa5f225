// The pods' own identity, without permissions and without a token. Not made when the user names another.
import { objectNames } from '../api/names.ts';
import type { Manifest } from '../api/object.ts';
import { ownedMeta, type DesiredInputs } from './inputs.ts';

export function serviceAccount({ server }: DesiredInputs): Manifest | undefined {
  if (server.spec.podTemplate.serviceAccountName !== undefined) return undefined;
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: ownedMeta(server, objectNames(server.metadata.name).serviceAccount),
    automountServiceAccountToken: false,
  };
}
