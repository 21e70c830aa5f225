// Kubernetes YAML -> validated objects, or every problem at once. Reads no cluster, and never throws for bad input.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LineCounter, isNode, parse, parseAllDocuments, type Document, type YAMLParseError } from 'yaml';
import { crdSchema, type Crd } from '../../api/crd.ts';
import { API_VERSION, KIND } from '../../api/names.ts';
import type { Manifest } from '../../api/object.ts';
import type { ProtectedMcpServer } from '../../api/protected-mcp-server.gen.ts';
import { closest } from './closest.ts';
import { ruleValidator } from './crd-rules.ts';
import { formatPath, isRecord, schemaValidator, type FieldPath, type FieldProblem } from './crd-schema.ts';

export interface SourceFile {
  readonly file: string;
  readonly text: string;
}

export interface Problem {
  readonly file: string;
  /** Both count from 1. */
  readonly line: number;
  readonly column: number;
  /** Counts from 1; files may hold several documents. */
  readonly document: number;
  /** Such as `spec.authentication.issuers[0].audiences`; empty when the whole document is meant. */
  readonly path: string;
  readonly message: string;
}

export interface Manifests {
  /** After defaults, with a namespace. */
  readonly servers: readonly ProtectedMcpServer[];
  readonly configMaps: readonly Manifest[];
  readonly secrets: readonly Manifest[];
}

export type ReadResult =
  | { readonly ok: true; readonly manifests: Manifests }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** `FILE:LINE:COLUMN: PATH: MESSAGE`, the form that editors and terminals make clickable. */
export function describeProblem({ file, line, column, path, message }: Problem): string {
  return `${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}`;
}

/** Reads all documents of all files. */
export function readManifests(
  files: readonly SourceFile[],
  checkServer: ObjectCheck = serverValidator(),
): ReadResult {
  const kinds = readKinds(checkServer);
  const documents = files.flatMap((file) => readDocuments(file, kinds));
  const problems = documents.flatMap(({ problems }) => problems);
  const objects = documents.flatMap(({ object }) => (object === undefined ? [] : [object]));
  const servers = objects.filter(({ kind }) => kind === KIND);
  if (problems.length === 0 && servers.length === 0) problems.push(noServer(files));
  if (problems.length === 0) problems.push(...sameObjects(documents));
  if (problems.length > 0) return { ok: false, problems };
  return {
    ok: true,
    manifests: {
      servers: servers as unknown as ProtectedMcpServer[], // The CRD's schema accepted them, and their type is made from it.
      configMaps: objects.filter(({ kind }) => kind === 'ConfigMap'),
      secrets: objects.filter(({ kind }) => kind === 'Secret'),
    },
  };
}

interface ReadDocument {
  readonly object?: Manifest;
  readonly problems: Problem[];
  readonly at: (problem: FieldProblem) => Problem;
}

function readDocuments({ file, text }: SourceFile, kinds: Kinds): ReadDocument[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false });
  if (!Array.isArray(documents)) return []; // An empty file.
  return documents.map((document, index) => {
    const place = (offset: number) => {
      const { line, col } = lines.linePos(offset);
      return { file, document: index + 1, line: Math.max(line, 1), column: Math.max(col, 1) };
    };
    const at = ({ path, message }: FieldProblem): Problem => ({
      ...place(offsetOf(document, path)),
      path: formatPath(path),
      message,
    });
    const syntax = document.errors.map((error) => ({
      ...place(error.pos[0]),
      path: '',
      message: syntaxMessage(error),
    }));
    if (syntax.length > 0) return { problems: syntax, at };
    const checked = checkDocument(document, kinds, at);
    return { ...checked, problems: checked.problems.toSorted(byPlace), at };
  });
}

function checkDocument(document: Document, kinds: Kinds, at: ReadDocument['at']): Omit<ReadDocument, 'at'> {
  let object: unknown;
  try {
    object = document.toJS();
  } catch (cause) {
    return {
      problems: [at({ path: [], message: `invalid YAML: ${plain((cause as Error).message)}` })],
    };
  }
  if (object === null) return { problems: [] }; // Only comments.
  if (!isRecord(object))
    return { problems: [at({ path: [], message: 'must be an object with apiVersion and kind' })] };
  const problems = checkObject(object, kinds);
  if (problems.length > 0) return { problems: problems.map(at) };
  const checked = object as Manifest; // Every kind's check asks for these three fields.
  checked.metadata.namespace ??= 'default';
  return { object: checked, problems: [] };
}

/** Changes the object (defaults are applied to it) and returns every problem. */
export type ObjectCheck = (object: Record<string, unknown>) => FieldProblem[];

/** The kinds that are read, each with its check. */
type Kinds = ReadonlyMap<string, { readonly apiVersion: string; readonly check: ObjectCheck }>;

