// CRD schema -> TypeScript interfaces, by json-schema-to-typescript. Only the form after defaults: that is what the
// API server and local validation hand to the code, so a field with a default is never optional.
import { compile } from 'json-schema-to-typescript';
import type { JSONSchema } from 'json-schema-to-typescript';
import type { CrdSchema } from '../src/api/crd.ts';

type Definitions = Record<string, JSONSchema>;

const text = (description: string): JSONSchema => ({ type: 'string', description });
const texts = (description: string): JSONSchema => ({
  type: 'object',
  description,
  additionalProperties: { type: 'string' },
});

/** Kubernetes describes metadata itself, so the CRD cannot: the fields that we read or write. */
const objectMeta: JSONSchema = {
  type: 'object',
  title: 'ObjectMeta',
  description: 'Standard object metadata: the fields that this project reads or writes.',
  additionalProperties: false,
  required: ['name'],
  properties: {
    name: text('The name, unique in the namespace.'),
    namespace: text('The namespace.'),
    uid: text('Set by the API server. Absent in local mode.'),
    resourceVersion: text('Set by the API server; opaque.'),
    generation: { type: 'integer', description: 'Counts changes of the spec. Set by the API server.' },
    creationTimestamp: text('Set by the API server.'),
    deletionTimestamp: text('Set by the API server when the object is being deleted.'),
    labels: texts('Labels.'),
    annotations: texts('Annotations.'),
    finalizers: { type: 'array', items: { type: 'string' }, description: 'What must run before deletion.' },
    ownerReferences: {
      type: 'array',
      items: { tsType: 'OwnerReference' },
      description: 'With whom the object is deleted.',
    },
  },
};

const ownerReference: JSONSchema = {
  type: 'object',
  title: 'OwnerReference',
  description: 'An object in the same namespace that this one is deleted with.',
  additionalProperties: false,
  required: ['apiVersion', 'kind', 'name', 'uid'],
  properties: {
    apiVersion: text("The owner's API version."),
    kind: text("The owner's kind."),
    name: text("The owner's name."),
    uid: text("The owner's uid."),
    controller: { type: 'boolean', description: 'Whether the owner manages the object.' },
    blockOwnerDeletion: { type: 'boolean', description: 'Whether foreground deletion of the owner waits.' },
  },
};

/** The text of the generated module. Deterministic: the same schema gives the same bytes. */
export async function apiTypes(schema: CrdSchema, source: string): Promise<string> {
  const definitions: Definitions = {};
  const root = afterDefaults(schema, definitions);
  root.properties = {
    ...root.properties,
    metadata: { tsType: 'ObjectMeta', description: 'Standard metadata.' },
  };
  root.required = ['apiVersion', 'kind', 'metadata', ...asArray(root.required)];
  Object.assign(definitions, { ObjectMeta: objectMeta, OwnerReference: ownerReference });
  const module = await compile({ ...root, definitions }, 'ProtectedMcpServer', {
    bannerComment: `// GENERATED from ${source} by \`npm run generate\`. Do not edit.\n// The form after defaults: what the API server and local validation hand out.`,
    additionalProperties: false,
    unreachableDefinitions: true,
    ignoreMinAndMaxItems: true,
    style: { printWidth: 110, singleQuote: true, trailingComma: 'all' },
  });
  return tidy(module);
}

/** Converts one schema. A titled object becomes a definition of its own and is referred to by name. */
function afterDefaults(schema: CrdSchema, definitions: Definitions): JSONSchema {
  const description = schema.description === undefined ? {} : { description: wrap(schema.description) };
  if (schema['x-kubernetes-int-or-string']) return { ...description, tsType: 'number | string' };
  if (schema.type === 'array') {
    const items = named(schema.items ?? {}, definitions);
    delete items.description; // The list's own says it.
    return { ...description, type: 'array', items };
  }
  if (schema.type === 'object') return { ...description, ...objectSchema(schema, definitions) };
  return {
    ...description,
    ...(schema.type && { type: schema.type }),
    ...(schema.enum && { enum: [...schema.enum] }),
  };
}

function objectSchema(schema: CrdSchema, definitions: Definitions): JSONSchema {
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const values = schema.additionalProperties && named(schema.additionalProperties, definitions);
  if (!schema.properties) return { type: 'object', additionalProperties: values ?? open };
  const fields = Object.entries(schema.properties);
  const always = fields.filter(
    ([name, field]) => schema.required?.includes(name) || field.default !== undefined,
  );
  return {
    type: 'object',
    ...(schema.title && { title: schema.title }),
    additionalProperties: values ?? open,
    required: always.map(([name]) => name),
    properties: Object.fromEntries(fields.map(([name, field]) => [name, named(field, definitions)])),
  };
}

function named(schema: CrdSchema, definitions: Definitions): JSONSchema {
  const { type, title } = schema;
  if (type !== 'object' || title === undefined) return afterDefaults(schema, definitions);
  const known = definitions[title];
  definitions[title] ??= {}; // Takes its place before its children do, so that the file reads from the top down.
  const { description, ...shape } = afterDefaults(schema, definitions);
  const field = { tsType: title, ...(description !== undefined && { description }) };
  if (known === undefined)
    definitions[title] = { ...shape, ...(description !== undefined && { description }) };
  else {
    // An interface that several fields share has no description of its own; the fields have theirs.
    delete known.description;
    if (JSON.stringify(known) !== JSON.stringify(shape))
      throw new Error(`two schemas have the title ${title}`);
  }
  return field;
}

/** Drops the compiler's remarks on where a type was found, and puts short comments on one line. */
function tidy(module: string): string {
  return module
    .replaceAll(/\n \* (\n \* )?This interface was referenced by .*\n \* via the .*\n/g, '\n')
    .replaceAll(/\n \*\n \*\//g, '\n */')
    .replaceAll(/\/\*\*\n \*\/\n/g, '')
    .replaceAll(/\/\*\*\n +\* (.*)\n +\*\//g, '/** $1 */')
    .replaceAll(/\}\n(?=\/\*\*|export)/g, '}\n\n');
}

function asArray(required: JSONSchema['required']): string[] {
  return Array.isArray(required) ? required : [];
}

function wrap(words: string, width = 100): string {
  const lines: string[] = [];
  for (const word of words.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.join('\n');
}
