// CRD schema -> docs/api.md: one table per object, with type, default, description and rules of each field.
import { crdSchema, type Crd, type CrdSchema } from '../src/api/crd.ts';

interface Section {
  readonly title: string;
  readonly paths: string[];
  readonly schema: CrdSchema;
}

/** The text of the API reference. Deterministic: the same schema gives the same bytes. */
export function apiReference(crd: Crd, source: string): string {
  const schema = crdSchema(crd);
  const { group, names, versions } = crd.spec;
  const sections = collect(schema);
  const lines = [
    `<!-- GENERATED from ${source} by \`npm run generate\`. Do not edit. -->`,
    '',
    `# API reference: ${names.kind}`,
    '',
    `\`apiVersion: ${group}/${versions[0]?.name}\`, \`kind: ${names.kind}\`, plural \`${names.plural}\`. The same text is in`,
    `\`kubectl explain pmcp.spec --recursive\`. Examples: [echo.yaml](../manifests/samples/echo.yaml), the least, and`,
    '[full.yaml](../manifests/samples/full.yaml), every field.',
    '',
    schema.description ?? '',
    '',
    ...rulesOf(schema).map((rule) => `- ${rule}`),
    ...sections.flatMap(sectionLines),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

/** Every titled object once, in the order of the schema, with all paths where it is found. */
function collect(root: CrdSchema): Section[] {
  const sections = new Map<string, Section>();
  const visit = (schema: CrdSchema, path: string): void => {
    const title = schema.title;
    if (title !== undefined && path !== '') {
      const known = sections.get(title);
      if (known) known.paths.push(path);
      else sections.set(title, { title, paths: [path], schema });
    }
    for (const [name, field] of Object.entries(schema.properties ?? {}))
      visit(field, path ? `${path}.${name}` : name);
    if (schema.items) visit(schema.items, `${path}[]`);
  };
  visit(root, '');
  return [...sections.values()];
}

function sectionLines({ title, paths, schema }: Section): string[] {
  return [
    '',
    `## ${title}`,
    '',
    paths.map((path) => `\`${path}\``).join(', '),
    '',
    ...(paths.length === 1 ? [schema.description ?? '', ''] : []),
    ...rulesOf(schema).map((rule) => `- ${rule}`),
    ...(rulesOf(schema).length > 0 ? [''] : []),
    '| Field | Type | Default | Description | Rules |',
    '| --- | --- | --- | --- | --- |',
    ...Object.entries(schema.properties ?? {}).map(([name, field]) =>
      row([
        `\`${name}\``,
        typeOf(field),
        schema.required?.includes(name) ? '**required**' : defaultOf(field),
        field.description ?? '',
        fieldRules(field).join('<br>'),
      ]),
    ),
    ...(schema['x-kubernetes-preserve-unknown-fields'] ? ['', 'Other fields as in a Pod.'] : []),
  ];
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function typeOf(schema: CrdSchema): string {
  if (schema['x-kubernetes-int-or-string']) return 'integer or string';
  if (schema.enum) return schema.enum.map((value) => `\`${value || '""'}\``).join(', ');
  if (schema.type === 'array') return `list of ${typeOf(schema.items ?? {})}`;
  if (schema.additionalProperties) return `map of ${typeOf(schema.additionalProperties)}`;
  if (schema.title) return `[${schema.title}](#${schema.title.toLowerCase()})`;
  return schema.format === undefined ? (schema.type ?? 'any') : `${schema.type} (${schema.format})`;
}

function defaultOf(schema: CrdSchema): string {
  if (schema.default === undefined || JSON.stringify(schema.default) === '{}') return '';
  if (Array.isArray(schema.default)) return schema.default.length === 0 ? 'none' : 'all of them';
  return `\`${JSON.stringify(schema.default).replaceAll('"', '')}\``;
}

function fieldRules(schema: CrdSchema): string[] {
  // A titled object states its own rules in its own section.
  const own = schema.title === undefined ? rulesOf(schema) : [];
  const items =
    schema.items?.title === undefined ? [...limitsOf(schema.items), ...rulesOf(schema.items)] : [];
  return [...limitsOf(schema), ...own, ...items.map((rule) => `each: ${rule}`)];
}

function rulesOf(schema: CrdSchema | undefined): string[] {
  return (schema?.['x-kubernetes-validations'] ?? []).map(({ message }) => message);
}

function limitsOf(schema: CrdSchema | undefined): string[] {
  if (schema === undefined) return [];
  const limits: string[] = [];
  const { minimum, maximum, minItems, maxItems, maxLength, maxProperties } = schema;
  if (minimum !== undefined && maximum !== undefined) limits.push(`${minimum} to ${maximum}`);
  else if (minimum !== undefined) limits.push(`at least ${minimum}`);
  if (minItems !== undefined) limits.push(`at least ${minItems} entry`);
  if (maxItems !== undefined) limits.push(`at most ${maxItems} entries`);
  if (maxProperties !== undefined) limits.push(`at most ${maxProperties} entries`);
  if (maxLength !== undefined && !schema.enum) limits.push(`at most ${maxLength} characters`);
  if (schema.pattern !== undefined) limits.push(`matches \`${schema.pattern}\``);
  if (schema['x-kubernetes-list-type'] === 'set') limits.push('no duplicates');
  const keys = schema['x-kubernetes-list-map-keys'];
  if (keys) limits.push(`\`${keys.join('`, `')}\` is unique`);
  return limits;
}
