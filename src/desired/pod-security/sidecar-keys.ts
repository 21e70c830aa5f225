// What would put a private key of the sidecar into the server's container. At every level: the sidecar guards the server
// from clients, and clients from the server.
import {
  SERVER_CONTAINER,
  SIDECAR_VOLUME_PREFIX,
  SIGNING_KEY_FILE_NAME,
  TLS_KEY_FILE_NAME,
  TLS_VOLUME,
  signingKeyVolume,
  SIGNING_USES,
} from '../../api/names.ts';
import type { JsonObject } from '../../api/object.ts';
import { entries, isObject, quoted } from './fields.ts';
import type { Violation } from './level.ts';

/** A private key in a Secret. */
interface PrivateKey {
  readonly secret: string;
  readonly key: string;
}

/** @param template of the Deployment */
export function sidecarKeyViolations(template: JsonObject): Violation[] {
  const { containers, volumes } = isObject(template['spec']) ? template['spec'] : {};
  const all = entries(volumes).filter(isObject);
  const keys = all.flatMap(privateKeys);
  const server = entries(containers)
    .filter(isObject)
    .find(({ name }) => name === SERVER_CONTAINER);
  return [
    ...mountViolations(server ?? {}),
    ...variableViolations(server ?? {}, keys),
    ...all.filter((volume) => !isSidecars(volume)).flatMap((volume) => volumeViolations(volume, keys)),
  ];
}

function privateKeys(volume: JsonObject): PrivateKey[] {
  const { name, secret } = volume;
  if (!isObject(secret)) return [];
  const secretName = String(secret['secretName']);
  if (name === TLS_VOLUME) return [{ secret: secretName, key: TLS_KEY_FILE_NAME }];
  if (!SIGNING_USES.some((use) => name === signingKeyVolume(use))) return [];
  const items = entries(secret['items']).filter(isObject);
  return items
    .filter(({ path }) => path === SIGNING_KEY_FILE_NAME)
    .map(({ key }) => ({ secret: secretName, key: String(key) }));
}

function mountViolations(server: JsonObject): Violation[] {
  return entries(server['volumeMounts'])
    .filter(isObject)
    .filter(isSidecars)
    .map(({ name }) => ({
      path: 'spec.server.volumeMounts',
      message: `the sidecar's own volume (container "${SERVER_CONTAINER}" must not mount ${quoted([name])})`,
    }));
}

function variableViolations(server: JsonObject, keys: readonly PrivateKey[]): Violation[] {
  const single = entries(server['env'])
    .filter(isObject)
    .flatMap(({ valueFrom }) =>
      isObject(valueFrom) && isObject(valueFrom['secretKeyRef']) ? [valueFrom['secretKeyRef']] : [],
    );
  const whole = entries(server['envFrom'])
    .filter(isObject)
    .flatMap(({ secretRef }) => (isObject(secretRef) ? [secretRef] : []));
  return [
    ...exposed(keys, single, ({ name, key }) => ({ secret: name, keys: [key] }), 'spec.server.env'),
    ...exposed(keys, whole, ({ name }) => ({ secret: name }), 'spec.server.envFrom'),
  ];
}

function volumeViolations(volume: JsonObject, keys: readonly PrivateKey[]): Violation[] {
  const { name, secret, projected } = volume;
  const path = `spec.podTemplate.volumes[name=${String(name)}]`;
  const plain = isObject(secret) ? [secret] : [];
  const sources = isObject(projected) ? entries(projected['sources']).filter(isObject) : [];
  const inProjected = sources.flatMap((source) => (isObject(source['secret']) ? [source['secret']] : []));
  return [
    ...exposed(keys, plain, ({ secretName, items }) => ({ secret: secretName, ...keysOf(items) }), path),
    ...exposed(keys, inProjected, ({ name: of, items }) => ({ secret: of, ...keysOf(items) }), path),
  ];
}

/** What a reference takes from a Secret; every key when none is named. */
interface Taken {
  readonly secret: unknown;
  readonly keys?: readonly unknown[];
}

function keysOf(items: unknown): Pick<Taken, 'keys'> {
  const named = entries(items).filter(isObject);
  return named.length === 0 ? {} : { keys: named.map(({ key }) => key) };
}

function exposed(
  keys: readonly PrivateKey[],
  references: readonly JsonObject[],
  taken: (reference: JsonObject) => Taken,
  path: string,
): Violation[] {
  return references.map(taken).flatMap((reference) =>
    keys
      .filter(({ secret, key }) => reference.secret === secret && (reference.keys?.includes(key) ?? true))
      .map(({ secret, key }) => ({
        path,
        message: `the sidecar's private key (key ${quoted([key])} of Secret ${quoted([secret])} must not reach the server)`,
      })),
  );
}

function isSidecars({ name }: JsonObject): boolean {
  return typeof name === 'string' && name.startsWith(SIDECAR_VOLUME_PREFIX);
}
