// The arrows between the files of src/. Layers, floors and cycles of values are lint's; this adds what lint overlooks.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, it } from 'node:test';

const src = resolve(import.meta.dirname, '../../../src');

/** The files that a file imports, types included. */
const imports = new Map(
  globSync(join(src, '**/*.ts')).map((file) => [
    file,
    [...readFileSync(file, 'utf8').matchAll(/\bfrom '(\.{1,2}\/[^']+)'/g)].map((match) =>
      resolve(dirname(file), match[1] ?? ''),
    ),
  ]),
);

/** The first way from a file back to itself, or undefined. */
function cycleThrough(start: string): string[] | undefined {
  const seen = new Set<string>();
  const follow = (path: string[]): string[] | undefined => {
    for (const next of imports.get(path.at(-1) ?? '') ?? []) {
      if (next === start) return [...path, next];
      if (seen.has(next)) continue;
      seen.add(next);
      const found = follow([...path, next]);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return follow([start]);
}

describe('imports', () => {
  it('read every file of src', () => {
    assert.ok(imports.size > 100);
    assert.ok(imports.get(join(src, 'sidecar/main.ts'))?.includes(join(src, 'sidecar/sidecar.ts')));
  });

  it('have no cycle, not even of types', () => {
    assert.deepEqual(
      [...imports.keys()].map(cycleThrough).find((cycle) => cycle !== undefined),
      undefined,
    );
  });

  it('name every export of src somewhere else', () => {
    const roots = ['src', 'test', 'bench', 'scripts'].map((folder) => join(src, '..', folder, '**/*.ts'));
    const texts = new Map(globSync(roots).map((file) => [file, readFileSync(file, 'utf8')]));
    const isNamedElsewhere = (name: string, own: string) =>
      [...texts].some(([file, text]) => file !== own && new RegExp(`\\b${name}\\b`).test(text));
    const unused = [...imports.keys()].flatMap((file) => {
      if (file.endsWith('.gen.ts')) return [];
      const exported = (texts.get(file) ?? '').matchAll(
        /^export (?:[a-z]+ )*(?:const|function|class|interface|type) (\w+)/gm,
      );
      return [...exported].flatMap(([, name = '']) =>
        isNamedElsewhere(name, file) ? [] : `${file}: ${name}`,
      );
    });
    assert.deepEqual(unused, []);
  });
});
