// The controls over volumes: which types a level has. What is in a Secret or claim is the namespace's own affair.
import type { JsonObject } from '../../api/object.ts';
import { known, quoted, setFields, unknownFields, type Known } from './fields.ts';
import type { ControlledLevel, Violation } from './level.ts';

const ITEM = known('key', 'path', 'mode');
const DOWNWARD_ITEM: Known = {
  ...known('path', 'mode'),
  fieldRef: known('apiVersion', 'fieldPath'),
  resourceFieldRef: known('containerName', 'resource', 'divisor'),
};
/** A token is the pod's own account's, and who creates pods may take one: no level of Kubernetes refuses it. */
const PROJECTED_SOURCES: Known = {
  clusterTrustBundle: known('name', 'signerName', 'labelSelector', 'optional', 'path'),
  configMap: { ...known('name', 'optional'), items: ITEM },
  downwardAPI: { items: DOWNWARD_ITEM },
  podCertificate: known(
    ...['signerName', 'keyType', 'maxExpirationSeconds'],
    ...['credentialBundlePath', 'keyPath', 'certificateChainPath'],
  ),
  secret: { ...known('name', 'optional'), items: ITEM },
  serviceAccountToken: known('audience', 'expirationSeconds', 'path'),
};
const RESTRICTED_TYPES: Known = {
  configMap: { ...known('name', 'defaultMode', 'optional'), items: ITEM },
  csi: {
    ...known('driver', 'fsType', 'readOnly', 'volumeAttributes'),
    nodePublishSecretRef: known('name'),
  },
  downwardAPI: { defaultMode: true, items: DOWNWARD_ITEM },
  emptyDir: known('medium', 'sizeLimit'),
  ephemeral: { volumeClaimTemplate: known('metadata', 'spec') },
  persistentVolumeClaim: known('claimName', 'readOnly'),
  projected: { defaultMode: true, sources: PROJECTED_SOURCES },
  secret: { ...known('secretName', 'defaultMode', 'optional'), items: ITEM },
};
/** Every type of Kubernetes but hostPath. The other ones are of drivers, and what is in them says where a disk is. */
const BASELINE_TYPES: Known = {
  ...RESTRICTED_TYPES,
  ...known('awsElasticBlockStore', 'azureDisk', 'azureFile', 'cephfs', 'cinder', 'fc', 'flexVolume'),
  ...known('flocker', 'gcePersistentDisk', 'gitRepo', 'glusterfs', 'image', 'iscsi', 'nfs'),
  ...known('photonPersistentDisk', 'portworxVolume', 'quobyte', 'rbd', 'scaleIO', 'storageos'),
  ...known('vsphereVolume'),
};

/** @param path of the list in the resource */
export function volumeViolations(volume: JsonObject, path: string, level: ControlledLevel): Violation[] {
  const { name, ...sources } = volume;
  const place = `${path}[name=${String(name)}]`;
  const types = level === 'restricted' ? RESTRICTED_TYPES : BASELINE_TYPES;
  const forbidden = setFields(sources)
    .map(([type]) => type)
    .filter((type) => !Object.hasOwn(types, type));
  if (forbidden.length === 0) return unknownFields(sources, types, place);
  return forbidden.map((type) => ({
    path: `${place}.${type}`,
    message: typeMessage(String(name), type, level),
  }));
}

function typeMessage(name: string, type: string, level: ControlledLevel): string {
  if (level === 'restricted')
    return `restricted volume types (volume ${quoted([name])} uses restricted volume type ${quoted([type])})`;
  return type === 'hostPath'
    ? `hostPath volumes (volume ${quoted([name])})`
    : `unknown volume type (volume ${quoted([name])} uses ${quoted([type])})`;
}
