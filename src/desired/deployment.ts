// The Deployment. A change of the sidecar's configuration does not touch it: the sidecar reloads its files.
import {
  DELIVERED_ANNOTATION,
  REVISION_ANNOTATION,
  SERVER_CONTAINER,
  objectLabels,
  objectNames,
  selectorLabels,
} from '../api/names.ts';
import type { JsonObject, Manifest } from '../api/object.ts';
import { serverContainer, sidecarContainer } from './containers.ts';
import { GRACE_PERIOD_SECONDS } from './drain.ts';
import { ownedMeta, type DesiredInputs } from './inputs.ts';
import { sidecarVolumes } from './volumes.ts';

export function deployment(inputs: DesiredInputs): Manifest {
  const { metadata, spec } = inputs.server;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      ...ownedMeta(inputs.server, objectNames(metadata.name).deployment),
      ...annotations(inputs),
    },
    spec: {
      // Left out, so that an autoscaler can own it.
      ...(spec.replicas !== undefined && { replicas: spec.replicas }),
      selector: { matchLabels: selectorLabels(metadata.name) },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: '25%' } },
      template: {
        metadata: {
          labels: { ...spec.podTemplate.labels, ...objectLabels(metadata.name) },
          annotations: {
            'kubectl.kubernetes.io/default-container': SERVER_CONTAINER,
            ...spec.podTemplate.annotations,
          },
        },
        spec: podSpec(inputs),
      },
    },
  };
}

/** Of the Deployment itself: a change of them restarts no pod. */
function annotations({ issued, revision }: DesiredInputs): Pick<Manifest['metadata'], 'annotations'> {
  if (issued === undefined && revision === undefined) return {};
  return {
    annotations: {
      ...(issued && { [DELIVERED_ANNOTATION]: 'true' }),
      ...(revision !== undefined && { [REVISION_ANNOTATION]: revision }),
    },
  };
}

function podSpec(inputs: DesiredInputs): JsonObject {
  const { metadata, spec } = inputs.server;
  const { volumes, nodeSelector, tolerations, affinity, imagePullSecrets } = spec.podTemplate;
  return {
    serviceAccountName: spec.podTemplate.serviceAccountName ?? objectNames(metadata.name).serviceAccount,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: GRACE_PERIOD_SECONDS,
    ...(imagePullSecrets && { imagePullSecrets }),
    ...(nodeSelector && { nodeSelector }),
    ...(tolerations && { tolerations }),
    ...(affinity && { affinity }),
    // Whatever the number of replicas: if it depended on that, scaling up would restart the running pods.
    topologySpreadConstraints: spec.podTemplate.topologySpreadConstraints ?? [spreadOverNodes(metadata.name)],
    containers: [serverContainer(inputs), sidecarContainer(inputs)],
    volumes: [...sidecarVolumes(inputs.server), ...(volumes ?? [])],
  };
}

function spreadOverNodes(name: string): JsonObject {
  return {
    maxSkew: 1,
    topologyKey: 'kubernetes.io/hostname',
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: { matchLabels: selectorLabels(name) },
  };
}
