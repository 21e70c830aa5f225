// What is released together fits together: versions, the definition, the plain manifest, and the notes.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import type { JsonObject } from '../../src/api/object.ts';
import { CHART } from '../../scripts/chart-helm.ts';
import { INSTALL_MANIFEST, installManifest } from '../../scripts/chart-install.ts';
import { readObject } from '../support/manifests.ts';
import { at, helms, ofKind, render } from './render.ts';

const root = join(import.meta.dirname, '../..');

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

describe('the chart', () => {
  const chart = parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8')) as Record<string, JsonObject>;
  const { version } = JSON.parse(read('package.json')) as { version: string };

  it('has the version of the package', () => {
    assert.deepEqual([chart['version'], chart['appVersion']], [version, version]);
  });

  it('lists the images that it installs', () => {
    const listed = parse(String(chart['annotations']?.['artifacthub.io/images'])) as JsonObject[];
    const images = ['operator', 'sidecar'].map((name) => ({
      name,
      image: `protected-mcp-${name}:${version}`,
    }));
    assert.deepEqual(listed, images);
  });

  it('shows an example that the API accepts', () => {
    const [example] = parse(String(chart['annotations']?.['artifacthub.io/crdsExamples'])) as JsonObject[];
    assert.deepEqual(readObject(example).ok, true);
  });
});

describe('the definition of ProtectedMcpServer', () => {
  const source = parse(read('crds/protectedmcpservers.yaml')) as JsonObject;
  const definitionOf = (values: string) => ofKind(render(values), 'CustomResourceDefinition');

  it('is the one in crds/', () => {
    const [definition] = definitionOf('{}');
    assert.deepEqual(definition?.['spec'], source['spec']);
    assert.equal(definition?.metadata.name, at(source, 'metadata', 'name'));
  });

  it('outlives the release, unless crds.keep is false', () => {
    const keep = (values: string) =>
      at(definitionOf(values)[0], 'metadata', 'annotations', 'helm.sh/resource-policy');
    assert.deepEqual([keep('{}'), keep('crds: { keep: false }')], ['keep', undefined]);
  });

  it('is left out with crds.enabled=false', () => {
    assert.deepEqual(definitionOf('crds: { enabled: false }'), []);
  });
});

describe(INSTALL_MANIFEST, () => {
  for (const helm of helms)
    it(`is what helm ${helm.version} makes of the chart`, async () => {
      assert.equal(read(INSTALL_MANIFEST), await installManifest(helm), 'npm run generate:manifests');
    });

  it('does not look like an installation by helm', () => {
    assert.doesNotMatch(read(INSTALL_MANIFEST), /helm\.sh\/|managed-by: Helm/);
  });
});

describe('the notes', () => {
  it('show a resource that the API accepts, ready to paste', () => {
    const [, manifest] = /^kubectl apply -f - <<'END'\n([^]*?)^END$/m.exec(notes('{}')) ?? [];
    const result = readObject(parse(manifest ?? ''));
    assert.ok(result.ok, JSON.stringify(result));
  });

  it('take the example to a namespace that the operator watches', () => {
    assert.match(notes('watchNamespaces: [team-a]'), /^ {2}namespace: team-a$/m);
  });

  for (const helm of helms)
    for (const [values, warning] of [
      ['crds: { keep: false }', /WARNING: crds\.keep is false/],
      ['crds: { enabled: false }', /NOTE: crds\.enabled is false/],
      ['rbac: { create: false }', /WARNING: rbac\.create is false/],
      ['requesterPolicy: { enabled: false }', /WARNING: requesterPolicy\.enabled is false/],
      ['metrics: { podMonitor: { enabled: true } }', /WARNING: .*sidecar\.adminIngressFrom is empty/],
      ['leaderElection: { enabled: false }', /WARNING: leaderElection\.enabled is false/],
      ['sidecar: { image: { tag: latest } }', /WARNING: sidecar\.image\.tag is latest/],
      ['watchNamespaces: [team-a]', /NOTE: with watchNamespaces the chart makes no ClusterRoles/],
    ] as const)
      it(`warn about ${values}, helm ${helm.version}`, () => assert.match(notes(values, helm), warning));

  it('warn about nothing with the defaults', () => {
    assert.doesNotMatch(notes('{}'), /WARNING|NOTE:/);
  });
});

/** helm prints notes only when it installs. In a copy of the chart they are a field of an object instead. */
function notes(values: string, helm = helms[0]): string {
  const copy = mkdtempSync(join(tmpdir(), 'chart-notes-'));
  try {
    cpSync(CHART, copy, { recursive: true });
    const text = readFileSync(join(CHART, 'templates/NOTES.txt'), 'utf8');
    writeFileSync(join(copy, 'templates/_notes.tpl'), `{{ define "notes" }}${text}{{ end }}`);
    writeFileSync(
      join(copy, 'templates/notes.yaml'),
      'kind: Notes\ntext: {{ include "notes" . | toJson }}\n',
    );
    const [object] = ofKind(render(values, helm, copy), 'Notes');
    return String(object?.['text']);
  } finally {
    rmSync(copy, { recursive: true });
  }
}
