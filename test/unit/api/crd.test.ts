// The CRD as such: bounded, described, and with rules that both CEL implementations know.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RESERVED_PATTERN } from '../../../src/sidecar/config/reserved-fields.ts';
import type { CrdSchema } from '../../../src/api/crd.ts';
import { readCrdSchema, sample } from '../../support/manifests.ts';

interface Node {
  readonly path: string;
  readonly schema: CrdSchema;
}

function nodes(schema: CrdSchema, path: string): Node[] {
  const below = [
    ...Object.entries(schema.properties ?? {}).flatMap(([name, field]) => nodes(field, `${path}.${name}`)),
    ...(schema.items ? nodes(schema.items, `${path}[]`) : []),
    ...(schema.additionalProperties ? nodes(schema.additionalProperties, `${path}{}`) : []),
  ];
  return [{ path, schema }, ...below];
}

/** Paths of the nodes for which `wrong` holds; a failing test shows them. */
function offenders(wrong: (schema: CrdSchema) => boolean): string[] {
  return all.filter(({ schema }) => wrong(schema)).map(({ path }) => path);
}

const { spec = {}, status = {} } = readCrdSchema().properties ?? {};
const all = [...nodes(spec, 'spec'), ...nodes(status, 'status')];

describe('every field of the CRD', () => {
  it('has a description', () => {
    assert.deepEqual(
      offenders(({ description }) => !description?.endsWith('.')),
      [],
    );
  });

  it('has a type', () => {
    assert.deepEqual(
      offenders((schema) => schema.type === undefined && !schema['x-kubernetes-int-or-string']),
      [],
    );
  });

  it('is bounded: texts', () => {
    assert.deepEqual(
      offenders(
        ({ type, maxLength, enum: options }) => type === 'string' && maxLength === undefined && !options,
      ),
      [],
    );
  });

  it('is bounded: lists, which also say how they merge', () => {
    assert.deepEqual(
      offenders(
        (schema) => schema.type === 'array' && (!schema.maxItems || !schema['x-kubernetes-list-type']),
      ),
      [],
    );
  });

  it('is bounded: maps', () => {
    assert.deepEqual(
      offenders(
        ({ additionalProperties, maxProperties }) => additionalProperties !== undefined && !maxProperties,
      ),
      [],
    );
  });

  it('is closed, or says that it is open', () => {
    assert.deepEqual(
      offenders(
        (schema) =>
          schema.type === 'object' &&
          !schema.properties &&
          !schema.additionalProperties &&
          !schema['x-kubernetes-preserve-unknown-fields'],
      ),
      [],
    );
  });

  it('requires only fields that exist, and none that has a default', () => {
    assert.deepEqual(
      offenders(({ required = [], properties = {} }) =>
        required.some((name) => properties[name] === undefined || properties[name].default !== undefined),
      ),
      [],
    );
  });

  it('has the key of a list map required and bounded', () => {
    assert.deepEqual(
      offenders((schema) =>
        (schema['x-kubernetes-list-map-keys'] ?? []).some((key) => !schema.items?.required?.includes(key)),
      ),
      [],
    );
  });

  it('has defaults all the way down to a field with one', () => {
    // A default below an absent parent does not apply, so a parent that is not required needs one too.
    assert.deepEqual(
      offenders(({ properties = {}, required = [] }) =>
        Object.entries(properties).some(
          ([name, field]) =>
            !required.includes(name) && hasDefaultField(field) && field.default === undefined,
        ),
      ).filter((path) => !optionalParents.includes(path)),
      [],
    );
  });
});

/** Where absence means something of its own: no CA bundle, no cert-manager issuer. */
const optionalParents = ['spec.tls', 'spec.authentication.issuers[].jwks', 'spec.authentication'];

function hasDefaultField({ properties = {} }: CrdSchema): boolean {
  return Object.values(properties).some((field) => field.default !== undefined);
}

describe('every pattern and rule of the CRD', () => {
  const expressions = all.flatMap(({ path, schema }) => [
    ...(schema.pattern === undefined ? [] : [{ path, regex: schema.pattern }]),
    ...(schema['x-kubernetes-validations'] ?? []).flatMap(({ rule }) =>
      [...rule.matchAll(/matches\(r?'([^']*)'\)/g)].map(([, regex = '']) => ({ path, regex })),
    ),
  ]);

  it('is a JavaScript regular expression, and uses nothing that RE2 lacks', () => {
    for (const { path, regex } of expressions) {
      assert.doesNotThrow(() => new RegExp(regex, 'u'), path);
      assert.doesNotMatch(regex, /\(\?[=!<]|\\[1-9]/, `${path}: look-around or back reference`);
    }
  });

  it('says in its message what to do, in one sentence without a full stop', () => {
    for (const { path, schema } of all) {
      for (const { message } of schema['x-kubernetes-validations'] ?? []) {
        assert.match(message, /^[a-z].{15,}[^.]$/, path);
      }
    }
  });
});

describe('full.yaml', () => {
  it('shows every field of the spec', () => {
    const exclusive = ['spec.tls.secretName'];
    assert.deepEqual(
      missing(sample('full')['spec'], spec, 'spec').filter(
        (path) => !exclusive.includes(path) && !rare.test(path),
      ),
      [],
    );
  });
});

/** Fields that exist because a Pod has them. */
const rare =
  /\.(optional|apiVersion|subPath|subPathExpr|recursiveReadOnly|mountPropagation|tolerationSeconds|matchExpressions)$/;

function missing(value: unknown, schema: CrdSchema, path: string): string[] {
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    if (!schema.items) return [];
    const each = items.map((item, index) =>
      missing(item, schema.items ?? {}, `${path}[${index}]`.replace(/\d+/, '')),
    );
    return (each[0] ?? []).filter((field) => each.every((fields) => fields.includes(field)));
  }
  if (typeof value !== 'object' || value === null) return [];
  const fields = value as Record<string, unknown>;
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) =>
    fields[name] === undefined ? [`${path}.${name}`] : missing(fields[name], field, `${path}.${name}`),
  );
}

it('the rule on forwardHeaders reserves what the sidecar reserves', () => {
  const rules =
    spec.properties?.server?.properties?.forwardHeaders?.items?.['x-kubernetes-validations'] ?? [];
  assert.ok(rules.some(({ rule }) => rule === `!self.lowerAscii().matches('${RESERVED_PATTERN}')`));
});
