// Which scenarios are run: the editions of the conformance package, each with the revision of the protocol that it is run for.
import { join } from 'node:path';
import { installLockedPackages } from '../support/locked-packages.ts';

export type Revision = '2025-11-25' | '2026-07-28';

export interface Edition {
  readonly version: '0.1.16' | '0.2.0-alpha.12';
  readonly revision: Revision;
  /** What says so to the program: all scenarios of the revision, those that need not be passed among them. */
  readonly selection: readonly string[];
  /** Scenarios that look at what a proxy could change: of each, something must pass. */
  readonly telling: readonly string[];
}

const released = (revision: Revision) => ['--suite', 'all', '--spec-version', revision];
const required = (revision: Revision) => ['--requirements', revision];

const LEGACY = ['dns-rebinding-protection', 'server-sse-multiple-streams'];
const MODERN = [
  'caching', // RESOURCE_SERVER H6
  'dns-rebinding-protection',
  'http-custom-header-server-validation',
  'http-header-validation', // RESOURCE_SERVER H5
  'server-sse-multiple-streams',
  'server-stateless',
];
const INPUT_REQUIRED = [
  'basic-elicitation',
  'basic-list-roots',
  'basic-sampling',
  'capability-check',
  'ignore-extra-params',
  'missing-input-response',
  'multi-round',
  'multiple-input-requests',
  'non-tool-request',
  'request-state',
  'result-type',
  'tampered-state',
  'unsupported-methods',
  'validate-input',
].map((name) => `input-required-result-${name}`);

/** The release knows nothing of 2026-07-28; what is to come has more scenarios for 2025-11-25, too. */
export const EDITIONS: readonly Edition[] = [
  { version: '0.1.16', revision: '2025-11-25', selection: released('2025-11-25'), telling: LEGACY },
  {
    version: '0.2.0-alpha.12',
    revision: '2025-11-25',
    selection: required('2025-11-25'),
    telling: [...LEGACY, 'server-session-lifecycle', 'server-sse-polling'],
  },
  {
    version: '0.2.0-alpha.12',
    revision: '2026-07-28',
    selection: required('2026-07-28'),
    telling: [...MODERN, ...INPUT_REQUIRED],
  },
];

export function nameOf({ version, revision }: Edition): string {
  return `${revision}, scenarios of ${version}`;
}

/** The script to start; fetched when it is not in the cache: a few seconds, and 40 MiB of disk. */
export async function programOf({ version }: Edition): Promise<string> {
  const home = await installLockedPackages(join(import.meta.dirname, 'packages'), 'conformance');
  const alias = `conformance-${version.split('.').slice(0, 2).join('.')}`;
  return join(home, 'node_modules', alias, 'dist/index.js');
}
