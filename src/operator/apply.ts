// Makes one object as desired, and writes nothing when it is. Takes no object over that somebody else made.
import { createHash } from 'node:crypto';
import { isNotFound } from '../kube/errors.ts';
import type { Client } from '../kube/client.ts';
import { controllerOf, type KubeObject, type Resource } from '../kube/object.ts';

export const FIELD_MANAGER = 'mcp-operator';
/** What the object was made from: a field that is no longer desired shows only here. */
const HASH_ANNOTATION = 'protectedmcp.dev/desired-hash';

/** An object with the name of one of ours exists and belongs to somebody else. */
export class NotOwnedError extends Error {
  readonly code = 'ERR_NOT_OWNED';

  constructor({ kind, metadata }: KubeObject) {
    super(
      `${kind} ${metadata.namespace}/${metadata.name} exists and does not belong to this ProtectedMcpServer: delete or ` +
        'rename it, or give the ProtectedMcpServer another name.',
    );
    this.name = 'NotOwnedError';
  }
}

export interface ApplyInputs {
  readonly client: Pick<Client, 'get' | 'apply'>;
  readonly resource: Resource;
  readonly desired: KubeObject;
  /** The object as the cache has it. */
  readonly cached: KubeObject | undefined;
  readonly ownerUid: string;
  readonly signal: AbortSignal;
}

export interface Applied {
  readonly object: KubeObject;
  readonly written: boolean;
}

/**
 * Applies an object unless it is already as desired.
 * @throws NotOwnedError when the name is taken; ApiError otherwise
 */
export async function applyObject(inputs: ApplyInputs): Promise<Applied> {
  const { client, resource, cached, ownerUid, signal } = inputs;
  const desired = withHash(inputs.desired);
  const live = cached ?? (await existing(inputs));
  if (live !== undefined && controllerOf(live)?.uid !== ownerUid) throw new NotOwnedError(live);
  if (live !== undefined && isAsDesired(live, desired)) return { object: live, written: false };
  const object = await client.apply(resource, desired, { fieldManager: FIELD_MANAGER, force: true, signal });
  return { object, written: object.metadata.resourceVersion !== live?.metadata.resourceVersion };
}

/** The cache holds only objects with our label: the name may still be taken by another. */
async function existing({ client, resource, desired, signal }: ApplyInputs): Promise<KubeObject | undefined> {
  const { name = '', namespace } = desired.metadata;
  try {
    return await client.get(resource, { name, namespace }, { signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Nothing desired is missing or different, and the object was made from the same wish. */
export function isAsDesired(live: KubeObject, desired: KubeObject): boolean {
  return live.metadata.annotations?.[HASH_ANNOTATION] === hashOf(desired) && contains(live, desired);
}

function withHash(desired: KubeObject): KubeObject {
  const annotations = { ...desired.metadata.annotations, [HASH_ANNOTATION]: hash(desired) };
  return { ...desired, metadata: { ...desired.metadata, annotations } };
}

function hashOf({ metadata }: KubeObject): string | undefined {
  return metadata.annotations?.[HASH_ANNOTATION];
}

function hash(object: KubeObject): string {
  return createHash('sha256').update(JSON.stringify(object)).digest('hex').slice(0, 16);
}

/**
 * Whether `live` has everything that `desired` has. The API server adds members (defaults, status) and never entries to
 * our lists, so lists must be of the same length and order; one that another manager extended is applied again, which
 * changes nothing.
 */
export function contains(live: unknown, desired: unknown): boolean {
  if (Array.isArray(desired)) {
    if (!Array.isArray(live) || live.length !== desired.length) return false;
    return desired.every((entry, index) => contains(live[index], entry));
  }
  if (typeof desired === 'object' && desired !== null) {
    if (typeof live !== 'object' || live === null) return false;
    return Object.entries(desired).every(([name, value]) => {
      const other = (live as Record<string, unknown>)[name]; // undefined where it is missing
      return contains(other, value) || (other === undefined && isEmpty(value));
    });
  }
  return live === desired;
}

/** The API server drops empty objects and lists. */
function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
