// What the sidecar mounts: its configuration, its certificate, and the issuers' CA bundles.
import { CA_FILE_NAME, CONFIG_VOLUME, TLS_VOLUME, caBundleVolume, objectNames } from '../api/names.ts';
import type { JsonObject } from '../api/object.ts';
import type { Issuer, ProtectedMcpServer } from '../api/protected-mcp-server.gen.ts';

export function sidecarVolumes({ metadata, spec }: ProtectedMcpServer): JsonObject[] {
  return [
    { name: CONFIG_VOLUME, configMap: { name: objectNames(metadata.name).configMap } },
    { name: TLS_VOLUME, secret: { secretName: tlsSecretName({ metadata, spec }) } },
    ...spec.authentication.issuers.flatMap(caBundleVolumes),
  ];
}

/** The Secret with the certificate of port 8001: the user's own, cert-manager's, or the operator's. */
export function tlsSecretName({ metadata, spec }: Pick<ProtectedMcpServer, 'metadata' | 'spec'>): string {
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
