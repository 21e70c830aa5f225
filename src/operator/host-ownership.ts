// PURE: which host of a server the shared authority must not certify. All clients trust one authority, so a certificate for
// somebody else's name would let one namespace stand in for another, and collect its tokens.
import { serviceHosts } from '../api/names.ts';
import { certificateHosts, isAddress } from '../desired/certificate.ts';
import { resourceIdentifier } from '../desired/resource.ts';
import type { ServerObject } from './kinds.ts';

/** Names that only mean something inside the cluster: one label, or below a Service domain. */
const CLUSTER_NAME = /^[^.]+$|\.(svc|local|internal)$|\.svc\./;

/**
 * The resource's host, where it is not the server's to have: a cluster name that is not its own Service's, or a name that
 * an older server of another namespace has. `undefined` where all is well.
 */
export function foreignHost(server: ServerObject, all: readonly ServerObject[]): string | undefined {
  const host = hostOf(server);
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

function hostOf(server: ServerObject): string {
  return new URL(resourceIdentifier(server)).hostname.replace(/^\[|\]$/g, '');
}

function ownHosts({ metadata }: ServerObject): string[] {
  return serviceHosts(metadata.name, metadata.namespace ?? 'default');
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Older by the API server's clock; in the same second, by uid: two must never both be the older one. */
function isOlder({ metadata: a }: ServerObject, { metadata: b }: ServerObject): boolean {
  const [atA, atB] = [a.creationTimestamp ?? '', b.creationTimestamp ?? ''];
  return atA === atB ? (a.uid ?? '') < (b.uid ?? '') : atA < atB;
}
