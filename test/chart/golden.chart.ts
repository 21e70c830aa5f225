// Values in, all objects out, as whole files, with every helm there is. `UPDATE_GOLDEN=1` rewrites them.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { stringify } from 'yaml';
import type { Manifest } from '../../src/api/object.ts';
import { CHART, KUBE_VERSION, runHelm } from '../../scripts/chart-helm.ts';
import { cases, helms, render, valuesOf } from './render.ts';

const update = process.env['UPDATE_GOLDEN'] === '1';

/** The definition is the same everywhere and long: release.chart.ts compares it with its source. */
function withoutDefinition(object: Manifest): Manifest {
  return object.kind === 'CustomResourceDefinition' ? { ...object, spec: {} } : object;
}

for (const helm of helms)
  for (const name of cases) {
    describe(`${name}, helm ${helm.version}`, () => {
      it('gives the objects of its golden file', () => {
        const file = join(import.meta.dirname, `${name}.out.yaml`);
        const text = render(valuesOf(name), helm)
          .map((object) =>
            stringify(withoutDefinition(object), { version: '1.1', lineWidth: 0, singleQuote: true }),
          )
          .join('---\n');
        if (update && helm === helms[0]) writeFileSync(file, text);
        assert.equal(text, readFileSync(file, 'utf8'), 'UPDATE_GOLDEN=1 rewrites the file');
      });

      it('passes helm lint --strict', () => {
        const flags = ['--strict', '--kube-version', KUBE_VERSION, '--values', '-'];
        runHelm(helm.path, ['lint', CHART, ...flags], valuesOf(name));
      });
    });
  }
