// Schema validation with the CRD's own schema, as the API server does it: nulls pruned, defaults applied, types,
// limits, list types. Unknown fields are refused, not pruned. The CEL rules are in crd-rules.ts.
import { Ajv, type ErrorObject, type SchemaObject } from 'ajv';
import * as formats from 'ajv-formats';
import type { CrdSchema } from '../../api/crd.ts';
import { closest } from './closest.ts';

/** From the root of the object to a field: `['spec', 'authentication', 'issuers', 0]`. */
export type FieldPath = readonly (string | number)[];

/** As people write it: `spec.authentication.issuers[0]`. */
export function formatPath(path: FieldPath): string {
  return path
    .map((step, index) => {
      if (typeof step === 'number') return `[${step}]`;
      if (!/^[A-Za-z0-9_-]+$/.test(step)) return `[${step}]`;
      return index === 0 ? step : `.${step}`;
    })
    .join('');
}

export interface FieldProblem {
  readonly path: FieldPath;
  readonly message: string;
}

/** Changes `object` (defaults are applied to it) and returns every problem. */
type SchemaValidator = (object: unknown) => FieldProblem[];

/** The CRD says nothing about metadata, because the API server checks it. */
const METADATA: SchemaObject = {
  type: 'object',
  required: ['name'],
  properties: {
    name: { type: 'string', minLength: 1, maxLength: 253 },
    namespace: { type: 'string', minLength: 1, maxLength: 63, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' },
    labels: { type: 'object', additionalProperties: { type: 'string' } },
    annotations: { type: 'object', additionalProperties: { type: 'string' } },
  },
};

export function schemaValidator(schema: CrdSchema): SchemaValidator {
  const ajv = new Ajv({ allErrors: true, useDefaults: true, allowUnionTypes: true });
  formats.default.default(ajv, ['int32', 'int64', 'date-time']);
  const root = jsonSchema(schema);
  const validate = ajv.compile({
    ...root,
    required: ['metadata', ...(schema.required ?? [])],
    properties: { ...(root['properties'] as object), metadata: METADATA },
  });
  return (object) => {
    pruneNulls(object, schema);
    validate(object);
    const errors = (validate.errors ?? []).filter((error, _, all) => !followsFromType(error, all));
    const problems = errors.map((error) => fieldProblem(error, object, schema));
    return [...problems, ...duplicates(object, schema, [])];
  };
}

/** A fraction is no int32 either; once is enough. */
function followsFromType({ keyword, instancePath }: ErrorObject, all: readonly ErrorObject[]): boolean {
  return (
    keyword === 'format' &&
    all.some((other) => other.keyword === 'type' && other.instancePath === instancePath)
  );
}

/** CRD schema -> JSON schema that refuses unknown fields. */
function jsonSchema(schema: CrdSchema): SchemaObject {
  if (schema['x-kubernetes-int-or-string'])
    return { type: ['integer', 'string'], ...picked(schema, ['maxLength']) };
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true || schema.properties === undefined;
  return {
    ...picked(schema, [
      'type',
      'default',
      'enum',
      'format',
      'pattern',
      'minimum',
      'maximum',
      'minLength',
      'maxLength',
    ]),
    ...picked(schema, ['minItems', 'maxItems', 'maxProperties', 'required']),
    ...(schema.items && { items: jsonSchema(schema.items) }),
    ...(schema.properties && {
      properties: Object.fromEntries(
        Object.entries(schema.properties).map(([name, field]) => [name, jsonSchema(field)]),
      ),
    }),
    ...(schema.type === 'object' && {
      additionalProperties: schema.additionalProperties ? jsonSchema(schema.additionalProperties) : open,
    }),
  };
}

function picked(schema: CrdSchema, keywords: readonly (keyof CrdSchema)[]): SchemaObject {
  return Object.fromEntries(
    keywords.flatMap((key) => (schema[key] === undefined ? [] : [[key, schema[key]]])),
  );
}

/** `tls:` with nothing behind it is null in YAML; the API server takes a null field for an absent one. */
function pruneNulls(value: unknown, schema: CrdSchema | undefined): void {
  if (Array.isArray(value)) for (const item of value) pruneNulls(item, schema?.items);
  if (!isRecord(value)) return;
  for (const [name, field] of Object.entries(value)) {
    const fieldSchema = schema?.properties?.[name] ?? schema?.additionalProperties;
    if (field === null && fieldSchema !== undefined) delete value[name];
    else if (fieldSchema !== undefined) pruneNulls(field, fieldSchema);
  }
}

/** Lists that are sets, or maps by a key: what the API server calls a duplicate value. */
function duplicates(value: unknown, schema: CrdSchema, path: FieldPath): FieldProblem[] {
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    const below = items.flatMap((item, index) => duplicates(item, schema.items ?? {}, [...path, index]));
    return [...repeated(items, schema, path), ...below];
  }
  if (!isRecord(value)) return [];
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) =>
    duplicates(value[name], field, [...path, name]),
  );
}

