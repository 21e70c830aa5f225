// The CRD's CEL rules, all of them at every level, evaluated as the API server would. Runs after the schema.
import { Environment } from '@marcbachmann/cel-js';
import type { CrdRule, CrdSchema } from '../../api/crd.ts';
import { isRecord, type FieldPath, type FieldProblem } from './crd-schema.ts';

/** Returns every broken rule. `wrong` are the places where the schema already found a problem. */
type RuleValidator = (object: unknown, wrong: readonly FieldPath[]) => FieldProblem[];

type Evaluate = (context: { self: unknown }) => unknown;

/** Compiles every rule at once, so that a mistake in the CRD shows at start and not with the first object. */
export function ruleValidator(schema: CrdSchema): RuleValidator {
  const cel = new Environment()
    .registerVariable('self', 'dyn')
    // Of Kubernetes' own functions, the one that this implementation lacks.
    .registerFunction('list.sum(): int', (numbers: bigint[]) =>
      numbers.reduce((sum, next) => sum + next, 0n),
    );
  const compiled = new Map<CrdRule, Evaluate>();
  forEachRule(schema, (rule) => compiled.set(rule, cel.parse(rule.rule) as Evaluate));

  const visit = ({ value, at, path }: Visited, wrong: readonly FieldPath[]): FieldProblem[] => {
    if (value === undefined || wrong.some((place) => startsWith(path, place))) return [];
    const own = (at['x-kubernetes-validations'] ?? []).flatMap((rule) => {
      const holds = evaluate(compiled.get(rule), celValue(value, at));
      // A rule over a value that has a problem further down may not be computable; the schema has said why.
      if (holds === true || (holds !== false && wrong.some((place) => startsWith(place, path)))) return [];
      return [{ path, message: rule.message }];
    });
    const below = children(value, at).flatMap(([step, child, childSchema]) =>
      visit({ value: child, at: childSchema, path: [...path, step] }, wrong),
    );
    return [...own, ...below];
  };
  return (object, wrong) => visit({ value: object, at: schema, path: [] }, wrong);
}

interface Visited {
  readonly value: unknown;
  readonly at: CrdSchema;
  readonly path: FieldPath;
}

/** Anything but true or false is a rule that could not be computed. */
function evaluate(rule: Evaluate | undefined, self: unknown): unknown {
  try {
    return rule?.({ self });
  } catch {
    return undefined;
  }
}

type Child = readonly [step: string | number, value: unknown, schema: CrdSchema];

function children(value: unknown, schema: CrdSchema): Child[] {
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    return items.map((item, index) => [index, item, schema.items ?? {}]);
  }
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([name, field]): Child[] => {
    const below = schema.properties?.[name] ?? schema.additionalProperties;
    return below === undefined ? [] : [[name, field, below]];
  });
}

/** CEL tells integers from floating-point numbers by type, and sees only fields that the schema knows. */
function celValue(value: unknown, schema: CrdSchema): unknown {
  if (typeof value === 'number' && Number.isInteger(value) && schema.type !== 'number') return BigInt(value);
  if (Array.isArray(value)) return value.map((item) => celValue(item, schema.items ?? {}));
  if (!isRecord(value)) return value;
  // Rules at the root see the name, which the CRD does not describe.
  const metadata =
    schema.properties?.['metadata'] && isRecord(value['metadata'])
      ? { name: value['metadata']['name'] }
      : undefined;
  const known = children(value, schema).map(
    ([name, field, below]) => [name, celValue(field, below)] as const,
  );
  return { ...Object.fromEntries(known), ...(metadata && { metadata }) };
}

function forEachRule(schema: CrdSchema, action: (rule: CrdRule) => void): void {
  schema['x-kubernetes-validations']?.forEach(action);
  for (const field of Object.values(schema.properties ?? {})) forEachRule(field, action);
  if (schema.items) forEachRule(schema.items, action);
  if (schema.additionalProperties) forEachRule(schema.additionalProperties, action);
}

function startsWith(path: FieldPath, prefix: FieldPath): boolean {
  return prefix.every((step, index) => path[index] === step);
}
