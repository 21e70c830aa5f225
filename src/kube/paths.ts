// Where objects are found in the API: paths and queries. Sends nothing.
import type { Resource } from './object.ts';

/** An object, a kind of objects (without a name), or a part of an object. */
export interface ObjectRef {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: 'status' | 'scale';
}

export type Query = { readonly [name: string]: string | number | boolean | undefined };

/** Every part is escaped: a name that holds a slash must not become another path. */
export function resourcePath(resource: Resource, ref: ObjectRef, query: Query = {}): string {
  const { apiVersion, plural, namespaced } = resource;
  const root = apiVersion.includes('/') ? ['apis', ...apiVersion.split('/')] : ['api', apiVersion];
  const within = namespaced && ref.namespace ? ['namespaces', ref.namespace] : [];
  const parts = [...root, ...within, plural, ...defined(ref.name), ...defined(ref.subresource)];
  return `/${parts.map(segment).join('/')}${search(query)}`;
}

function segment(part: string): string {
  // The two names that URL parsers resolve away, escaped or not. No object has them.
  if (part === '.' || part === '..' || part === '')
    throw new TypeError(`"${part}" cannot be part of an API path`);
  return encodeURIComponent(part);
}

function defined(part: string | undefined): string[] {
  return part === undefined ? [] : [part];
}

function search(query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) parameters.set(name, String(value));
  return parameters.size === 0 ? '' : `?${parameters.toString()}`;
}

/** An operation and its object, for messages: `apply Deployment team-a/weather`. */
export function describe(
  verb: string,
  { kind }: Resource,
  { namespace, name, subresource }: ObjectRef,
): string {
  const at = [namespace, name].filter((part) => part !== undefined && part !== '').join('/');
  return `${verb} ${kind}${subresource ? ` ${subresource}` : ''}${at ? ` ${at}` : ''}`;
}
