// A whole pod against a level. Made from the pod as it is desired, not from what the user wrote: no field can slip by.
import type { JsonObject } from '../../api/object.ts';
import { SERVER_CONTAINER } from '../../api/names.ts';
import { containerViolations } from './container.ts';
import { entries, isObject, known, quoted, setFields, unknownFields, type Known } from './fields.ts';
import type { ControlledLevel, PodSecurityLevel, Violation } from './level.ts';
import { volumeViolations } from './volumes.ts';

const POD = 'spec.podTemplate';
/** Placement, which is in no control: no field of it does more than choose nodes. */
const PLACEMENT: Known = {
  nodeSelector: true,
  tolerations: known('key', 'operator', 'value', 'effect', 'tolerationSeconds'),
  affinity: Object.fromEntries(
    ['nodeAffinity', 'podAffinity', 'podAntiAffinity'].map((name) => [
      name,
      known(
        'requiredDuringSchedulingIgnoredDuringExecution',
        'preferredDuringSchedulingIgnoredDuringExecution',
      ),
    ]),
  ),
  topologySpreadConstraints: {
    ...known('maxSkew', 'topologyKey', 'whenUnsatisfiable', 'labelSelector', 'minDomains'),
    ...known('nodeAffinityPolicy', 'nodeTaintsPolicy', 'matchLabelKeys'),
  },
};
/** What the operator writes. Every other field of a pod, hostNetwork among them, has no place in the resource. */
const FIELDS: Known = {
  ...known('serviceAccountName', 'automountServiceAccountToken', 'enableServiceLinks'),
  ...known('terminationGracePeriodSeconds', 'containers', 'volumes'),
  imagePullSecrets: known('name'),
  ...PLACEMENT,
};
/** Annotations that were fields once, and that older nodes still obey. */
const APP_ARMOR_ANNOTATION = 'container.apparmor.security.beta.kubernetes.io/';
const SECCOMP_ANNOTATION = /^(container\.)?seccomp\.security\.alpha\.kubernetes\.io\//;
const PROFILE = /^(runtime\/default|docker\/default|localhost\/.+)$/;

/** @param template of the Deployment. @returns every violation, in the order of the pod's fields */
export function podViolations(template: JsonObject, level: PodSecurityLevel): Violation[] {
  if (level === 'unrestricted') return [];
  const { metadata, spec } = template;
  const { containers, volumes } = isObject(spec) ? spec : {};
  return [
    ...unknownFields(spec, FIELDS, POD),
    ...annotationViolations(isObject(metadata) ? metadata['annotations'] : undefined),
    ...objects(containers).flatMap((container) => inContainer(container, level)),
    ...objects(volumes).flatMap((volume) => volumeViolations(volume, `${POD}.volumes`, level)),
  ];
}

function inContainer(container: JsonObject, level: ControlledLevel): Violation[] {
  const path = container['name'] === SERVER_CONTAINER ? 'spec.server' : 'spec.sidecar';
  return containerViolations(container, path, level);
}

function annotationViolations(annotations: unknown): Violation[] {
  return setFields(annotations).flatMap(([name, value]) => {
    const isAppArmor = name.startsWith(APP_ARMOR_ANNOTATION);
    if (!isAppArmor && !SECCOMP_ANNOTATION.test(name)) return [];
    if ((isAppArmor && value === '') || (typeof value === 'string' && PROFILE.test(value))) return [];
    const title = isAppArmor ? 'forbidden AppArmor profile' : 'seccompProfile';
    return [
      {
        path: `${POD}.annotations`,
        message: `${title} (annotation ${name} must not be ${quoted([value])})`,
      },
    ];
  });
}

function objects(value: unknown): JsonObject[] {
  return entries(value).filter(isObject);
}
