// Every field by which a resource shapes its pod, as the CRD has them: the levels know each, and nothing beyond them.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CrdSchema } from '../../../src/api/crd.ts';
import { desired } from '../../../src/desired/index.ts';
import { POD_SECURITY_LEVELS } from '../../../src/desired/pod-security/level.ts';
import { podViolations } from '../../../src/desired/pod-security/pod.ts';
import { readCrdSchema, sample, setField, validServer } from '../../support/manifests.ts';

interface Field {
  /** Of the resource, with `[0]` for the entries of lists. */
  readonly path: string;
  readonly schema: CrdSchema;
}

/** What the pod is made from. */
const PARTS = ['server', 'podTemplate', 'sidecar'];
const LEVELS = POD_SECURITY_LEVELS.filter((level) => level !== 'unrestricted');

function fields({ path, schema }: Field): Field[] {
  const members = Object.entries(schema.properties ?? {}).map(([name, member]) => ({
    path: `${path}.${name}`,
    schema: member,
  }));
  const entries = schema.items === undefined ? [] : [{ path: `${path}[0]`, schema: schema.items }];
  return [{ path, schema }, ...[...members, ...entries].flatMap(fields)];
}

function partsOfThePod(): Field[] {
  const spec = readCrdSchema().properties?.['spec'];
  return PARTS.flatMap((part) => {
    const schema = spec?.properties?.[part];
    assert.ok(schema, part);
    return fields({ path: `spec.${part}`, schema });
  });
}

/** A value of the field's type; what it means does not matter here. */
function valueOf(schema: CrdSchema): unknown {
  if (schema.type === 'integer') return 1;
  if (schema.type === 'boolean') return true;
  if (schema.additionalProperties !== undefined) return { x: 'y' };
  return schema.type === 'object' ? {} : 'x';
}

/** Not checked against the schema: what it does not take yet, a later version may. */
function violations(path: string, value: unknown, level: (typeof LEVELS)[number]): string[] {
  const server = validServer(sample('echo'));
  setField(server, path, value);
  const deployment = desired({ server, sidecarImage: 'sidecar:1' }).find(({ kind }) => kind === 'Deployment');
  const { template } = (deployment as unknown as { spec: { template: Parameters<typeof podViolations>[0] } })
    .spec;
  return podViolations(template, level).map(({ path: of, message }) => `${of}: ${message}`);
}

const all = partsOfThePod();
const leaves = all.filter(({ schema }) => schema.properties === undefined && schema.items === undefined);
const free = all.filter(({ schema }) => schema['x-kubernetes-preserve-unknown-fields'] === true);

describe('the pod fields of the CRD', () => {
  it('are found', () => {
    assert.ok(leaves.length > 50, String(leaves.length));
    assert.deepEqual(free.map(({ path }) => path).toSorted(), [
      'spec.podTemplate.affinity',
      'spec.podTemplate.topologySpreadConstraints[0]',
      'spec.podTemplate.volumes[0]',
      'spec.server.livenessProbe',
      'spec.server.readinessProbe',
      'spec.server.securityContext',
      'spec.server.startupProbe',
    ]);
  });

  for (const level of LEVELS) {
    for (const { path, schema } of leaves)
      it(`at ${level}, are known: ${path}`, () => {
        const unknown = violations(path, valueOf(schema), level).filter((text) => /in no control/.test(text));
        assert.deepEqual(unknown, []);
      });

    for (const { path } of free)
      it(`at ${level}, have no unknown member: ${path}`, () => {
        const found = violations(`${path}.hostEverything`, { any: 'thing' }, level);
        assert.equal(found.length > 0, true);
        assert.match(found.join('\n'), /hostEverything/);
      });
  }
});

describe('a field that the CRD may have one day', () => {
  for (const level of LEVELS)
    for (const path of [
      'spec.server.env[0].valueFrom.fileKeyRef',
      'spec.server.envFrom[0].hostRef',
      'spec.server.volumeMounts[0].hostPath',
      'spec.server.resources.claims',
      'spec.podTemplate.tolerations[0].force',
      'spec.podTemplate.imagePullSecrets[0].namespace',
    ])
      it(`is refused at ${level} until a control knows it: ${path}`, () => {
        assert.match(violations(path, { any: 'thing' }, level).join('\n'), /unknown field/);
      });
});
