// Values of the ConfigMaps and Secrets that were given with the resource. What they are for is not known here.
import type { Manifest } from '../../api/object.ts';
import { decodeSecretValue } from '../../protocol/secret-data.ts';
import { failure, success, type Result } from './result.ts';

interface ValueReference<K extends string> {
  readonly kind: 'ConfigMap' | 'Secret';
  readonly name: string;
  readonly keys: readonly K[];
}

/** Where the resource refers to the values, and what could be done instead of adding them. */
interface ReferencingField {
  readonly path: string;
  readonly problem?: string;
  readonly alternative?: string;
}

/** The values by key, decoded; a problem of the field when one is missing. Values are never in messages. */
export function lookup<K extends string>(
  objects: readonly Manifest[],
  { kind, name, keys }: ValueReference<K>,
  { path, problem, alternative }: ReferencingField,
): Result<Readonly<Record<K, string>>> {
  const object = objects.find((candidate) => candidate.kind === kind && candidate.metadata.name === name);
  const values = keys.flatMap((key) => {
    const value = object && decodedValue(object, key);
    return value === undefined ? [] : [[key, value] as const];
  });
  if (values.length === keys.length) return success(Object.fromEntries(values) as Record<K, string>); // one for each key
  const wanted = keys.length === 1 ? `the key "${keys.join()}"` : keys.join(' and ');
  const advice = [`add the ${kind} "${name}" with ${wanted} to the files`, alternative]
    .filter(Boolean)
    .join(', or ');
  return failure({ path, message: problem === undefined ? advice : `${problem}: ${advice}` });
}

function decodedValue(object: Manifest, key: string): string | undefined {
  const { kind, data, stringData } = object as Manifest &
    Record<'data' | 'stringData', StringMap | undefined>; // read by manifests/
  if (kind !== 'Secret') return data?.[key];
  const encoded = data?.[key];
  return stringData?.[key] ?? (encoded && decodeSecretValue(encoded));
}

type StringMap = Readonly<Record<string, string>>;
