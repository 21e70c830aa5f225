// Keeps node drains from taking all replicas at once. None for a single pod: it would block every drain.
import { objectNames, selectorLabels } from '../api/names.ts';
import type { Manifest } from '../api/object.ts';
import { ownedMeta, type DesiredInputs } from './inputs.ts';

export function podDisruptionBudget({ server, scale }: DesiredInputs): Manifest | undefined {
  if ((server.spec.replicas ?? scale ?? 1) <= 1) return undefined;
  const { name } = server.metadata;
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: ownedMeta(server, objectNames(name).podDisruptionBudget),
    spec: {
      maxUnavailable: 1,
      selector: { matchLabels: selectorLabels(name) },
      // A pod that is not ready serves no client; it must not keep a node from being drained.
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    },
  };
}
