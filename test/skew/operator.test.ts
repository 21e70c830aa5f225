// What the operators of two releases in a row make of one resource, and of what the other has left: pods of either sidecar find
// what they need, and an upgrade or a rollback changes no policy.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { CrdSchema } from '../../src/api/crd.ts';
import type { JsonObject } from '../../src/api/object.ts';
import { POD_PLACEMENT } from '../../src/desired/sidecar-config.ts';
import { differences } from '../../src/operator/drift.ts';
import { NOW, pod } from '../support/operator-inputs.ts';
import { editions, type SampleName } from './editions.ts';

const { old, now, remove } = await editions();
after(remove);

/**
 * Members of the sidecar's file that have another value than the last release gave them for the same resource, each with the
 * reason why a sidecar of that release is right to obey the new one. Emptied when the last release moves.
 */
const CHANGED: Readonly<Record<string, string>> = {};

const SAMPLES = ['echo', 'full'] as const satisfies readonly SampleName[];

describe('a resource that the last release knows', () => {
  for (const sample of SAMPLES) {
    const server = old.resource(sample);
    const before = old.sidecarConfig(server, POD_PLACEMENT);

    for (const definition of [old, now])
      it(`${sample}: gives the file that it gave, with the definition of ${definition.name}`, () => {
        const after = now.sidecarConfig(definition.resource(sample), POD_PLACEMENT);
        const changed = [...differences(after, before), ...differences(before, after)];
        assert.deepEqual([...new Set(changed)].sort(), Object.keys(CHANGED).sort());
      });

    it(`${sample}: gives the sidecar what it was given: arguments, ports, files, probes`, () => {
      const [was, is] = [old, now].map(({ desired }) => sidecarOf(desired({ server, sidecarImage: 'x' })));
      for (const member of ['args', 'ports', 'volumeMounts', 'volumes'] as const)
        for (const entry of was![member])
          assert.ok(
            is![member].some((one) => differences(one, entry).length === 0),
            `${member}: ${JSON.stringify(entry)}`,
          );
      for (const probe of ['readinessProbe', 'livenessProbe'] as const)
        assert.deepEqual(is!.container[probe], was!.container[probe]);
    });
  }
});

interface Sidecar {
  readonly container: JsonObject;
  readonly args: readonly unknown[];
  readonly ports: readonly unknown[];
  readonly volumeMounts: readonly unknown[];
  readonly volumes: readonly unknown[];
}

function sidecarOf(objects: readonly object[]): Sidecar {
  const deployment = objects.find((object) => 'kind' in object && object.kind === 'Deployment');
  const { containers, volumes } = (
    deployment as {
      spec: { template: { spec: { containers: JsonObject[]; volumes: unknown[] } } };
    }
  ).spec.template.spec;
  const container = containers.find(({ name }) => name === 'auth-sidecar');
  assert.ok(container);
  const list = (name: string) => container[name] as unknown[]; // as Kubernetes has it
  return {
    container,
    args: list('args'),
    ports: list('ports'),
    volumeMounts: list('volumeMounts'),
    volumes: volumes.filter((volume) => (volume as { name: string }).name.startsWith('protected-mcp-')),
  };
}

it('names, labels, annotations, ports and paths that the last release had are the same', () => {
  const constants = Object.entries(old.names).filter(([, value]) => typeof value !== 'function');
  assert.ok(constants.length > 20);
  for (const [name, value] of constants) assert.deepEqual(now.names[name], value, name);
  const made = (names: Readonly<Record<string, unknown>>) =>
    ['objectNames', 'selectorLabels', 'objectLabels'].map((name) =>
      (names[name] as (server: string) => unknown)('echo'),
    );
  assert.deepEqual(made(now.names), made(old.names));
});

describe('the annotation that brings a configuration into a pod', () => {
  const digest = 'd'.repeat(64);
  for (const [writer, reader] of [
    [old, now],
    [now, old],
  ] as const) {
    it(`by the operator of ${writer.name} is understood by that of ${reader.name}: none comes too early`, () => {
      const [change] = writer.nudges('demo', [pod()], digest, NOW);
      const { annotations } = change!.metadata;
      const configuration = annotations?.[String(now.names['CONFIGURATION_ANNOTATION'])];
      assert.ok(configuration);
      const pods = [pod({ configuration })];
      assert.deepEqual(reader.nudges('demo', pods, digest, NOW + 1), []);
      assert.equal(reader.nextNudge(pods, digest), writer.nextNudge(pods, digest));
      assert.equal(reader.nudges('demo', pods, digest, NOW + 60_000).length, 1);
    });
  }
});

describe('the definition of ProtectedMcpServer', () => {
  const was = fieldsOf(old.schema.properties?.['spec'] ?? {}, 'spec');
  const is = fieldsOf(now.schema.properties?.['spec'] ?? {}, 'spec');
  const added = [...is].filter(([path]) => !was.has(path));

  it('has every field and every value that the last release had', () => {
    assert.ok(was.size > 100);
    for (const [path, { schema }] of was) {
      const present = is.get(path)?.schema;
      assert.ok(present, path);
      assert.equal(present.type, schema.type, path);
      for (const value of schema.enum ?? []) assert.ok(present.enum?.includes(value), `${path}: ${value}`);
    }
  });

  it('asks for no field that resources of the last release do not have', () => {
    for (const [path, { isRequired }] of was)
      assert.ok(!is.get(path)?.isRequired || isRequired, `${path} is required now`);
  });

  // The API server would add the default to every resource, and an operator of the last release refuse them all.
  it('gives no default to a field that came after it: absent, everything is as before', () => {
    const isTop = (path: string) => !added.some(([other]) => path !== other && path.startsWith(`${other}.`));
    const wrong = added.filter(
      ([path, { schema, isRequired }]) => isTop(path) && (schema.default !== undefined || isRequired),
    );
    assert.deepEqual(
      wrong.map(([path]) => path),
      [],
    );
  });
});

interface Field {
  readonly schema: CrdSchema;
  readonly isRequired: boolean;
}

/** Every field below a schema, by its path. */
function fieldsOf(schema: CrdSchema, path: string, found = new Map<string, Field>()): Map<string, Field> {
  if (schema.items !== undefined) fieldsOf(schema.items, `${path}[]`, found);
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const at = `${path}.${name}`;
    found.set(at, { schema: field, isRequired: schema.required?.includes(name) ?? false });
    fieldsOf(field, at, found);
  }
  return found;
}
