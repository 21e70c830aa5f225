// Derives everything that follows from the CRD: the TypeScript types and the API reference.
// `node scripts/generate.ts` writes the files; with --check it names those that differ and exits 1.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { crdSchema, type Crd } from '../src/api/crd.ts';
import { apiReference } from './api-reference.ts';
import { apiTypes } from './api-types.ts';

const root = join(import.meta.dirname, '..');
const source = 'crds/protectedmcpservers.yaml';

const crd = parse(readFileSync(join(root, source), 'utf8')) as Crd; // Our own file; its tests check the shape.
const outputs = [
  { file: 'src/api/protected-mcp-server.gen.ts', text: await apiTypes(crdSchema(crd), source) },
  { file: 'docs/api.md', text: apiReference(crd, source) },
];

const differing = outputs.filter(({ file, text }) => {
  const path = join(root, file);
  return !existsSync(path) || readFileSync(path, 'utf8') !== text;
});

if (process.argv.includes('--check')) {
  for (const { file } of differing)
    process.stderr.write(`${file} differs from ${source}: npm run generate\n`);
  process.exitCode = differing.length === 0 ? 0 : 1;
} else {
  for (const { file, text } of differing) writeFileSync(join(root, file), text);
  for (const { file } of differing) process.stdout.write(`wrote ${file}\n`);
}
