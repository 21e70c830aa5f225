// Keycloak's own distribution, from Maven Central, unpacked once into the user's cache. The same that the official image holds.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { run, succeeds } from '../cluster/run.ts';
import { installPackages } from '../support/debian.ts';

export const KEYCLOAK_VERSION = '26.7.4';

export const keycloakCache = join(homedir(), '.cache/protected-mcp/keycloak');
const home = join(keycloakCache, `keycloak-${KEYCLOAK_VERSION}`);
const archive = join(keycloakCache, `keycloak-${KEYCLOAK_VERSION}.zip`);
/** Program: the Debian package that brings it. */
const PROGRAMS = { java: 'openjdk-17-jre-headless', mvn: 'maven', unzip: 'unzip' } as const;

/** The directory that holds `bin/kc.sh`; fetched when it is not there (about 170 MiB). */
export async function keycloakHome(): Promise<string> {
  await installPrograms();
  if (existsSync(join(home, 'bin/kc.sh'))) return home;
  const zip = await keycloakArchive();
  const unpacked = await mkdtemp(join(keycloakCache, 'unpack-'));
  try {
    await run('unzip', ['-q', zip, '-d', unpacked]);
    await rename(join(unpacked, `keycloak-${KEYCLOAK_VERSION}`), home);
  } catch (error) {
    if (!existsSync(join(home, 'bin/kc.sh'))) throw error; // another process was first
  } finally {
    await rm(unpacked, { recursive: true, force: true });
  }
  return home;
}

/** The distribution as a file, to build an image from. */
export async function keycloakArchive(): Promise<string> {
  await installPrograms();
  if (existsSync(archive)) return archive;
  await mkdir(keycloakCache, { recursive: true });
  const artifact = `org.keycloak:keycloak-quarkus-dist:${KEYCLOAK_VERSION}:zip`;
  await run('mvn', ['-q', '-B', 'dependency:get', `-Dartifact=${artifact}`, '-Dtransitive=false'], {
    show: true,
  });
  const fetched = join(keycloakCache, `fetch-${process.pid}`);
  await run('mvn', [
    '-q',
    '-B',
    'dependency:copy',
    `-Dartifact=${artifact}`,
    `-DoutputDirectory=${fetched}`,
    '-Dmdep.stripVersion=true',
  ]);
  await rename(join(fetched, 'keycloak-quarkus-dist.zip'), archive);
  await rm(fetched, { recursive: true, force: true });
  return archive;
}

function installPrograms(): Promise<void> {
  const missing = Object.entries(PROGRAMS).filter(([program]) => !succeeds('which', [program]));
  return installPackages(
    missing.map(([, name]) => name),
    'Keycloak',
  );
}
