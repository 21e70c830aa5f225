// PURE: which host of a server the shared authority must not certify. All clients trust one authority, so a certificate for
// another's name would let one namespace impersonate another's server, and collect its tokens.
import { serviceHosts } from '../api/names.ts';
import { certificateHosts } from '../desired/certificate.ts';
import { resourceIdentifier } from '../desired/resource.ts';
import { isAddress, isLoopback, withoutBrackets } from '../protocol/host.ts';
import type { ServerObject } from './kinds.ts';

/** Names that only mean something inside the cluster: one label, or below a Service domain. */
const CLUSTER_NAME = /^[^.]+$|\.(svc|local|internal)$|\.svc\./;

/**
 * The resource's host, where the authority must not certify it for this server: a cluster name other than its own
 * Service's, or the host of an older server in another namespace. `undefined` where it may.
 */
export function foreignHost(server: ServerObject, all: readonly ServerObject[]): string | undefined {
  const host = hostOf(server);
  if (host === undefined) return undefined; // a server that is refused
  if (ownHosts(server).includes(host) || isLoopback(host)) return undefined;
  if (!isAddress(host) && CLUSTER_NAME.test(host)) return host;
  const { namespace } = server.metadata;
  const others = all.filter(({ metadata }) => metadata.namespace !== namespace);
  const isTaken = others.some(
    (other) => ownHosts(other).includes(host) || (hostOf(other) === host && isOlder(other, server)),
  );
  return isTaken ? host : undefined;
}

/** The hosts that the authority certifies for a server. */
export function issuableHosts(server: ServerObject, foreign: string | undefined): string[] {
  return certificateHosts(server).filter((host) => host !== foreign);
}

/** Others may have been stored before a rule of the CRD existed: one that cannot be read has no host. */
function hostOf(server: ServerObject): string | undefined {
  try {
    return withoutBrackets(new URL(resourceIdentifier(server)).hostname);
  } catch {
    return undefined;
  }
}

function ownHosts({ metadata }: ServerObject): string[] {
  return serviceHosts(metadata.name, metadata.namespace ?? 'default');
}

/** Older by the API server's clock; in the same second, by uid, so that exactly one of two is the older. */
function isOlder({ metadata: a }: ServerObject, { metadata: b }: ServerObject): boolean {
  const [atA, atB] = [a.creationTimestamp ?? '', b.creationTimestamp ?? ''];
  return atA === atB ? (a.uid ?? '') < (b.uid ?? '') : atA < atB;
}
