// PURE: which hosts the operator's own authority certifies for a server. All clients trust one authority, so a certificate for
// another's name would let one namespace impersonate another's server, and collect its tokens.
import { certificateHosts, resourceHost, serviceNames } from '../desired/certificate.ts';
import { isAddress } from '../protocol/host.ts';
import { objectKey } from '../kube/object.ts';
import type { PermittedNames } from '../pki/name-constraints.ts';
import type { ServerObject } from './kinds.ts';

/** What the platform allows beside the names of a server's own Service. */
export interface HostRules {
  /** Whether `localhost`, which means no host of the network, may be in the certificate of any server. */
  readonly localhost: boolean;
  readonly byNamespace: readonly {
    /** `*` for every namespace. */
    readonly namespace: string;
    /** Names, addresses, or `*.` and a name for whatever has one label more. In lower case. */
    readonly hosts: readonly string[];
  }[];
}

/** A host of a resource that is left out of the server's certificate. */
export interface RefusedHost {
  readonly host: string;
  /** The platform does not allow it; or a server of another namespace has it. */
  readonly reason: 'HostNotAllowed' | 'HostInUse';
}

/** Services are named below these. */
const CLUSTER_DOMAINS = ['svc', 'svc.cluster.local'];

/** RFC 1123 section 2.1: what a certificate can hold that every client reads alike. No trailing dot, no wildcard. */
const HOST_NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/;

/**
 * The resource's host, where the authority must not certify it. A host that a server of another namespace has in its
 * certificate stays that server's for as long as it names it: neither age nor a later change takes it away.
 * @param holders the servers of other namespaces whose certificates have the host
 */
export function refusedHost(
  server: ServerObject,
  rules: HostRules,
  servers: readonly ServerObject[],
  holders: readonly string[],
): RefusedHost | undefined {
  const host = resourceHost(server);
  if (host === undefined || serviceNames(server).includes(host)) return undefined;
  if (host === 'localhost' && rules.localhost) return undefined;
  if (!isAllowed(host, server.metadata.namespace ?? 'default', rules))
    return { host, reason: 'HostNotAllowed' };
  const isHeld = servers.some(
    (other) =>
      holders.includes(objectKey(other)) &&
      names(other, host) &&
      isAllowed(host, other.metadata.namespace ?? 'default', rules),
  );
  return isHeld ? { host, reason: 'HostInUse' } : undefined;
}

/** The hosts that the authority certifies for a server. */
export function issuableHosts(server: ServerObject, refused: RefusedHost | undefined): string[] {
  return certificateHosts(server).filter((host) => host !== refused?.host);
}

/** Everything that the authority may certify, by these rules, for any server. */
export function permittedNames({ localhost, byNamespace }: HostRules): PermittedNames {
  const listed = [...new Set(byNamespace.flatMap(({ hosts }) => hosts))].toSorted();
  const names = listed.filter((host) => !isAddress(host)).map((host) => host.replace(/^\*\./, ''));
  return {
    dnsNames: [...new Set([...CLUSTER_DOMAINS, ...(localhost ? ['localhost'] : []), ...names])],
    ipAddresses: listed.filter(isAddress),
  };
}

function isAllowed(host: string, namespace: string, { byNamespace }: HostRules): boolean {
  if (!isAddress(host) && (host.length > 253 || !HOST_NAME.test(host))) return false;
  return byNamespace.some(
    (rule) =>
      (rule.namespace === '*' || rule.namespace === namespace) &&
      rule.hosts.some((allowed) => covers(allowed, host)),
  );
}

/** RFC 9525 section 6.3: a wildcard stands for one label. */
function covers(allowed: string, host: string): boolean {
  if (allowed === host) return true;
  return !isAddress(host) && allowed.startsWith('*.') && host.slice(host.indexOf('.')) === allowed.slice(1);
}

/** Total: a server that cannot be read names no host. */
function names(server: ServerObject, host: string): boolean {
  if (server.metadata.deletionTimestamp !== undefined || resourceHost(server) !== host) return false;
  const { tls } = server.spec as Partial<ServerObject['spec']>; // stored before the CRD had a default for it
  return tls?.secretName === undefined && tls?.issuerRef === undefined;
}
