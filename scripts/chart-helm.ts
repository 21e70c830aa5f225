// Where helm is on this machine, and the chart as it renders. Not which values it is rendered with.
import { execFileSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Manifest } from '../src/api/object.ts';

export const CHART = join(import.meta.dirname, '../charts/protected-mcp-operator');
export const REALM_CHART = join(import.meta.dirname, '../charts/keycloak-realm');

/** The oldest Kubernetes that the chart is for. Given to helm, whose own idea of it depends on how helm was built. */
export const KUBE_VERSION = '1.30.0';

export interface Helm {
  readonly path: string;
  /** Such as `v4.3.1`. */
  readonly version: string;
}

/**
 * One helm of each major version, from PATH or from the programs of the test cluster.
 * @throws when there is none: what needs helm must not pass because it did nothing
 */
export function findHelms(): [Helm, ...Helm[]] {
  const byMajor = new Map<string, Helm>();
  for (const path of candidates().filter((candidate) => existsSync(candidate))) {
    const version = runHelm(path, ['version', '--template', '{{ .Version }}']).trim();
    const [major = version] = version.split('.');
    if (!byMajor.has(major)) byMajor.set(major, { path, version });
  }
  const [first, ...others] = byMajor.values();
  if (first === undefined)
    throw new Error(
      'helm is not on PATH: install helm 3.17 or later, or start the test cluster, which builds it',
    );
  return [first, ...others];
}

function candidates(): string[] {
  const { PATH = '', XDG_CACHE_HOME = join(homedir(), '.cache') } = process.env;
  const cluster = process.env['CLUSTER_CACHE'] ?? join(XDG_CACHE_HOME, 'protected-mcp/cluster/*');
  const directories = [...PATH.split(delimiter), ...globSync(join(cluster, 'bin'))];
  return directories.flatMap((directory) => [join(directory, 'helm'), join(directory, 'helm4')]);
}

/** What helm prints; throws with what it complains about. */
export function runHelm(path: string, args: readonly string[], input = ''): string {
  return execFileSync(path, args, { encoding: 'utf8', input, maxBuffer: 64 << 20, stdio: 'pipe' });
}

interface Release {
  readonly name: string;
  readonly namespace: string;
  /** YAML. */
  readonly values?: string;
  readonly chart?: string;
  readonly flags?: readonly string[];
}

/** The objects that helm would install, in that order. A key that is in a map twice is an error. */
export function renderChart(helm: Helm, release: Release): Manifest[] {
  const { name, namespace, values = '{}', chart = CHART, flags = [] } = release;
  const place = ['--namespace', namespace, '--kube-version', KUBE_VERSION];
  const text = runHelm(helm.path, ['template', name, chart, ...place, '--values', '-', ...flags], values);
  return parseAllDocuments(text).flatMap((document) => {
    const [error] = document.errors;
    if (error) throw error;
    const object = document.toJS() as Manifest | null; // What helm renders are objects; tests look at them closely.
    return object === null ? [] : [object];
  });
}
