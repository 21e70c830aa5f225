// Renders the chart with its defaults to manifests/install.yaml, for people without helm. Needs helm itself.
// `node scripts/chart-manifests.ts` writes the file; with --check it exits 1 when the file is out of date.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findHelms } from './chart-helm.ts';
import { INSTALL_MANIFEST, installManifest } from './chart-install.ts';

const path = join(import.meta.dirname, '..', INSTALL_MANIFEST);
const [helm] = findHelms();

const text = await installManifest(helm);
const differs = !existsSync(path) || readFileSync(path, 'utf8') !== text;
if (differs && process.argv.includes('--check')) {
  process.stderr.write(`${INSTALL_MANIFEST} is out of date: npm run generate:manifests\n`);
  process.exitCode = 1;
} else if (differs) {
  writeFileSync(path, text);
  process.stdout.write(`wrote ${INSTALL_MANIFEST}\n`);
}
