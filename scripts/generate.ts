// Derives everything that follows from the CRD and from the charts' values: the TypeScript types, the fields that the operator
// knows, the API reference, the chart's CRD and the tables in the READMEs. What needs helm is scripts/chart-manifests.ts.
// `node scripts/generate.ts` writes the files; with --check it names those that differ and exits 1.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { crdSchema, type Crd } from '../src/api/crd.ts';
import { apiReference } from './api-reference.ts';
import { apiTypes } from './api-types.ts';
import { chartCrd } from './chart-crd.ts';
import { chartReadme, type ValuesSchema } from './chart-readme.ts';
import { specFields } from './spec-fields.ts';

const root = join(import.meta.dirname, '..');
const source = 'crds/protectedmcpservers.yaml';
const chart = 'charts/protected-mcp-operator';

const crdText = read(source);
const crd = parse(crdText) as Crd; // Our own file; its tests check the shape.
const outputs = [
  { file: 'src/api/protected-mcp-server.gen.ts', text: await apiTypes(crdSchema(crd), source) },
  { file: 'src/api/spec-fields.gen.ts', text: specFields(crdSchema(crd), source) },
  { file: 'docs/api.md', text: apiReference(crd, source) },
  { file: `${chart}/templates/crd.yaml`, text: chartCrd(crdText, source) },
  await readme(chart),
  await readme('charts/keycloak-realm'),
];

const differing = outputs.filter(({ file, text }) => !existsSync(join(root, file)) || read(file) !== text);

if (process.argv.includes('--check')) {
  for (const { file } of differing) process.stderr.write(`${file} is out of date: npm run generate\n`);
  process.exitCode = differing.length === 0 ? 0 : 1;
} else {
  for (const { file, text } of differing) writeFileSync(join(root, file), text);
  for (const { file } of differing) process.stdout.write(`wrote ${file}\n`);
}

async function readme(chart: string): Promise<{ file: string; text: string }> {
  const file = `${chart}/README.md`;
  const schema = JSON.parse(read(`${chart}/values.schema.json`)) as ValuesSchema; // As above.
  return { file, text: await chartReadme(read(file), read(`${chart}/values.yaml`), schema) };
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}
