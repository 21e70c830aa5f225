// What the sidecar mounts: its configuration, its certificate, for the issuers CA bundles and credentials, and its keys.
import {
  CA_FILE_NAME,
  CLIENT_ID_FILE_NAME,
  CLIENT_SECRET_FILE_NAME,
  CONFIG_VOLUME,
  SIGNING_KEY_FILE_NAME,
  TLS_VOLUME,
  caBundleVolume,
  introspectionVolume,
  objectNames,
  signingKeyVolume,
} from '../api/names.ts';
import type { JsonObject } from '../api/object.ts';
import type { Issuer, ProtectedMcpServer } from '../api/protected-mcp-server.gen.ts';
import { signingKeys, type WantedKey } from './signing-keys.ts';

export function sidecarVolumes({ metadata, spec }: ProtectedMcpServer): JsonObject[] {
  return [
    { name: CONFIG_VOLUME, configMap: { name: objectNames(metadata.name).configMap } },
    { name: TLS_VOLUME, secret: { secretName: tlsSecretName({ metadata, spec }) } },
    ...spec.authentication.issuers.flatMap(caBundleVolumes),
    ...spec.authentication.issuers.flatMap(introspectionVolumes),
    ...signingKeys({ spec }).map(signingKeyVolumeOf),
  ];
}

/** The Secret with the certificate of port 8001: the user's own, cert-manager's, or the operator's. */
function tlsSecretName({ metadata, spec }: Pick<ProtectedMcpServer, 'metadata' | 'spec'>): string {
  const { tlsSecret, certManagerSecret } = objectNames(metadata.name);
  return spec.tls.secretName ?? (spec.tls.issuerRef === undefined ? tlsSecret : certManagerSecret);
}

function caBundleVolumes({ jwks: { caBundleRef } }: Issuer, index: number): JsonObject[] {
  if (caBundleRef === undefined) return [];
  const { kind, name, key } = caBundleRef;
  const items = [{ key, path: CA_FILE_NAME }];
  const source = kind === 'Secret' ? { secret: { secretName: name, items } } : { configMap: { name, items } };
  return [{ name: caBundleVolume(index), ...source }];
}

function introspectionVolumes({ introspection }: Issuer, index: number): JsonObject[] {
  if (introspection === undefined) return [];
  const items = [CLIENT_ID_FILE_NAME, CLIENT_SECRET_FILE_NAME].map((key) => ({ key, path: key }));
  const { name: secretName } = introspection.clientSecretRef;
  return [{ name: introspectionVolume(index), secret: { secretName, items } }];
}

function signingKeyVolumeOf({ use, secretRef: { name, key } }: WantedKey): JsonObject {
  const items = [{ key, path: SIGNING_KEY_FILE_NAME }];
  return { name: signingKeyVolume(use), secret: { secretName: name, items } };
}