function readKinds(checkServer: ObjectCheck): Kinds {
  return new Map([
    [KIND, { apiVersion: API_VERSION, check: checkServer }],
    ['ConfigMap', { apiVersion: 'v1', check: (object) => checkData(object, ['data', 'binaryData']) }],
    ['Secret', { apiVersion: 'v1', check: (object) => checkData(object, ['data', 'stringData']) }],
  ]);
}

function checkObject(object: Record<string, unknown>, kinds: Kinds): FieldProblem[] {
  const { apiVersion, kind } = object;
  const known = [...kinds].map(([name, { apiVersion }]) => `${name} (${apiVersion})`);
  if (typeof kind !== 'string')
    return [{ path: ['kind'], message: `is required; supported kinds: ${known.join(', ')}` }];
  const reader = kinds.get(kind);
  if (reader === undefined) {
    const near = closest(kind, [...kinds.keys()]);
    const hint = near === undefined ? '' : ` (did you mean ${near}?)`;
    return [
      {
        path: ['kind'],
        message: `"${kind}" is not supported${hint}; supported kinds: ${known.join(', ')}`,
      },
    ];
  }
  if (apiVersion !== reader.apiVersion) {
    return [{ path: ['apiVersion'], message: `must be ${reader.apiVersion} for the kind ${kind}` }];
  }
  return reader.check(object);
}

/**
 * Checks a ProtectedMcpServer by the schema and rules of the file that is installed in clusters: there is no second
 * schema to drift. Compiling takes a moment; keep the result to check many.
 */
export function serverValidator(): ObjectCheck {
  const file = join(import.meta.dirname, '../../../crds/protectedmcpservers.yaml');
  const schema = crdSchema(parse(readFileSync(file, 'utf8')) as Crd); // Our own file; its tests check the shape.
  const checkSchema = schemaValidator(schema);
  const checkRules = ruleValidator(schema);
  return (object) => {
    const problems = checkSchema(object);
    const wrong = problems.map(({ path }) => path);
    return [...problems, ...checkRules(object, wrong)];
  };
}

/** ConfigMaps and Secrets: only what local mode reads from them. Values are never repeated in messages. */
function checkData(object: Record<string, unknown>, fields: readonly string[]): FieldProblem[] {
  const { metadata } = object;
  const named = isRecord(metadata) && typeof metadata['name'] === 'string' && metadata['name'] !== '';
  const problems: FieldProblem[] = named ? [] : [{ path: ['metadata', 'name'], message: 'is required' }];
  for (const field of fields) {
    const data = object[field];
    if (data === undefined || data === null) continue;
    if (!isRecord(data)) problems.push({ path: [field], message: 'must be an object (keys below it)' });
    else {
      const wrong = Object.keys(data).filter((key) => typeof data[key] !== 'string');
      problems.push(
        ...wrong.map((key) => ({ path: [field, key], message: 'must be a string; put it in quotes' })),
      );
    }
  }
  return problems;
}

function noServer(files: readonly SourceFile[]): Problem {
  const file = files.map(({ file }) => file).join(', ') || 'no file';
  return {
    file,
    line: 1,
    column: 1,
    document: 1,
    path: '',
    message: `no ${KIND} found; nothing to protect`,
  };
}

/** In a cluster the later of two objects with one name would replace the earlier. */
function sameObjects(documents: readonly ReadDocument[]): Problem[] {
  const seen = new Set<string>();
  return documents.flatMap(({ object, at }) => {
    if (object === undefined) return [];
    const { kind, metadata } = object;
    const identity = `${kind} ${metadata.namespace}/${metadata.name}`;
    if (seen.has(identity))
      return [at({ path: ['metadata', 'name'], message: `${identity} is defined twice; remove one` })];
    seen.add(identity);
    return [];
  });
}

function byPlace(a: Problem, b: Problem): number {
  return a.line - b.line || a.column - b.column;
}

/** Where the field stands, or the nearest thing around it that is there. */
function offsetOf(document: Document, path: FieldPath): number {
  for (let length = path.length; length > 0; length -= 1) {
    const node: unknown = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return isNode(document.contents) && document.contents.range ? document.contents.range[0] : 0;
}

/** The mistakes that people make most, in their words. */
const SYNTAX_MESSAGES: Partial<Record<YAMLParseError['code'], string>> = {
  TAB_AS_INDENT: 'tab in the indentation; use spaces',
  BAD_INDENT: 'indentation does not match the lines above',
  BLOCK_AS_IMPLICIT_KEY: 'second "key: value" in one line; put the value in quotes or on its own line',
  DUPLICATE_KEY: 'duplicate field; remove one',
};

/** The others in the library's words. */
function syntaxMessage({ code, message }: YAMLParseError): string {
  return `YAML: ${SYNTAX_MESSAGES[code] ?? plain(message)}`;
}

/** One line, without the library's list of positions. */
function plain(message: string): string {
  return (message.split('\n')[0] ?? message).replace(/:$/, '');
}