function repeated(items: readonly unknown[], schema: CrdSchema, path: FieldPath): FieldProblem[] {
  const [key] = schema['x-kubernetes-list-map-keys'] ?? [];
  if (schema['x-kubernetes-list-type'] !== 'set' && key === undefined) return [];
  const seen = new Map<unknown, number>();
  return items.flatMap((item, index) => {
    const identity = key === undefined ? item : isRecord(item) ? item[key] : undefined;
    const first = seen.get(identity);
    if (identity === undefined || first === undefined) {
      seen.set(identity, index);
      return [];
    }
    const at = key === undefined ? [...path, index] : [...path, index, key];
    return [{ path: at, message: `duplicate: entry [${first}] has the same value; remove one` }];
  });
}

function fieldProblem(error: ErrorObject, object: unknown, schema: CrdSchema): FieldProblem {
  const path = fieldPath(error.instancePath, object);
  const params = error.params as Record<string, unknown>; // What it holds depends on the keyword.
  if (error.keyword === 'required')
    return { path: [...path, String(params['missingProperty'])], message: 'is required' };
  if (error.keyword === 'additionalProperties') {
    const name = String(params['additionalProperty']);
    return { path: [...path, name], message: unknownField(name, path, schema) };
  }
  return { path, message: limitMessage(error.keyword, params, valueAt(object, path)) };
}

function limitMessage(keyword: string, params: Record<string, unknown>, value: unknown): string {
  const limit = String(params['limit']);
  switch (keyword) {
    case 'type':
      return typeMessage(params['type'] as string | string[], value);
    case 'enum':
      return enumMessage(params['allowedValues'] as string[], value);
    case 'minimum':
      return `must be at least ${limit}`;
    case 'maximum':
      return `must be at most ${limit}`;
    case 'minLength':
      return limit === '1' ? 'must not be empty' : `must have at least ${limit} characters`;
    case 'maxLength':
      return `must have at most ${limit} characters`;
    case 'minItems':
      return `must have at least ${limit} entry; leave the field out for the default`;
    case 'maxItems':
    case 'maxProperties':
      return `must have at most ${limit} entries`;
    case 'pattern':
      return `must match ${String(params['pattern'])}`;
    case 'format':
      return `must be a valid ${String(params['format'])}`;
    default:
      return `is not valid (${keyword})`;
  }
}

function typeMessage(expected: string | string[], value: unknown): string {
  const names: Record<string, string> = {
    object: 'an object (fields below it)',
    array: 'a list',
    string: 'a string',
    integer: 'an integer',
    number: 'a number',
    boolean: 'a boolean (true or false)',
  };
  const wanted = [expected].flat().map((type) => names[type] ?? type);
  const quoted = expected === 'string' && ['number', 'boolean'].includes(typeof value);
  return `must be ${wanted.join(' or ')}, not ${kindOf(value)}${quoted ? '; put it in quotes' : ''}`;
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return 'a list';
  const names: Record<string, string> = { object: 'an object', string: 'a string', boolean: 'a boolean' };
  return names[typeof value] ?? (Number.isInteger(value) ? 'a number' : 'a fraction');
}

function enumMessage(allowed: readonly string[], value: unknown): string {
  const near = typeof value === 'string' ? closest(value, allowed) : undefined;
  const hint = near === undefined ? '' : ` (did you mean ${near}?)`;
  return `must be one of ${allowed.map((option) => option || '""').join(', ')}${hint}`;
}

function unknownField(name: string, path: FieldPath, schema: CrdSchema): string {
  const siblings = Object.keys(schemaAt(schema, path)?.properties ?? {});
  const near = closest(name, siblings);
  if (near !== undefined) return `unknown field; did you mean ${near}?`;
  const [elsewhere, ...others] = pathsOf(name, schema.properties?.['spec'], 'spec');
  if (elsewhere !== undefined && others.length === 0) return `unknown field here; did you mean ${elsewhere}?`;
  return `unknown field; the fields here are ${siblings.join(', ')}`;
}

function pathsOf(name: string, schema: CrdSchema | undefined, path: string): string[] {
  const own = Object.entries(schema?.properties ?? {}).flatMap(([field, below]) => [
    ...(field === name ? [`${path}.${field}`] : []),
    ...pathsOf(name, below, `${path}.${field}`),
  ]);
  return [...own, ...(schema?.items ? pathsOf(name, schema.items, `${path}[]`) : [])];
}

function schemaAt(schema: CrdSchema | undefined, [step, ...rest]: FieldPath): CrdSchema | undefined {
  if (step === undefined || schema === undefined) return schema;
  const below =
    typeof step === 'number' ? schema.items : (schema.properties?.[step] ?? schema.additionalProperties);
  return schemaAt(below, rest);
}

/** JSON pointer -> path; a step is an index only where the value is a list. */
function fieldPath(pointer: string, object: unknown): FieldPath {
  const steps = pointer.split('/').slice(1);
  const path: (string | number)[] = [];
  for (const step of steps) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(Array.isArray(valueAt(object, path)) ? Number(name) : name);
  }
  return path;
}

function valueAt(value: unknown, path: FieldPath): unknown {
  return path.reduce<unknown>((at, step) => (at as Record<string | number, unknown>)[step], value); // ajv was there.
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
