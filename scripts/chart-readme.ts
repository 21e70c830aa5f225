// values.yaml and values.schema.json -> the table of values in the chart's README. The text around it is written by hand.
import { format } from 'prettier';
import { Document, isMap, isScalar, parseDocument, type Node, type Pair, type YAMLMap } from 'yaml';

const BEGIN = '<!-- values:begin, GENERATED from values.yaml by `npm run generate` -->';
const END = '<!-- values:end -->';

/** Keys of the schema that are no values: Helm and parent charts give them to every dependency. */
const RESERVED = ['enabled', 'global'];

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
}

export interface ValuesSchema extends Schema {
  readonly definitions: Readonly<Record<string, Schema>>;
}

interface Row {
  readonly key: string;
  readonly type: string;
  readonly value: unknown;
  readonly description: string;
}

/** The README with a fresh table. Throws when a value has no comment, or when the values and their schema disagree. */
export async function chartReadme(readme: string, valuesText: string, schema: ValuesSchema): Promise<string> {
  const [before, rest] = readme.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`the chart's README has lost "${BEGIN}"`);
  const text = `${before}${BEGIN}\n\n${table(valueRows(valuesText, schema))}\n\n${END}${after}`;
  return format(text, { parser: 'markdown' });
}

/** Every value of the chart, in the order of values.yaml. */
function valueRows(valuesText: string, schema: ValuesSchema): Row[] {
  const { contents } = parseDocument(valuesText);
  if (!isMap(contents)) throw new Error('values.yaml is not a map');
  return mapRows(contents, { path: '', schema, root: schema });
}

interface MapSchema {
  /** With a dot at its end, except at the root. */
  readonly path: string;
  readonly schema: Schema;
  readonly root: ValuesSchema;
}

function mapRows(map: YAMLMap, { path, schema, root }: MapSchema): Row[] {
  const properties = schema.properties ?? {};
  const keys = map.items.map(keyOf);
  const missing = Object.keys(properties).filter(
    (key) => !keys.includes(key) && !(path === '' && RESERVED.includes(key)),
  );
  if (missing.length > 0)
    throw new Error(`values.yaml lacks ${missing.join(', ')} of its schema at "${path}"`);
  return map.items.flatMap((pair, index) => {
    const key = `${path}${keyOf(pair)}`;
    const property = resolve(properties[keyOf(pair)], root);
    if (property === undefined) throw new Error(`values.schema.json lacks ${key}`);
    const description = commentOf(pair, index === 0 ? map : undefined);
    if (description === '') throw new Error(`values.yaml: ${key} has no comment`);
    const value = pair.value as Node;
    if (isMap(value) && hasComments(value))
      return mapRows(value, { path: `${key}.`, schema: property, root });
    const plain: unknown = value.toJS(new Document());
    return [{ key, type: typeOf(property), value: plain, description }];
  });
}

/** A map whose keys are explained is listed key by key; another is one value. */
function hasComments(map: YAMLMap): boolean {
  return map.items.some((pair, index) => commentOf(pair, index === 0 ? map : undefined) !== '');
}

function keyOf(pair: Pair): string {
  if (!isScalar(pair.key)) throw new Error('values.yaml: a key is not a word');
  return String(pair.key.value);
}

/** The comment right above a key. The parser gives the first one of a map to the map itself. */
function commentOf(pair: Pair, map: YAMLMap | undefined): string {
  const comment = (pair.key as Node).commentBefore ?? map?.commentBefore ?? '';
  return (comment.split(/\n\s*\n/).at(-1) ?? '').replace(/\s+/g, ' ').trim();
}

function resolve(schema: Schema | undefined, root: ValuesSchema): Schema | undefined {
  const name = schema?.$ref?.split('/').at(-1);
  return name === undefined ? schema : root.definitions[name];
}

function typeOf({ type, enum: values }: Schema): string {
  if (values) return values.map((value) => `\`${value}\``).join(', ');
  return typeof type === 'string' ? type : (type ?? []).join(' or ');
}

function table(rows: readonly Row[]): string {
  return [
    '| Key | Type | Default | Description |',
    '| --- | --- | --- | --- |',
    ...rows.map(({ key, type, value, description }) =>
      [`| \`${key}\``, type, `\`${JSON.stringify(value)}\``, `${description.replaceAll('|', '\\|')} |`].join(
        ' | ',
      ),
    ),
  ].join('\n');
}
