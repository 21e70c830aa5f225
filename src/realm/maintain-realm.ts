// One run against Keycloak, from the first request to the summary. Reads no file, sets no exit code.
import { logIn, waitUntilReady, type Probes } from './connection.ts';
import { ensureRealm } from './realm.ts';
import { Report } from './report.ts';
import type { Settings } from './settings.ts';

interface MaintenanceOptions {
  readonly print: (line: string) => void;
  readonly dryRun: boolean;
  readonly probes?: Probes;
}

/** @throws RealmError */
export async function maintainRealm(
  settings: Settings,
  { print, dryRun, probes }: MaintenanceOptions,
): Promise<void> {
  const { url, waitSeconds, admin: account } = settings.config.keycloak;
  await waitUntilReady({
    url,
    realm: account.realm,
    waitSeconds,
    onWait: (reason) => print(`waiting for Keycloak at ${url}: ${reason}`),
    probes,
  });
  const admin = await logIn(settings);
  await ensureRealm(settings, { admin, dryRun, report: new Report({ print, dryRun }) });
}
