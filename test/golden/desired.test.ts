// A resource in, all objects out, as whole files: *.in.yaml -> *.out.yaml. `UPDATE_GOLDEN=1` rewrites them; a reviewer
// reads the difference.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { stringify } from 'yaml';
import type { Manifest } from '../../src/api/object.ts';
import { desired } from '../../src/desired/index.ts';
import { describeProblem, readManifests } from '../../src/local/manifests/validation.ts';
import { parseConfig } from '../../src/sidecar/config/config.ts';
import { checkServer } from '../support/manifests.ts';

const update = process.env['UPDATE_GOLDEN'] === '1';
/** As the chart names the operator's pods, and a Prometheus. */
const adminIngressFrom = ['protected-mcp-system', 'monitoring'].map((namespace) => ({
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
  podSelector: {
    matchLabels: {
      'app.kubernetes.io/name': namespace === 'monitoring' ? 'prometheus' : 'protected-mcp-operator',
    },
  },
}));
const cases = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.in.yaml'));

function objectsOf(file: string): Manifest[] {
  const result = readManifests(
    [{ file, text: readFileSync(join(import.meta.dirname, file), 'utf8') }],
    checkServer,
  );
  assert.ok(result.ok, result.ok ? '' : result.problems.map(describeProblem).join('\n'));
  return result.manifests.servers.flatMap((server) =>
    desired({ server, sidecarImage: 'protected-mcp-sidecar:0.1.0', adminIngressFrom }),
  );
}

for (const input of cases) {
  describe(input, () => {
    const objects = objectsOf(input);

    it('gives the objects of its golden file', () => {
      const file = join(import.meta.dirname, input.replace('.in.yaml', '.out.yaml'));
      const text = objects
        .map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false, singleQuote: true }))
        .join('---\n');
      if (update) writeFileSync(file, text);
      assert.equal(text, readFileSync(file, 'utf8'), 'UPDATE_GOLDEN=1 rewrites the file');
    });

    it("holds a configuration that the sidecar's own parser accepts", () => {
      const [data] = objects.flatMap(({ kind, data }) =>
        kind === 'ConfigMap' ? [data as Record<string, string>] : [],
      );
      parseConfig(JSON.parse(data?.['config.json'] ?? ''), input);
    });

    it('is plain JSON: nothing undefined, nothing shared with the input that JSON would lose', () => {
      assert.deepEqual(objects, JSON.parse(JSON.stringify(objects)));
    });
  });
}
