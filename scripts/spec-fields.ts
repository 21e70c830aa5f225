// CRD schema -> the fields of a resource's spec and the values of its enumerations, as a module for the operator, whose image
// has no CRD: it tells a field of a newer definition from one that it acts on.
import type { CrdSchema } from '../src/api/crd.ts';
import type { KnownField } from '../src/api/known-field.ts';

/** The text of the generated module. Deterministic: the same schema gives the same bytes. */
export function specFields(schema: CrdSchema, source: string): string {
  const spec = schema.properties?.['spec'];
  if (spec === undefined) throw new Error(`${source}: there is no spec`);
  return [
    `// GENERATED from ${source} by \`npm run generate\`. Do not edit.`,
    '// What this version knows of a ProtectedMcpServer.',
    "import type { KnownField } from './known-field.ts';",
    '',
    `export const SPEC: KnownField = ${JSON.stringify(knownField(spec), null, 2)};`,
    '',
  ].join('\n');
}

function knownField(schema: CrdSchema): KnownField {
  const { properties, additionalProperties, items } = schema;
  return {
    ...(properties !== undefined &&
      schema['x-kubernetes-preserve-unknown-fields'] !== true && {
        fields: Object.fromEntries(
          Object.entries(properties).map(([name, field]) => [name, knownField(field)]),
        ),
      }),
    ...(additionalProperties !== undefined && { values: knownField(additionalProperties) }),
    ...(items !== undefined && { items: knownField(items) }),
    ...(schema.enum !== undefined && { enum: schema.enum }),
  };
}
