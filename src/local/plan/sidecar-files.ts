// The files that the sidecar's configuration names, from Secrets and ConfigMaps: CA bundles, credentials, keys.
import {
  CLIENT_ID_FILE_NAME,
  CLIENT_SECRET_FILE_NAME,
  SIGNING_KEY_FILE_NAME,
  serviceHosts,
  signingKeyDirectory,
} from '../../api/names.ts';
import type { Manifest } from '../../api/object.ts';
import type { ProtectedMcpServer } from '../../api/protected-mcp-server.gen.ts';
import { signingKeys } from '../../desired/signing-keys.ts';
import { isAddress, withoutBrackets } from '../../protocol/host.ts';
import type { SidecarConfig } from '../../sidecar/config/config.ts';
import { collect, map, success, type Result } from './result.ts';
import { lookup } from './stored-values.ts';

interface SidecarFilesInputs {
  readonly server: ProtectedMcpServer;
  readonly config: SidecarConfig;
  readonly signingDirectory: string;
  readonly objects: readonly Manifest[];
}

type FileContents = readonly (readonly [file: string, content: string])[];

/** Content by path. */
export function sidecarFiles(inputs: SidecarFilesInputs): Result<ReadonlyMap<string, string>> {
  const files = collect([...caBundles(inputs), ...introspectionCredentials(inputs), ...keyFiles(inputs)]);
  return map(files, (contents) => new Map(contents.flat()));
}

function caBundles({ server, config, objects }: SidecarFilesInputs): Result<FileContents>[] {
  return server.spec.authentication.issuers.flatMap(({ jwks: { caBundleRef } }, index) => {
    const file = config.issuers[index]?.jwks.caFile;
    if (caBundleRef === undefined || file === undefined) return [];
    const { kind, name, key } = caBundleRef;
    const path = `spec.authentication.issuers[${index}].jwks.caBundleRef`;
    const bundle = lookup(objects, { kind, name, keys: [key] }, { path });
    return [map(bundle, (values): FileContents => [[file, values[key] ?? '']])];
  });
}

function introspectionCredentials({ server, config, objects }: SidecarFilesInputs): Result<FileContents>[] {
  return server.spec.authentication.issuers.flatMap(({ introspection }, index) => {
    const files = config.issuers[index]?.introspection;
    if (introspection === undefined || files === undefined) return [];
    const { name } = introspection.clientSecretRef;
    const credentials = lookup(
      objects,
      { kind: 'Secret', name, keys: [CLIENT_ID_FILE_NAME, CLIENT_SECRET_FILE_NAME] },
      { path: `spec.authentication.issuers[${index}].introspection.clientSecretRef` },
    );
    return [
      map(credentials, (values): FileContents => [
        [files.clientIdFile, values[CLIENT_ID_FILE_NAME]],
        [files.clientSecretFile, values[CLIENT_SECRET_FILE_NAME]],
      ]),
    ];
  });
}

function keyFiles({ server, signingDirectory, objects }: SidecarFilesInputs): Result<FileContents>[] {
  return signingKeys(server).map(({ use, secretRef: { name, key }, path }) => {
    const file = `${signingKeyDirectory(signingDirectory, use)}/${SIGNING_KEY_FILE_NAME}`;
    const pem = lookup(objects, { kind: 'Secret', name, keys: [key] }, { path });
    return map(pem, (values): FileContents => [[file, values[key] ?? '']]);
  });
}

interface GivenCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** A certificate and key from a Secret, or the names that the local CA must certify. */
export type CertificateSource =
  { readonly given: GivenCertificate } | { readonly dnsNames: readonly string[] };

export function certificateSource(
  { spec, metadata }: ProtectedMcpServer,
  objects: readonly Manifest[],
): Result<CertificateSource> {
  const { secretName } = spec.tls ?? {};
  if (secretName === undefined) {
    const { hostname } = new URL(spec.protectedResourceMetadata.resource ?? '');
    const names = [hostname, 'localhost', ...serviceHosts(metadata.name, metadata.namespace ?? 'default')];
    return success({ dnsNames: [...new Set(names)].filter((name) => !isAddress(withoutBrackets(name))) });
  }
  const pair = lookup(
    objects,
    { kind: 'Secret', name: secretName, keys: ['tls.crt', 'tls.key'] },
    { path: 'spec.tls.secretName', alternative: 'leave spec.tls out' },
  );
  return map(pair, (values) => ({ given: { certificate: values['tls.crt'], key: values['tls.key'] } }));
}
