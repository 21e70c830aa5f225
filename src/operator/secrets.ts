// Writing the operator's Secrets without reading or patching any: its rights to them are to create and to replace.
import type { Client } from '../kube/client.ts';
import { isNotFound } from '../kube/errors.ts';
import type { KubeObject, Resource } from '../kube/object.ts';

interface WriteOptions {
  readonly fieldManager: string;
  readonly signal: AbortSignal;
}

/** Makes the object what it is given as, whatever it was. Only for one that is known to be the operator's. */
export async function replaceOrCreate<T extends KubeObject>(
  client: Pick<Client, 'create' | 'replace'>,
  resource: Resource<T>,
  object: KubeObject,
  options: WriteOptions,
): Promise<T> {
  try {
    return await client.replace(resource, object, options);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return client.create(resource, object, options);
  }
}
