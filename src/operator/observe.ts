// Reads everything that decide needs: caches, the delivered certificate, probe reports; of a new generation the server itself.
// Writes nothing to the cluster.
import type { Peer } from '../api/protected-mcp-server.gen.ts';
import type { Clock } from '../base/clock.ts';
import { resourceHost } from '../desired/certificate.ts';
import type { AuthorityKeeper } from './authority-keeper.ts';
import type { Cache } from './cache.ts';
import type { HostRules } from './host-ownership.ts';
import type { Claims } from './namespace-claims.ts';
import type { LeafCertificates } from './leaf-certificates.ts';
import { stubBytes } from '../kube/budget.ts';
import type { Client } from '../kube/client.ts';
import { isNotFound } from '../kube/errors.ts';
import { isStarting } from './pod-trouble.ts';
import type { PodWarnings } from './pod-warnings.ts';
import { isTerminating, podState, probeTargets } from './pods.ts';
import { SERVERS, type ServerObject } from './kinds.ts';
import type { Prober } from './prober.ts';
import { pruned } from './pruned.ts';
import { conditionsOf } from './status.ts';
import type { Version } from './revision.ts';
import type { WaveKeeper } from './wave-keeper.ts';
import type { PodState } from './inputs.ts';
import type { Pod } from './kinds.ts';
import type { Permitted } from './refusal.ts';
import type { World } from './world.ts';

export interface ObserveDependencies {
  readonly client: Pick<Client, 'get'>;
  readonly cache: Cache;
  readonly prober: Prober;
  readonly leaves: Pick<LeafCertificates, 'find' | 'holders'>;
  readonly authority: Pick<AuthorityKeeper, 'view'>;
  readonly hostRules: HostRules;
  readonly warnings: Pick<PodWarnings, 'of'>;
  readonly claims: Pick<Claims, 'contender'>;
  readonly certManager: boolean;
  readonly adminIngressFrom: readonly Peer[];
  readonly permitted: Permitted;
  readonly newest: Version;
  readonly waves: Pick<WaveKeeper, 'hasTurn'>;
  readonly clock: Clock;
}

/** The World of one server. Also sets which pods the prober probes from now on. */
export async function observe(deps: ObserveDependencies, key: string, signal: AbortSignal): Promise<World> {
  const {
    cache,
    prober,
    leaves,
    authority,
    hostRules,
    claims,
    certManager,
    adminIngressFrom,
    permitted,
    newest,
    waves,
    clock,
  } = deps;
  const server = await currentServer(deps, key, signal);
  const pods = server === undefined ? [] : cache.pods.by('server', key);
  prober.watch(key, server === undefined ? [] : pods.flatMap((pod) => probeTargets(pod, portOf(server))));
  const host = server && resourceHost(server);
  return Object.freeze({
    now: clock(),
    server,
    servers: cache.servers.list(),
    existing: server === undefined ? [] : cache.existing(server),
    leaf: leaves.find(key),
    authority: authority.view ?? { bundle: '', signers: [], lost: 'The authority was not read yet.' },
    holders: host === undefined ? [] : leaves.holders(host, server?.metadata.namespace ?? ''),
    hostRules,
    pods: await Promise.all(
      pods.filter((pod) => !isTerminating(pod)).map((pod) => stateOf(deps, pod, signal)),
    ),
    adminIngressFrom,
    permitted,
    contender: server === undefined ? undefined : claims.contender(server.metadata.namespace ?? ''),
    newest,
    hasTurn: waves.hasTurn(key),
    certManager,
  });
}

/**
 * A watch shows resources by the definition that it was begun with, for minutes after a newer one has come: fields that only the
 * newer one has are missing. Before anything is made of a new generation the server itself is asked for.
 */
async function currentServer(
  { client, cache }: ObserveDependencies,
  key: string,
  signal: AbortSignal,
): Promise<ServerObject | undefined> {
  const known = cache.servers.get(key);
  if (known === undefined || stubBytes(known) !== undefined || isSettled(known)) return known;
  const { name = '', namespace } = known.metadata;
  try {
    return pruned(await client.get(SERVERS, { name, ...(namespace && { namespace }) }, { signal }));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Whether the generation was looked at before, and had no field that was not known. */
function isSettled(server: ServerObject): boolean {
  const { generation } = server.metadata;
  const accepted = conditionsOf(server).find(({ type }) => type === 'Accepted');
  return server.status?.observedGeneration === generation && accepted?.reason !== 'UnknownField';
}

/** Of a server that an earlier CRD let in without one: undefined. */
function portOf(server: ServerObject): number | undefined {
  const { spec } = server as { readonly spec?: { readonly server?: { readonly port?: number } } };
  return spec?.server?.port;
}

async function stateOf(
  { prober, warnings }: ObserveDependencies,
  pod: Pod,
  signal: AbortSignal,
): Promise<PodState> {
  const warning = isStarting(pod) ? await warnings.of(pod, signal) : undefined;
  return podState(pod, prober.report(pod.metadata.uid ?? ''), warning);
}
