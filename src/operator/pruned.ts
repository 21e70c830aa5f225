// PURE: objects as the caches keep them, without what the operator never reads.
import { CONFIGURATION_ANNOTATION } from '../api/names.ts';
import type { KubeObject } from '../kube/object.ts';
import type { Pod } from './kinds.ts';

/** What `kubectl apply` keeps of the object, within the object. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
/** Values of annotations of others that are longer are left out (characters). */
const MAX_ANNOTATION = 1024;

export function pruned<T extends KubeObject>(object: T): T {
  const { annotations } = object.metadata;
  if (annotations === undefined) return object;
  const short = Object.entries(annotations).filter(
    ([name, value]) => name !== LAST_APPLIED && value.length <= MAX_ANNOTATION,
  );
  if (short.length === Object.keys(annotations).length) return object;
  return { ...object, metadata: { ...object.metadata, annotations: Object.fromEntries(short) } };
}

/** Of a pod its labels, its node, its status, and the annotation that the operator sets. */
export function prunedPod({ apiVersion, kind, metadata, spec, status }: Pod): Pod {
  const { annotations, ...kept } = metadata;
  const configuration = annotations?.[CONFIGURATION_ANNOTATION];
  const { nodeName } = spec ?? {};
  return {
    apiVersion,
    kind,
    metadata:
      configuration === undefined
        ? kept
        : { ...kept, annotations: { [CONFIGURATION_ANNOTATION]: configuration } },
    ...(nodeName !== undefined && { spec: { nodeName } }),
    ...(status && { status }),
  };
}
