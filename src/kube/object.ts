// Objects as the API server stores them: plain JSON with wire names, their keys and owners. Not the fields of any kind.

/** An entry of `metadata.ownerReferences`. */
interface Owner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** An entry of `metadata.managedFields`: who set which fields (Kubernetes, "Server-Side Apply"). */
export interface ManagedFields {
  readonly manager?: string;
  readonly operation?: string;
  readonly subresource?: string;
  readonly fieldsV1?: FieldTree;
}

/** Members `f:name`, list entries `k:{…}`, `v:…` and `i:…`, and `.` for the field itself. A tree without members is a leaf. */
export interface FieldTree {
  readonly [key: string]: FieldTree;
}

/** The part of `metadata` that controllers use. Other fields pass through untouched. */
export interface Metadata {
  readonly name?: string;
  readonly generateName?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string | null;
  readonly deletionTimestamp?: string;
  readonly labels?: { readonly [name: string]: string };
  readonly annotations?: { readonly [name: string]: string };
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly Owner[];
  readonly managedFields?: readonly ManagedFields[];
}

export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
}

/** One kind of object and its place in the API. `T` is the type of its objects; it exists only for the compiler. */
export interface Resource<T extends KubeObject = KubeObject> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** Which objects keep `metadata.managedFields`, often half of an object; none when absent. */
  readonly keepsRecord?: (object: KubeObject) => boolean;
  /** Never set. */
  readonly type?: T;
}

/** The key of an object in queues and stores: `namespace/name`, or `name` where there is no namespace. */
export function objectKey({ metadata }: Pick<KubeObject, 'metadata'>): string {
  return metadata.namespace ? `${metadata.namespace}/${metadata.name}` : (metadata.name ?? '');
}

/** The parts of a key made by `objectKey`. Names hold no slash, so the first one separates. */
export function splitKey(key: string): { readonly namespace?: string; readonly name: string } {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** The one owner that manages the object, if any. Others only keep it from being collected. */
export function controllerOf({ metadata }: Pick<KubeObject, 'metadata'>): Owner | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller === true);
}

/**
 * RFC 6902: has a patch fail with a conflict where the object is another by now, or was changed. These members cannot be
 * changed: the API server compares them ("Concurrency Control and Consistency", Kubernetes API conventions).
 */
export function preconditions({ uid, resourceVersion }: Metadata): readonly object[] {
  return [
    { op: 'replace', path: '/metadata/uid', value: uid },
    { op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion },
  ];
}

/**
 * The key of the owner to reconcile when this object changes: its controller, when that is of `kind` in the API group
 * of `apiVersion`. The version may differ: an owner reference keeps the one it was written with.
 */
export function ownerKey(
  object: Pick<KubeObject, 'metadata'>,
  owner: Pick<Resource, 'apiVersion' | 'kind'>,
): string | undefined {
  const controller = controllerOf(object);
  if (controller?.kind !== owner.kind || group(controller.apiVersion) !== group(owner.apiVersion))
    return undefined;
  const { namespace } = object.metadata;
  return objectKey({ metadata: { name: controller.name, ...(namespace ? { namespace } : {}) } });
}

function group(apiVersion: string): string {
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
}
