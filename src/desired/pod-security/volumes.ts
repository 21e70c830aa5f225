// The controls over volumes: which types a level has. What is in a Secret or claim is the namespace's own affair.
import type { JsonObject } from '../../api/object.ts';
import { entries, isObject, quoted, setFields, unknownFields } from './fields.ts';
import type { ControlledLevel, Violation } from './level.ts';

const RESTRICTED_TYPES = [
  ...[
    'configMap',
    'csi',
    'downwardAPI',
    'emptyDir',
    'ephemeral',
    'persistentVolumeClaim',
    'projected',
    'secret',
  ],
];
/** Every type of Kubernetes but hostPath. */
const BASELINE_TYPES = [
  ...RESTRICTED_TYPES,
  ...['awsElasticBlockStore', 'azureDisk', 'azureFile', 'cephfs', 'cinder', 'fc', 'flexVolume', 'flocker'],
  ...['gcePersistentDisk', 'gitRepo', 'glusterfs', 'image', 'iscsi', 'nfs', 'photonPersistentDisk'],
  ...['portworxVolume', 'quobyte', 'rbd', 'scaleIO', 'storageos', 'vsphereVolume'],
];
/** A token is the pod's own account's, and who creates pods may take one: no level of Kubernetes refuses it. */
const PROJECTED_SOURCES = [
  ...['clusterTrustBundle', 'configMap', 'downwardAPI', 'podCertificate', 'secret', 'serviceAccountToken'],
];

/** @param path of the list in the resource */
export function volumeViolations(volume: JsonObject, path: string, level: ControlledLevel): Violation[] {
  const { name, ...sources } = volume;
  const place = `${path}[name=${String(name)}]`;
  const types = level === 'restricted' ? RESTRICTED_TYPES : BASELINE_TYPES;
  return setFields(sources).flatMap(([type, source]) => {
    if (!types.includes(type))
      return [{ path: `${place}.${type}`, message: typeMessage(String(name), type, level) }];
    return type === 'projected' ? projectedViolations(source, `${place}.projected.sources`) : [];
  });
}

function typeMessage(name: string, type: string, level: ControlledLevel): string {
  if (level === 'restricted')
    return `restricted volume types (volume ${quoted([name])} uses restricted volume type ${quoted([type])})`;
  return type === 'hostPath'
    ? `hostPath volumes (volume ${quoted([name])})`
    : `unknown volume type (volume ${quoted([name])} uses ${quoted([type])})`;
}

function projectedViolations(projected: unknown, path: string): Violation[] {
  const sources = isObject(projected) ? entries(projected['sources']) : [];
  return sources.flatMap((source) => unknownFields(source, PROJECTED_SOURCES, path));
}
