// The chart with the values of a case, as objects. Shared by the chart's tests.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject, Manifest } from '../../src/api/object.ts';
import { CHART, findHelms, renderChart, type Helm } from '../../scripts/chart-helm.ts';

export const helms = findHelms();

/** The cases: `<name>.in.yaml` are values, `<name>.out.yaml` is what they give. */
export const cases = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.in.yaml'))
  .map((file) => file.replace('.in.yaml', ''));

export const RELEASE_NAMESPACE = 'mcp-system';

export function valuesOf(name: string): string {
  return readFileSync(join(import.meta.dirname, `${name}.in.yaml`), 'utf8');
}

export function render(values: string, helm: Helm = helms[0], chart = CHART): Manifest[] {
  return renderChart(helm, { name: 'pmcp', namespace: RELEASE_NAMESPACE, values, chart });
}

export function ofKind(objects: readonly Manifest[], ...kinds: readonly string[]): Manifest[] {
  return objects.filter(({ kind }) => kinds.includes(kind));
}

/** A field deep in an object, by its path; undefined where the path ends early. */
export function at(object: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((value, key) => (value as JsonObject | undefined)?.[key], object);
}
