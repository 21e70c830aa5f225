// PURE: what others have added to an object of a server: fields that no version of the operator applied, by the API server's
// record of who set what (Kubernetes, "Server-Side Apply", field management). Applying leaves such fields as they are.
import { isDeepStrictEqual } from 'node:util';
import { preconditions, type FieldTree, type KubeObject, type ManagedFields } from '../kube/object.ts';
import { FIELD_MANAGER } from './field-managers.ts';

/**
 * What others may set, by kind. Metadata is left to others as well, since it says nothing to pods; that of the pod template
 * is not.
 */
const OTHERS: Readonly<Record<string, readonly string[]>> = {
  Deployment: [
    'spec.replicas', // autoscalers
    'spec.template.metadata.annotations.kubectl.kubernetes.io/restartedAt', // kubectl rollout restart
  ],
  Service: [
    'spec.clusterIP',
    'spec.clusterIPs',
    'spec.healthCheckNodePort',
    'spec.ipFamilies',
    'spec.ipFamilyPolicy',
  ],
  ServiceAccount: ['imagePullSecrets', 'secrets'], // OpenShift's controllers
};

/** Whether others have added to the object, or the operator's part of its record is gone, so that nothing tells. */
export function isTampered(object: KubeObject): boolean {
  return !object.metadata.managedFields?.some(isOurs) || foreignFields(object).length > 0;
}

/** The fields that others have added, for people: `spec.template.spec.containers[name=server].env`. */
export function foreignFields(object: KubeObject): string[] {
  const entries = (object.metadata.managedFields ?? []).filter(({ subresource = '' }) => subresource === '');
  const treeOf = (some: readonly ManagedFields[]) => merge(some.map(({ fieldsV1 = {} }) => fieldsV1));
  const found: string[] = [];
  const theirs = treeOf(entries.filter((entry) => !isOurs(entry)));
  collect({ value: object, path: '' }, theirs, treeOf(entries.filter(isOurs)), { kind: object.kind, found });
  return found;
}

/** Only what was applied: other writes of the operator's remove fields, and set none. */
function isOurs({ manager, operation }: ManagedFields): boolean {
  return manager === FIELD_MANAGER && operation === 'Apply';
}

function merge(trees: readonly FieldTree[]): FieldTree {
  const keys = new Set(trees.flatMap((tree) => Object.keys(tree)));
  return Object.fromEntries([...keys].map((key) => [key, merge(trees.flatMap((tree) => tree[key] ?? []))]));
}

interface Place {
  readonly value: unknown;
  readonly path: string;
}

function collect(
  place: Place,
  theirs: FieldTree,
  ours: FieldTree,
  search: { readonly kind: string; readonly found: string[] },
): void {
  for (const [key, below] of Object.entries(theirs)) {
    const next = key === '.' ? undefined : step(place, key);
    if (next === undefined || next.path === 'metadata' || OTHERS[search.kind]?.includes(next.path)) continue;
    const own = ours[key];
    if (own === undefined) search.found.push(next.path);
    // A leaf of the operator's is a whole: others may have set the same, and nothing else.
    else if (Object.keys(own).length > 0) collect(next, below, own, search);
  }
}

/** Undefined where the object does not have the field: the record may be older than the object. */
function step({ value, path }: Place, key: string): Place | undefined {
  const text = key.slice(2);
  if (key.startsWith('f:')) {
    const member = (value as Record<string, unknown> | null | undefined)?.[text];
    return member === undefined ? undefined : { value: member, path: path === '' ? text : `${path}.${text}` };
  }
  if (!Array.isArray(value)) return undefined;
  const index = key.startsWith('i:')
    ? Number(text)
    : value.findIndex((entry) => isEntry(entry, key[0], JSON.parse(text)));
  if (value[index] === undefined) return undefined;
  return { value: value[index], path: `${path}[${label(key[0], text)}]` };
}

function isEntry(entry: unknown, sort: string | undefined, key: unknown): boolean {
  if (sort === 'v') return isDeepStrictEqual(entry, key);
  const members = Object.entries(key as Record<string, unknown>);
  return members.every(([name, value]) => (entry as Record<string, unknown> | null)?.[name] === value);
}

function label(sort: string | undefined, text: string): string {
  if (sort !== 'k') return text;
  const members = Object.entries(JSON.parse(text) as Record<string, unknown>);
  return members.map(([name, value]) => `${name}=${String(value)}`).join(',');
}

/**
 * RFC 6902: makes exactly this version of the object what is desired, but for what others may set, and clears the record of
 * others. What the API server fills in by default it fills in again.
 */
export function correction(object: KubeObject, desired: KubeObject): readonly object[] {
  const { metadata } = object;
  const record = (metadata.managedFields ?? []).filter(
    (entry) => isOurs(entry) || (entry.subresource ?? '') !== '',
  );
  const parts = new Set([...partsOf(object), ...partsOf(desired)]);
  return [
    ...preconditions(metadata),
    { op: 'replace', path: '/metadata/managedFields', value: record },
    ...[...parts].flatMap((part) => change(part, object, desired)),
  ];
}

/** Without what is left to others altogether, and the status. */
function partsOf(object: KubeObject): string[] {
  const left = ['apiVersion', 'kind', 'metadata', 'status', ...(OTHERS[object.kind] ?? [])];
  return Object.keys(object).filter((part) => !left.includes(part));
}

function change(part: string, object: KubeObject, desired: KubeObject): object[] {
  const live = (object as unknown as Record<string, unknown>)[part];
  const wanted = (desired as unknown as Record<string, unknown>)[part];
  if (wanted === undefined) return [{ op: 'remove', path: `/${part}` }];
  const paths = (OTHERS[object.kind] ?? []).filter((path) => path.startsWith(`${part}.`));
  const value = paths.reduce<unknown>((made, path) => kept(made, live, path.split('.').slice(1)), wanted);
  return [{ op: 'add', path: `/${part}`, value }];
}

/** `wanted`, with what `live` has at a path. A name may have dots in it: the longest that there is counts. */
function kept(wanted: unknown, live: unknown, path: readonly string[]): unknown {
  if (live === null || typeof live !== 'object') return wanted;
  for (let length = path.length; length > 0; length--) {
    const name = path.slice(0, length).join('.');
    const value = (live as Record<string, unknown>)[name];
    if (value === undefined) continue;
    const rest = path.slice(length);
    const before = (wanted as Record<string, unknown> | undefined) ?? {};
    return { ...before, [name]: rest.length === 0 ? value : kept(before[name], value, rest) };
  }
  return wanted;
}
