// Resources that the CRD accepts, made at random from its schema: a sample with some fields replaced by values of the right
// type, texts that are known to trouble parsers among them. What the CRD refuses is thrown away.
import fc from 'fast-check';
import type { CrdSchema } from '../../src/api/crd.ts';
import type { ProtectedMcpServer } from '../../src/api/protected-mcp-server.gen.ts';
import { anyText } from '../kit/text.ts';
import { checkServer, readCrdSchema, sample, setField } from './manifests.ts';

interface Field {
  /** As `setField` takes it. */
  readonly path: string;
  readonly schema: CrdSchema;
}

const HOSTS = [
  '[1:2]',
  '[::]',
  '[::1]',
  '[2001:db8::1]',
  '[:::]',
  '[1::2::3]',
  '[1:2:3:4:5:6:7:8:9]',
  '[::ffff:1.2.3.4]',
  '[1.2.3.4]',
  '[.]',
  '[12345::]',
  'xn--a',
  'xn--a.example.com',
  'a.xn--0.b',
  'xn--mnchen-3ya.de',
  'a--b.example.com',
  `${'a'.repeat(63)}.example.com`,
  `${'a'.repeat(64)}.example.com`,
  `${'a.'.repeat(126)}a`,
  `${'a.'.repeat(127)}ab`,
  '1.2.3.4',
  '256.1.1.1',
  '0x7f.1',
  '1e3',
  'a.1',
  'localhost',
  'echo.demo.svc',
  'kubernetes.default.svc.cluster.local',
];
const PORTS = ['', ':1', ':443', ':8001', ':65535', ':65536', ':0', ':'];
const PATHS = [
  '',
  '/',
  '/mcp',
  '/a/b/',
  '/a:b',
  '/mcp=(1)',
  '/%zz',
  '/a;b',
  '/..',
  '/-/~',
  `/${'x'.repeat(200)}`,
];
const TEXTS = [
  '',
  ' ',
  '\u0000',
  '\n',
  '\u2028',
  '\ud800',
  '__proto__',
  'constructor',
  'toString',
  '$(HOST)',
  '${x}',
  '-1',
  '0',
  '1e400',
  'null',
  'true',
  '../../etc',
  'a'.repeat(300),
  'é'.repeat(60),
  '0s',
  '0.5.5s',
  '1h1h',
  '0h0m0.0s',
  '1ms',
  '10.0.0.0/99',
  '::/0',
  'a b',
  'A',
];

const url = fc
  .tuple(
    fc.constantFrom('https://', 'https://', 'https://', 'HTTPS://', 'http://', ''),
    fc.oneof(fc.constantFrom(...HOSTS), fc.stringMatching(/^\[[0-9a-f:.]{1,20}\]$/), fc.domain()),
    fc.constantFrom(...PORTS),
    fc.constantFrom(...PATHS),
  )
  .map((parts) => parts.join(''));

const text = fc.oneof(
  fc.constantFrom(...TEXTS),
  { weight: 3, arbitrary: url },
  anyText({ maxLength: 40 }),
  fc.stringMatching(/^[a-z][-a-z0-9.]{0,20}[a-z0-9]$/),
);

/** A value of the type that the schema says, not necessarily one that it accepts. */
function valueOf(schema: CrdSchema): fc.Arbitrary<unknown> {
  if (schema['x-kubernetes-int-or-string']) return fc.oneof(fc.integer(), text);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case 'string': {
      const { pattern } = schema;
      return pattern === undefined ? text : fc.oneof(text, fc.stringMatching(new RegExp(pattern)));
    }
    case 'integer':
      return fc.integer({ min: schema.minimum ?? -10, max: schema.maximum ?? 100_000 });
    case 'boolean':
      return fc.boolean();
    case 'array':
      return fc.array(valueOf(schema.items ?? {}), { maxLength: 3 });
    default:
      return objectOf(schema);
  }
}

function objectOf(schema: CrdSchema): fc.Arbitrary<unknown> {
  if (schema.additionalProperties !== undefined)
    return fc.dictionary(text, valueOf(schema.additionalProperties), { maxKeys: 3 });
  if (schema.properties === undefined)
    return fc.dictionary(text, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 });
  const members = Object.entries(schema.properties).map(([name, field]) => [name, valueOf(field)]);
  const required = [...(schema.required ?? [])];
  return fc.record(Object.fromEntries(members) as Record<string, fc.Arbitrary<unknown>>, {
    requiredKeys: required,
  });
}

function fieldsOf(schema: CrdSchema, path: string): Field[] {
  const below = [
    ...Object.entries(schema.properties ?? {}).flatMap(([name, field]) => fieldsOf(field, `${path}.${name}`)),
    ...(schema.items ? fieldsOf(schema.items, `${path}[0]`) : []),
  ];
  return [{ path, schema }, ...below];
}

const fields = Object.entries(readCrdSchema().properties?.['spec']?.properties ?? {}).flatMap(
  ([name, field]) => fieldsOf(field, `spec.${name}`),
);

interface Replacement {
  readonly path: string;
  readonly value: unknown;
}

const replacement: fc.Arbitrary<Replacement> = fc
  .constantFrom(...fields)
  .chain(({ path, schema }) =>
    fc
      .oneof({ weight: 9, arbitrary: valueOf(schema) }, fc.constant(undefined))
      .map((value) => ({ path, value })),
  );

/** A resource with replaced fields; undefined where the CRD refuses them. Defaults are applied. */
function withFields(replacements: readonly Replacement[]): ProtectedMcpServer | undefined {
  const object = sample('full');
  for (const { path, value } of replacements) {
    try {
      setField(object, path, structuredClone(value));
    } catch {
      return undefined; // an earlier one has left no place for it
    }
  }
  Object.assign(object['metadata'] as object, { namespace: 'demo', uid: 'server-uid', generation: 3 });
  const stored = JSON.parse(JSON.stringify(object)) as Record<string, unknown>;
  return checkServer(stored).length === 0 ? (stored as unknown as ProtectedMcpServer) : undefined;
}

/** Resources that the CRD accepts. */
export const acceptedServers: fc.Arbitrary<ProtectedMcpServer> = fc
  .array(replacement, { minLength: 1, maxLength: 3 })
  .map(withFields)
  .filter((server) => server !== undefined);

/** Resources that an API server may hold: some of them were stored before a rule existed. */
export const storedServers: fc.Arbitrary<ProtectedMcpServer> = fc
  .array(replacement, { minLength: 1, maxLength: 3 })
  .map((replacements) => {
    const object = structuredClone(sample('full'));
    checkServer(object); // defaults
    for (const { path, value } of replacements) {
      try {
        setField(object, path, structuredClone(value));
      } catch {
        continue;
      }
    }
    Object.assign(object['metadata'] as object, { namespace: 'demo', uid: 'server-uid', generation: 3 });
    return JSON.parse(JSON.stringify(object)) as ProtectedMcpServer;
  });

/** Texts that parsers of hosts and URLs are known to differ on. */
export const hostileUrls: readonly string[] = HOSTS.flatMap((host) => [
  `https://${host}/mcp`,
  `https://${host}:8001`,
]);
