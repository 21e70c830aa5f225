// The file that the sidecar reads. Says what is wanted; the sidecar's own parser checks it.
import {
  ADMIN_PORT,
  CA_DIRECTORY,
  CA_FILE_NAME,
  PUBLIC_PORT,
  TLS_CERTIFICATE_FILE_NAME,
  TLS_DIRECTORY,
  TLS_KEY_FILE_NAME,
  caBundleDirectory,
  serviceHosts,
} from '../api/names.ts';
import type { Issuer, ProtectedMcpServer } from '../api/protected-mcp-server.gen.ts';
import type { IssuerConfig, SidecarConfig } from '../sidecar/config.ts';
import { DRAIN_SECONDS } from './drain.ts';
import { durationSeconds } from './duration.ts';
import { namespaceOf } from './inputs.ts';
import { resourceIdentifier } from './resource.ts';

/** Where a sidecar runs: the only thing in which a pod and local mode differ. */
export interface Place {
  readonly listen: SidecarConfig['listen'];
  readonly admin: SidecarConfig['admin'];
  /** Holds `tls.crt` and `tls.key`. */
  readonly tlsDirectory: string;
  /** Holds one directory for each issuer with a CA bundle, named by its index, with `ca.crt` in it. */
  readonly caDirectory: string;
  /** Names accepted in `Host` besides the resource's and the Service's. */
  readonly extraPublicHosts: readonly string[];
}

export const POD_PLACE: Place = {
  listen: { host: '0.0.0.0', port: PUBLIC_PORT },
  admin: { host: '0.0.0.0', port: ADMIN_PORT },
  tlsDirectory: TLS_DIRECTORY,
  caDirectory: CA_DIRECTORY,
  extraPublicHosts: [],
};

export function sidecarConfig(server: ProtectedMcpServer, place: Place): SidecarConfig {
  const { spec } = server;
  const { resourceName, scopesSupported } = spec.protectedResourceMetadata;
  const { requiredScopes } = spec.authorization;
  return {
    resource: resourceIdentifier(server),
    publicHosts: [...serviceHosts(server.metadata.name, namespaceOf(server)), ...place.extraPublicHosts],
    listen: place.listen,
    admin: place.admin,
    tls: {
      certificateFile: `${place.tlsDirectory}/${TLS_CERTIFICATE_FILE_NAME}`,
      keyFile: `${place.tlsDirectory}/${TLS_KEY_FILE_NAME}`,
    },
    upstream: { url: `http://127.0.0.1:${spec.server.port}${spec.server.path}` },
    metadata: {
      ...(resourceName !== undefined && { resourceName }),
      scopesSupported: scopesSupported ?? requiredScopes,
    },
    issuers: spec.authentication.issuers.map((issuer, index) => issuerConfig(issuer, index, place)),
    clockSkewSeconds: durationSeconds(spec.authentication.clockSkew),
    claimToHeaders: spec.authentication.claimToHeaders,
    forwardOriginalToken: spec.authentication.forwardOriginalToken,
    requiredScopes,
    allowedOrigins: spec.network.allowedOrigins,
    logLevel: spec.sidecar.logLevel,
    drainSeconds: DRAIN_SECONDS,
  };
}

function issuerConfig(
  { issuer, audiences, algorithms, tokenProfile, jwks }: Issuer,
  index: number,
  place: Place,
): IssuerConfig {
  return {
    issuer,
    audiences,
    algorithms,
    tokenProfile,
    jwks: {
      ...(jwks.uri !== undefined && { uri: jwks.uri }),
      ...(jwks.caBundleRef !== undefined && {
        caFile: `${caBundleDirectory(place.caDirectory, index)}/${CA_FILE_NAME}`,
      }),
    },
  };
}
