// The file that the sidecar reads. Says what is wanted; the sidecar's own parser checks it.
import {
  ADMIN_PORT,
  CA_DIRECTORY,
  CA_FILE_NAME,
  CLIENT_ID_FILE_NAME,
  CLIENT_SECRET_FILE_NAME,
  INTROSPECTION_DIRECTORY,
  PUBLIC_PORT,
  SIGNING_DIRECTORY,
  SIGNING_KEY_FILE_NAME,
  TLS_CERTIFICATE_FILE_NAME,
  TLS_DIRECTORY,
  TLS_KEY_FILE_NAME,
  caBundleDirectory,
  introspectionDirectory,
  serviceHosts,
  signingKeyDirectory,
  type SigningUse,
} from '../api/names.ts';
import type { Dpop, Introspection, Issuer, ProtectedMcpServer } from '../api/protected-mcp-server.gen.ts';
import type { IssuerConfig, SidecarConfig } from '../sidecar/config/config.ts';
import { DRAIN_SECONDS } from './drain.ts';
import { durationSeconds } from '../protocol/duration.ts';
import { namespaceOf } from './inputs.ts';
import { resourceIdentifier } from './resource.ts';

/** Where a sidecar runs: the only thing in which a pod and local mode differ. */
export interface Placement {
  readonly listen: SidecarConfig['listen'];
  readonly admin: SidecarConfig['admin'];
  /** Holds `tls.crt` and `tls.key`. */
  readonly tlsDirectory: string;
  /** Holds one directory for each issuer with a CA bundle, named by its index, with `ca.crt` in it. */
  readonly caDirectory: string;
  /** Holds one directory for each use of a private key, with `private.key` in it. */
  readonly signingDirectory: string;
  /** Holds one directory for each issuer that is asked about tokens, named by its index. */
  readonly introspectionDirectory: string;
  /** Where the server listens, as `URL.hostname` writes it; the sidecar takes loopback hosts only. */
  readonly upstreamHost: string;
  /** Names accepted in `Host` besides the resource's and the Service's. */
  readonly extraPublicHosts: readonly string[];
}

export const POD_PLACEMENT: Placement = {
  listen: { host: '0.0.0.0', port: PUBLIC_PORT },
  admin: { host: '0.0.0.0', port: ADMIN_PORT },
  tlsDirectory: TLS_DIRECTORY,
  caDirectory: CA_DIRECTORY,
  signingDirectory: SIGNING_DIRECTORY,
  introspectionDirectory: INTROSPECTION_DIRECTORY,
  upstreamHost: '127.0.0.1',
  extraPublicHosts: [],
};

export function sidecarConfig(server: ProtectedMcpServer, placement: Placement): SidecarConfig {
  const { spec } = server;
  const {
    resource: _,
    scopesSupported,
    rootDocument,
    signedMetadata,
    ...texts
  } = spec.protectedResourceMetadata;
  const { identityAssertion, failureLimit } = spec.authentication;
  const { maxConcurrentRequests: maxRequests } = spec.server;
  const keyFile = (use: SigningUse) =>
    `${signingKeyDirectory(placement.signingDirectory, use)}/${SIGNING_KEY_FILE_NAME}`;
  const { requiredScopes } = spec.authorization;
  return {
    resource: resourceIdentifier(server),
    publicHosts: [...serviceHosts(server.metadata.name, namespaceOf(server)), ...placement.extraPublicHosts],
    listen: placement.listen,
    admin: placement.admin,
    tls: {
      certificateFile: `${placement.tlsDirectory}/${TLS_CERTIFICATE_FILE_NAME}`,
      keyFile: `${placement.tlsDirectory}/${TLS_KEY_FILE_NAME}`,
    },
    upstream: {
      url: `http://${placement.upstreamHost}:${spec.server.port}${spec.server.path}`,
      ...(maxRequests !== undefined && { maxRequests }),
    },
    metadata: {
      ...texts,
      scopesSupported: scopesSupported ?? requiredScopes,
      ...(signedMetadata !== undefined && { signingKeyFile: keyFile('metadata') }),
    },
    rootDocument,
    mirrorAuthorizationServerMetadata: spec.compatibility.mirrorAuthorizationServerMetadata,
    issuers: spec.authentication.issuers.map((issuer, index) => issuerConfig(issuer, index, placement)),
    clockSkewSeconds: durationSeconds(spec.authentication.clockSkew),
    dpop: dpopConfig(spec.authentication.dpop),
    clientCertificates: { mode: spec.authentication.clientCertificates.mode },
    claimToHeaders: spec.authentication.claimToHeaders,
    ...(spec.server.forwardHeaders !== undefined && { forwardHeaders: spec.server.forwardHeaders }),
    forwardOriginalToken: spec.authentication.forwardOriginalToken,
    ...(identityAssertion !== undefined && {
      identityAssertion: { header: identityAssertion.header, keyFile: keyFile('identity') },
    }),
    ...(failureLimit !== undefined && { failureLimit: { perMinute: failureLimit.perMinute } }),
    requiredScopes,
    initialScopes: spec.authorization.initialScopes,
    scopeHierarchy: spec.authorization.scopeHierarchy,
    stepUpScopes: spec.authorization.stepUpScopes,
    allowedOrigins: spec.network.allowedOrigins,
    transport: {
      maxMessageBytes: spec.transport.maxMessageBytes,
      messageChecks: spec.transport.messageChecks,
      unknownSessions: spec.transport.unknownSessions,
      eventStreamKeepAliveSeconds: durationSeconds(spec.transport.eventStreamKeepAlive),
      callGraceSeconds: durationSeconds(spec.transport.callGrace),
      maxStreamSeconds: durationSeconds(spec.transport.maxStream),
    },
    logLevel: spec.sidecar.logLevel,
    drainSeconds: DRAIN_SECONDS,
  };
}

function introspectionConfig(
  { endpoint }: Introspection,
  directory: string,
): NonNullable<IssuerConfig['introspection']> {
  return {
    ...(endpoint !== undefined && { endpoint }),
    clientIdFile: `${directory}/${CLIENT_ID_FILE_NAME}`,
    clientSecretFile: `${directory}/${CLIENT_SECRET_FILE_NAME}`,
  };
}

function dpopConfig({ mode, proofLifetime, nonces }: Dpop): SidecarConfig['dpop'] {
  return { mode, proofLifetimeSeconds: durationSeconds(proofLifetime), nonces };
}

function issuerConfig(
  { issuer, audiences, audiencePolicy, algorithms, tokenProfile, jwks, introspection }: Issuer,
  index: number,
  placement: Placement,
): IssuerConfig {
  return {
    issuer,
    audiences,
    audiencePolicy,
    algorithms,
    tokenProfile,
    jwks: {
      ...(jwks.uri !== undefined && { uri: jwks.uri }),
      ...(jwks.caBundleRef !== undefined && {
        caFile: `${caBundleDirectory(placement.caDirectory, index)}/${CA_FILE_NAME}`,
      }),
    },
    ...(introspection !== undefined && {
      introspection: introspectionConfig(
        introspection,
        introspectionDirectory(placement.introspectionDirectory, index),
      ),
    }),
  };
}
