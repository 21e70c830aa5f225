// Resources to test with: the sample files, as plain objects that a test may change.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { crdSchema, type Crd, type CrdSchema } from '../../src/api/crd.ts';
import type { ProtectedMcpServer } from '../../src/api/protected-mcp-server.gen.ts';
import { formatPath } from '../../src/local/manifests/crd-schema.ts';
import {
  readManifests,
  serverValidator,
  type ObjectCheck,
  type ReadResult,
} from '../../src/local/manifests/validation.ts';

const root = join(import.meta.dirname, '../..');

type SampleName = 'echo' | 'full' | 'keycloak';

const SAMPLES = { echo: readSample('echo'), full: readSample('full'), keycloak: readSample('keycloak') };

function readSample(name: SampleName): Record<string, unknown> {
  const text = readFileSync(join(root, 'manifests/samples', `${name}.yaml`), 'utf8');
  return parse(text) as Record<string, unknown>;
}

export function readCrdSchema(): CrdSchema {
  return crdSchema(parse(readFileSync(join(root, 'crds/protectedmcpservers.yaml'), 'utf8')) as Crd);
}

/** A sample as written, before defaults. `full` has every field; `keycloak` is that of `npm run demo`. */
export function sample(name: SampleName): Record<string, unknown> {
  return structuredClone(SAMPLES[name]);
}

let validator: ObjectCheck | undefined;

/** Compiled when it is first used: many tests want a sample only. */
export const checkServer: ObjectCheck = (object) => (validator ??= serverValidator())(object);

export function readObject(object: unknown): ReadResult {
  return readManifests([{ file: 'test.yaml', text: stringify(object) }], checkServer);
}

/** A valid resource after defaults; throws with the problems of an invalid one. */
export function validServer(object: object): ProtectedMcpServer {
  const server = structuredClone(object) as Record<string, unknown>; // JSON
  const problems = checkServer(server);
  if (problems.length > 0)
    throw new Error(problems.map(({ path, message }) => `${formatPath(path)}: ${message}`).join('\n'));
  const checked = server as unknown as ProtectedMcpServer; // The CRD's schema accepted it.
  return {
    ...checked,
    metadata: { ...checked.metadata, namespace: checked.metadata.namespace ?? 'default' },
  };
}

/** Sets a field by its path, such as `spec.server.env[0].name`; creates what is missing on the way. */
export function setField(object: unknown, path: string, value: unknown): void {
  const steps = [...path.matchAll(/\[([^\]]+)\]|([^.[\]]+)/g)].map(
    ([, inBrackets, name]) => inBrackets ?? name ?? '',
  );
  const last = steps.pop() ?? '';
  let at = object as Record<string, unknown>;
  for (const [index, step] of steps.entries()) {
    at[step] ??= /^\d+$/.test(steps[index + 1] ?? last) ? [] : {};
    at = at[step] as Record<string, unknown>;
  }
  if (value === undefined) delete at[last];
  else at[last] = value;
}
