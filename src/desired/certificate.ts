// The certificate of port 8001: a Secret with one that the operator issued, or a cert-manager Certificate that makes it.
import {
  CA_FILE_NAME,
  TLS_CERTIFICATE_FILE_NAME,
  TLS_KEY_FILE_NAME,
  objectNames,
  serviceHosts,
} from '../api/names.ts';
import type { Manifest } from '../api/object.ts';
import type { ProtectedMcpServer } from '../api/protected-mcp-server.gen.ts';
import { isAddress, withoutBrackets } from '../protocol/host.ts';
import { encodeSecretValue } from '../protocol/secret-data.ts';
import { namespaceOf, ownedMeta, type DesiredInputs } from './inputs.ts';
import { resourceIdentifier } from './resource.ts';

/**
 * The host names that the certificate of a server must cover: the resource's, and the Service's where they cannot mean
 * another's. Shorter ones can: `echo` is another Service in another namespace, and `web.dev`, of a namespace `dev`, a host
 * elsewhere.
 */
export function certificateHosts(server: ProtectedMcpServer): string[] {
  return [...new Set([resourceHost(server) ?? [], serviceNames(server)].flat())];
}

/** `<name>.<namespace>.svc` and the longer one: what can only mean the server's own Service. */
export function serviceNames(server: ProtectedMcpServer): string[] {
  return serviceHosts(server.metadata.name, namespaceOf(server)).slice(2);
}

/**
 * The host of the resource identifier, without brackets; undefined where it is no URL, and for a server that was stored
 * before a rule of the CRD existed and cannot be read. Total: others' servers are looked at, too.
 */
export function resourceHost(server: ProtectedMcpServer): string | undefined {
  try {
    return withoutBrackets(new URL(resourceIdentifier(server)).hostname);
  } catch {
    return undefined;
  }
}

/** The Secret with the issued certificate; none where the user brings one or cert-manager makes it. */
export function tlsSecret({ server, issued }: DesiredInputs): Manifest | undefined {
  if (issued === undefined) return undefined;
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: ownedMeta(server, objectNames(server.metadata.name).tlsSecret),
    type: 'kubernetes.io/tls',
    data: {
      [TLS_CERTIFICATE_FILE_NAME]: encodeSecretValue(issued.certificate),
      [TLS_KEY_FILE_NAME]: encodeSecretValue(issued.key),
      [CA_FILE_NAME]: encodeSecretValue(issued.authority),
    },
  };
}

/** The ConfigMap from which clients in the namespace take the authority to trust. */
export function authorityConfigMap({ server, issued }: DesiredInputs): Manifest | undefined {
  if (issued === undefined) return undefined;
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: ownedMeta(server, objectNames(server.metadata.name).authorityConfigMap),
    data: { [CA_FILE_NAME]: issued.authority },
  };
}

/** cert-manager's request for a certificate, where `tls.issuerRef` names an issuer. */
export function certManagerCertificate({ server }: DesiredInputs): Manifest | undefined {
  const { issuerRef } = server.spec.tls;
  if (issuerRef === undefined) return undefined;
  const { certificate, certManagerSecret: secretName } = objectNames(server.metadata.name);
  return {
    apiVersion: 'cert-manager.io/v1',
    kind: 'Certificate',
    metadata: ownedMeta(server, certificate),
    spec: {
      secretName,
      dnsNames: certificateHosts(server).filter((name) => !isAddress(name)),
      ...(certificateHosts(server).some(isAddress) && {
        ipAddresses: certificateHosts(server).filter(isAddress),
      }),
      issuerRef: { group: 'cert-manager.io', kind: issuerRef.kind, name: issuerRef.name },
      privateKey: { algorithm: 'ECDSA', size: 256, rotationPolicy: 'Always' },
      usages: ['digital signature', 'server auth'],
    },
  };
}
