// The configuration file and the files it names, read and checked as one value. Does not watch them, and applies nothing.
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import { ConfigError, readConfig, type SidecarConfig } from './config/config.ts';
import type { ListenerCertificate } from './http/listener.ts';
import { parseSigningKey, type SigningKey } from './tokens/signing-key.ts';

/** What was read from files at one moment: the configuration and what it points to. */
export interface LoadedFiles {
  readonly config: SidecarConfig;
  readonly certificate: ListenerCertificate;
  /** CA bundles by file name. */
  readonly caBundles: ReadonlyMap<string, string>;
  /** The sidecar's private keys by file name, as text and ready to sign. */
  readonly signingKeys: ReadonlyMap<string, { readonly pem: string; readonly key: SigningKey }>;
  /** The sidecar's credentials by file name, without the line end that editors put behind them. */
  readonly secrets: ReadonlyMap<string, string>;
  readonly digest: string;
  readonly warnings: readonly string[];
}

/**
 * Reads the configuration and the files it names, and checks that certificate and key belong together.
 * @throws ConfigError with every problem
 */
export function loadFiles(file: string): LoadedFiles {
  return loadNamedFiles(file, readConfig(file));
}

/**
 * Reads the files that a configuration names, as they are now.
 * @param file where the configuration came from, for errors
 * @throws ConfigError with every problem
 */
export function loadNamedFiles(
  file: string,
  { config, digest, warnings }: Pick<LoadedFiles, 'config' | 'digest' | 'warnings'>,
): LoadedFiles {
  const reader = new FileReader();
  const certificate = readCertificate(config, reader);
  const caBundles = readCaBundles(config, reader);
  const signingKeys = readSigningKeys(config, reader);
  const secrets = readSecrets(config, reader);
  if (reader.problems.length > 0) throw new ConfigError(file, reader.problems);
  return { config, certificate, caBundles, signingKeys, secrets, digest, warnings };
}

/**
 * What was loaded, with its certificate as it is now.
 * @param file where the configuration came from, for errors
 * @throws ConfigError with every problem
 */
export function loadCertificate(file: string, loaded: LoadedFiles): LoadedFiles {
  const reader = new FileReader();
  const certificate = readCertificate(loaded.config, reader);
  if (reader.problems.length > 0) throw new ConfigError(file, reader.problems);
  return { ...loaded, certificate };
}

/** The names of all files that were read, the configuration's first. */
export function fileNames(file: string, loaded: LoadedFiles): readonly string[] {
  const { config, caBundles, signingKeys, secrets } = loaded;
  const { certificateFile, keyFile } = config.tls;
  return [file, certificateFile, keyFile, ...caBundles.keys(), ...signingKeys.keys(), ...secrets.keys()];
}

/** Whether the configuration and everything it names, but for the TLS certificate, are the same. */
export function isSameConfiguration(a: LoadedFiles, b: LoadedFiles): boolean {
  const contents = ({ digest, caBundles, signingKeys, secrets }: LoadedFiles) => [
    digest,
    caBundles,
    secrets,
    [...signingKeys].map(([name, { pem }]) => [name, pem]),
  ];
  return isDeepStrictEqual(contents(a), contents(b));
}

/** Reads files, and notes those that cannot be read: all of them are reported together. */
class FileReader {
  readonly problems: string[] = [];

  /** @param path of the member of the configuration that names the file */
  read(path: string, name: string): string {
    try {
      return readFileSync(name, 'utf8');
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
      this.problems.push(`${path}: ${name} cannot be read: ${code}`);
      return '';
    }
  }
}

function readCaBundles({ issuers }: SidecarConfig, reader: FileReader): LoadedFiles['caBundles'] {
  const bundles = new Map<string, string>();
  issuers.forEach(({ jwks: { caFile } }, index) => {
    if (caFile !== undefined) bundles.set(caFile, reader.read(`issuers[${index}].jwks.caFile`, caFile));
  });
  return bundles;
}

function readSigningKeys(config: SidecarConfig, reader: FileReader): LoadedFiles['signingKeys'] {
  const keys = new Map<string, { pem: string; key: SigningKey }>();
  for (const [path, name] of signingKeyFiles(config)) {
    const pem = reader.read(path, name);
    try {
      if (pem !== '') keys.set(name, { pem, key: parseSigningKey(pem) });
    } catch (cause) {
      reader.problems.push(`${path}: ${name} ${(cause as Error).message}`);
    }
  }
  return keys;
}

function signingKeyFiles({ metadata, identityAssertion }: SidecarConfig): [path: string, name: string][] {
  const files: [string, string | undefined][] = [
    ['metadata.signingKeyFile', metadata.signingKeyFile],
    ['identityAssertion.keyFile', identityAssertion?.keyFile],
  ];
  return files.flatMap(([path, name]) => (name === undefined ? [] : [[path, name]]));
}

function readSecrets({ issuers }: SidecarConfig, reader: FileReader): LoadedFiles['secrets'] {
  const secrets = new Map<string, string>();
  issuers.forEach(({ introspection }, index) => {
    if (introspection === undefined) return;
    for (const member of ['clientIdFile', 'clientSecretFile'] as const) {
      const path = `issuers[${index}].introspection.${member}`;
      const name = introspection[member];
      const text = reader.read(path, name).replace(/\r?\n$/, '');
      // A file that could not be read has been noted already.
      if (text === '' && reader.problems.length === 0) reader.problems.push(`${path}: ${name} is empty`);
      secrets.set(name, text);
    }
  });
  return secrets;
}

function readCertificate({ tls }: SidecarConfig, reader: FileReader): ListenerCertificate {
  const cert = reader.read('tls.certificateFile', tls.certificateFile);
  const key = reader.read('tls.keyFile', tls.keyFile);
  if (reader.problems.length === 0) checkCertificate({ cert, key }, reader.problems);
  return { cert, key };
}

function checkCertificate(certificate: ListenerCertificate, problems: string[]): void {
  try {
    createSecureContext({ cert: certificate.cert, key: certificate.key });
  } catch (cause) {
    problems.push(`tls: certificate and key cannot be used together: ${(cause as Error).message}`);
  }
}
