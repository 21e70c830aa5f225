// PURE: whether an object is as desired, so that nothing is written when it is. Reads and writes nothing.
import { createHash } from 'node:crypto';
import { DESIRED_HASH_ANNOTATION } from '../api/names.ts';
import type { KubeObject } from '../kube/object.ts';

/** The object with a digest of itself. */
export function withHash(desired: KubeObject): KubeObject {
  const digest = createHash('sha256').update(JSON.stringify(desired)).digest('hex').slice(0, 16);
  const annotations = { ...desired.metadata.annotations, [DESIRED_HASH_ANNOTATION]: digest };
  return { ...desired, metadata: { ...desired.metadata, annotations } };
}

/** Nothing desired is missing or different, and nothing is left of an earlier version, or added by others. @param desired has its hash */
export function isAsDesired(live: KubeObject, desired: KubeObject): boolean {
  // Only what was tampered with keeps its record; see `keepsRecord`.
  return isUpToDate(live, desired) && live.metadata.managedFields === undefined;
}

function isUpToDate(live: KubeObject, desired: KubeObject): boolean {
  return hashOf(live) === hashOf(desired) && hasMembers(live, desired);
}

function hashOf({ metadata }: KubeObject): string | undefined {
  return metadata.annotations?.[DESIRED_HASH_ANNOTATION];
}

/**
 * Whether `live` has everything that `desired` has. The API server adds members (defaults, status) and never entries to
 * lists that the operator applies, so lists must be of the same length and order; one that another manager extended is
 * applied again, which changes nothing.
 */
export function hasMembers(live: unknown, desired: unknown): boolean {
  if (Array.isArray(desired)) {
    if (!Array.isArray(live) || live.length !== desired.length) return false;
    return desired.every((entry, index) => hasMembers(live[index], entry));
  }
  if (typeof desired === 'object' && desired !== null) {
    if (typeof live !== 'object' || live === null) return false;
    return Object.entries(desired).every(([name, value]) => {
      const other = (live as Record<string, unknown>)[name]; // undefined where it is missing
      return hasMembers(other, value) || (other === undefined && isEmpty(value));
    });
  }
  return live === desired;
}

/** Where `live` is not as desired, for people: `spec.ports`. Lists are wholes. */
export function differences(live: unknown, desired: unknown, path = ''): string[] {
  if (hasMembers(live, desired)) return [];
  if (!isRecord(live) || !isRecord(desired)) return [path];
  return Object.entries(desired).flatMap(([name, value]) =>
    isEmpty(value) ? [] : differences(live[name], value, path === '' ? name : `${path}.${name}`),
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether the operator has made this version of the object before: what differs then was changed by others. */
export function isDrifted(live: KubeObject, desired: KubeObject): boolean {
  return hashOf(live) === hashOf(desired);
}

/** The API server drops empty objects and lists. */
function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
