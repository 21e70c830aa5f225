// PURE: whose an object is that has the name of one of a server's objects. A server that was restored has another uid than
// the one that its objects were made for: they are taken over as they are.
import {
  API_VERSION,
  DESIRED_HASH_ANNOTATION,
  INSTANCE_LABEL,
  KIND,
  MANAGED_BY,
  MANAGED_BY_LABEL,
} from '../api/names.ts';
import { controllerOf, objectKey, ownerKey, type KubeObject } from '../kube/object.ts';
import type { ServerObject } from './kinds.ts';

/** `left`: made by an operator for a server of this name that is not there any more. */
type Ownership = 'own' | 'left' | 'foreign';

const OWNER = { apiVersion: API_VERSION, kind: KIND };

export function ownershipOf(object: KubeObject, server: ServerObject): Ownership {
  const controller = controllerOf(object);
  if (controller !== undefined && controller.uid === server.metadata.uid) return 'own';
  if (!isOfOperator(object, server)) return 'foreign';
  // Names are unique: a server of the same name and another uid is gone. One that was deleted without its objects has left none.
  const isLeft = controller === undefined || ownerKey(object, OWNER) === objectKey(server);
  return isLeft ? 'left' : 'foreign';
}

/** By what backups keep, and no other writes: labels, and the digest of what was desired. */
function isOfOperator({ metadata }: KubeObject, server: ServerObject): boolean {
  const { labels, annotations } = metadata;
  return (
    labels?.[MANAGED_BY_LABEL] === MANAGED_BY &&
    labels[INSTANCE_LABEL] === server.metadata.name &&
    annotations?.[DESIRED_HASH_ANNOTATION] !== undefined
  );
}

/**
 * RFC 6902: makes the server the controller of what was left. Applying alone would not: the reference to the server that is
 * gone may be of any manager, by the record of a restored object, and stay.
 * @param desired has the reference to the server
 */
export function adoption({ metadata }: KubeObject, desired: KubeObject): object {
  const others = metadata.ownerReferences?.filter(({ controller }) => controller !== true) ?? [];
  const value = [...others, ...(desired.metadata.ownerReferences ?? [])];
  return { op: 'add', path: '/metadata/ownerReferences', value };
}
