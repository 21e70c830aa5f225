// Everything that a run needs, read before the first request: the configuration, and the files that it names.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { configFailure, parseConfig, type RealmConfig } from './config.ts';

export type AdminCredentials =
  | { readonly grantType: 'password'; readonly username: string; readonly password: string }
  | { readonly grantType: 'client_credentials'; readonly clientId: string; readonly clientSecret: string };

export interface Settings {
  readonly config: RealmConfig;
  /** PEM, one certificate each; undefined for the system's roots. */
  readonly authorities: readonly string[] | undefined;
  readonly admin: AdminCredentials;
  /** User name -> password. */
  readonly passwords: ReadonlyMap<string, string>;
}

/**
 * Reads the configuration and what it names; relative paths are relative to its directory.
 * @throws RealmError naming every problem by its field path, and no content of a file with secrets
 */
export function readSettings(file: string): Settings {
  const config = parseConfig(readText(file), file);
  const problems: string[] = [];
  const read = (field: string, path: string) => {
    try {
      const text = readFileSync(resolve(dirname(file), path), 'utf8').replace(/\r?\n$/, '');
      if (text === '') problems.push(`${field}: ${path} is empty`);
      return text;
    } catch (error) {
      problems.push(`${field}: cannot read ${path}: ${(error as NodeJS.ErrnoException).code}`);
      return '';
    }
  };
  const settings: Settings = {
    config,
    authorities: readAuthorities(config, read, problems),
    admin: readAdmin(config.keycloak.admin, read),
    passwords: new Map(
      config.users.map(({ username, passwordFile }, index) => [
        username,
        read(`users[${index}].passwordFile`, passwordFile),
      ]),
    ),
  };
  if (problems.length > 0) throw configFailure(file, problems);
  return Object.freeze(settings);
}

type Read = (field: string, path: string) => string;

function readAdmin(admin: RealmConfig['keycloak']['admin'], read: Read): AdminCredentials {
  const of = (field: 'usernameFile' | 'passwordFile' | 'clientIdFile' | 'clientSecretFile') =>
    read(`keycloak.admin.${field}`, admin[field] ?? '');
  return admin.clientIdFile === undefined
    ? { grantType: 'password', username: of('usernameFile'), password: of('passwordFile') }
    : {
        grantType: 'client_credentials',
        clientId: of('clientIdFile'),
        clientSecret: of('clientSecretFile'),
      };
}

function readAuthorities(config: RealmConfig, read: Read, problems: string[]): string[] | undefined {
  const { caFile } = config.keycloak;
  if (caFile === undefined) return undefined;
  const text = read('keycloak.caFile', caFile);
  const authorities = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (text !== '' && (authorities.length === 0 || !authorities.every(isCertificate)))
    problems.push(`keycloak.caFile: ${caFile} must hold certificates (PEM)`);
  return authorities;
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem) !== undefined;
  } catch {
    return false;
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw configFailure(file, [`cannot be read: ${(error as NodeJS.ErrnoException).code}`]);
  }
}
