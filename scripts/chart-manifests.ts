// Renders the charts to manifests/, for people without helm. Needs helm itself.
// `node scripts/chart-manifests.ts` writes the files; with --check it exits 1 when one is out of date.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findHelms } from './chart-helm.ts';
import { INSTALL_MANIFEST, installManifest, REALM_MANIFEST, realmManifest } from './chart-install.ts';

const [helm] = findHelms();
const manifests = {
  [INSTALL_MANIFEST]: await installManifest(helm),
  [REALM_MANIFEST]: await realmManifest(helm),
};

for (const [file, text] of Object.entries(manifests)) {
  const path = join(import.meta.dirname, '..', file);
  if (existsSync(path) && readFileSync(path, 'utf8') === text) continue;
  if (process.argv.includes('--check')) {
    process.stderr.write(`${file} is out of date: npm run generate:manifests\n`);
    process.exitCode = 1;
  } else {
    writeFileSync(path, text);
    process.stdout.write(`wrote ${file}\n`);
  }
}
