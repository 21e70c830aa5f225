// What one operator process works with, on an API server in memory: its caches, its certificates, a clock that tests move.
import { createHash } from 'node:crypto';
import { createLogger } from '../../../src/base/log.ts';
import type { Client } from '../../../src/kube/client.ts';
import { EVENTS, type EventContent } from '../../../src/kube/events.ts';
import { LEASES } from '../../../src/kube/lease-record.ts';
import { objectKey, type KubeObject } from '../../../src/kube/object.ts';
import { AuthorityKeeper } from '../../../src/operator/authority-keeper.ts';
import { Cache } from '../../../src/operator/cache.ts';
import { permittedNames, type HostRules } from '../../../src/operator/host-ownership.ts';
import { publishedBundle } from '../../../src/operator/decide.ts';
import type { SidecarReport } from '../../../src/operator/inputs.ts';
import {
  CERTIFICATES,
  CHILD_KINDS,
  PODS,
  POD_EVENTS,
  SECRETS,
  SERVERS,
  type Deployment,
  type Pod,
  type ServerObject,
} from '../../../src/operator/kinds.ts';
import { LeafCertificates } from '../../../src/operator/leaf-certificates.ts';
import { PodWarnings } from '../../../src/operator/pod-warnings.ts';
import { Prober } from '../../../src/operator/prober.ts';
import { reconcile } from '../../../src/operator/reconcile.ts';
import { versionOf, type Version } from '../../../src/operator/revision.ts';
import { StatusPace } from '../../../src/operator/status-pace.ts';
import { MemoryApiServer } from '../../support/memory-api-server.ts';
import { Rights } from '../../support/rights.ts';
import { NOW, PERMITTED, report, serverObject, sidecarStatus } from '../../support/operator-inputs.ts';
import { FakeScheduler, until } from '../kube/fake-scheduler.ts';

export const KEY = 'demo/echo';
export const NAMESPACE = 'protected-mcp-system';
export const silent = createLogger('test', 'silent');

const KINDS = [SERVERS, PODS, POD_EVENTS, SECRETS, EVENTS, LEASES, ...CHILD_KINDS];

/** Clients have the rights of the installed operator, and no others. */
export async function startApi({
  certManager = false,
  rights = Rights.ofInstallation(),
} = {}): Promise<MemoryApiServer> {
  const api = await MemoryApiServer.start(certManager ? [...KINDS, CERTIFICATES] : KINDS);
  api.rights = rights;
  return api;
}

export interface OperatorOptions {
  readonly certManager?: boolean;
  /** What a probe of any pod finds. */
  readonly probe?: () => SidecarReport;
  readonly hostRules?: HostRules;
  /** Milliseconds since the epoch. */
  readonly now?: number;
  readonly sidecarImage?: string;
  /** Whether it is the servers' turn for that sidecar. */
  readonly hasTurn?: boolean;
}

/** How long clients have to read what is published (milliseconds). */
export const OVERLAP_MS = 7 * 86_400_000;

/** An operator that leads: it remembers what one process would, and knows the rest from the API server. */
export class Operator {
  readonly clock: { now: number };
  /** Type and reason of each. */
  readonly events: string[] = [];
  readonly #api: MemoryApiServer;
  readonly #scheduler = new FakeScheduler();
  readonly #stop = new AbortController();
  readonly #cache: Cache;
  readonly #client: Client;
  readonly #certManager: boolean;
  readonly #prober: Prober;
  readonly #pace = new StatusPace();
  readonly #leaves: LeafCertificates;
  readonly #authority: AuthorityKeeper;
  readonly #hostRules: HostRules;
  readonly #newest: Version;
  readonly #hasTurn: boolean;

  private constructor(
    api: MemoryApiServer,
    {
      certManager = false,
      probe = () => report(),
      hostRules = { localhost: true, byNamespace: [] },
      now = NOW,
      sidecarImage = 'sidecar:1',
      hasTurn = false,
    }: OperatorOptions,
  ) {
    this.#api = api;
    this.clock = { now };
    this.#newest = versionOf(sidecarImage);
    this.#hasTurn = hasTurn;
    this.#client = api.client();
    this.#certManager = certManager;
    const enqueue = () => undefined;
    this.#cache = new Cache({
      client: this.#client,
      namespaces: undefined,
      certManager,
      enqueue,
      log: silent,
    });
    const deps = { client: this.#client, namespace: NAMESPACE, clock: () => this.clock.now };
    this.#leaves = new LeafCertificates({ ...deps, signer: () => this.#authority.signer });
    this.#hostRules = hostRules;
    this.#authority = new AuthorityKeeper({
      ...deps,
      overlapMs: OVERLAP_MS,
      permitted: permittedNames(hostRules),
      issued: this.#leaves,
      isAnyTrusted: () =>
        this.#cache.servers
          .list()
          .some((server) => publishedBundle(server, this.#cache.existing(server)) !== undefined),
      log: silent,
      record: (_, { type, reason }) => void this.events.push(`${type} ${reason}`),
      onChange: enqueue,
      onRestore: enqueue,
    });
    this.#prober = new Prober({
      onChange: enqueue,
      probe: () => Promise.resolve(probe()),
      scheduler: this.#scheduler,
      random: () => 0.5,
    });
  }

  /** Starts with caches that hold what is there now. */
  static async start(api: MemoryApiServer, options: OperatorOptions = {}): Promise<Operator> {
    const operator = new Operator(api, options);
    await operator.#begin();
    return operator;
  }

  async #begin(): Promise<void> {
    const { signal } = this.#stop;
    void this.#cache.run(signal);
    await this.#cache.synced;
    await this.#leaves.load(signal);
    await this.#authority.check(signal);
    this.#prober.start(signal);
  }

  stop(): void {
    this.#stop.abort();
  }

  /** One reconcile of a server, on caches that have seen everything. @returns the writes that it made */
  async reconcile(key = KEY, signal: AbortSignal = this.#stop.signal): Promise<string[]> {
    await this.#caughtUp(key);
    const before = this.#api.writes.length;
    const deps = {
      client: this.#client,
      cache: this.#cache,
      prober: this.#prober,
      leaves: this.#leaves,
      warnings: new PodWarnings({ client: this.#client, clock: () => this.clock.now }),
      authority: this.#authority,
      hostRules: this.#hostRules,
      events: {
        record: (_: KubeObject, { type, reason }: EventContent) => void this.events.push(`${type} ${reason}`),
      },
      pace: this.#pace,
      certManager: this.#certManager,
      adminIngressFrom: [],
      permitted: PERMITTED,
      claims: { contender: () => undefined },
      newest: this.#newest,
      waves: { hasTurn: () => this.#hasTurn },
      clock: () => this.clock.now,
      random: () => 0.5,
      log: silent,
      onWrite: () => undefined,
      onRefusal: () => undefined,
    };
    await reconcile(deps, key, signal);
    return this.#api.writes.slice(before);
  }

  /** One look at the authority. */
  checkAuthority(): Promise<void> {
    return this.#authority.check(this.#stop.signal);
  }

  /** Time for the prober to look at every pod once. */
  async probe(): Promise<void> {
    await this.#scheduler.advance(500);
  }

  async #caughtUp(key: string): Promise<void> {
    const cache = this.#cache;
    const isCurrent = (
      stored: { metadata: { resourceVersion?: string } } | undefined,
      cached: typeof stored,
    ) => stored?.metadata.resourceVersion === cached?.metadata.resourceVersion;
    await until(() => {
      const server = cache.servers.get(key);
      if (!isCurrent(this.#api.get('ProtectedMcpServer', key), server)) return false;
      const pods = this.#api.keys('Pod').map((pod) => this.#api.get('Pod', pod));
      if (pods.some((pod) => !isCurrent(pod, cache.pods.get(objectKey(pod!))))) return false;
      if (server === undefined) return true;
      const existing = cache.existing(server);
      const kinds = [...CHILD_KINDS, CERTIFICATES].flatMap(({ kind }) =>
        this.#api.keys(kind).map((name) => this.#api.get(kind, name)!),
      );
      return (
        kinds
          .filter(({ metadata }) => metadata.ownerReferences?.[0]?.uid === server.metadata.uid)
          .every((object) =>
            existing.some((known) => known.kind === object.kind && isCurrent(object, known)),
          ) && existing.every((known) => isCurrent(this.#api.get(known.kind, objectKey(known)), known))
      );
    }, 'the caches hold what the API server does');
  }
}

/** The server as a user writes it: without what the API server adds. */
export function newServer(change: (server: ServerObject) => void = () => undefined): ServerObject {
  return serverObject((server) => {
    delete server.metadata.uid;
    delete server.metadata.generation;
    change(server);
  });
}

/** What the Deployment controller and the kubelet do: the Deployment is rolled out, and a pod runs. */
export function rollOut(
  api: MemoryApiServer,
  change: (pod: Pod & { status: object }) => void = () => undefined,
): void {
  const { metadata, spec } = api.get<Deployment>('Deployment', KEY) ?? {};
  if (metadata === undefined) throw new Error('there is no Deployment to roll out');
  const replicas = spec?.replicas ?? 1;
  const counts = {
    replicas,
    updatedReplicas: replicas,
    readyReplicas: replicas,
    availableReplicas: replicas,
  };
  api.edit<Deployment & { status?: object }>('Deployment', KEY, (deployment) => {
    deployment.status = { observedGeneration: metadata.generation ?? 0, ...counts };
  });
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'echo-1', namespace: 'demo', uid: 'pod-uid', labels: { ...metadata.labels } },
    status: { phase: 'Running', podIP: '10.0.0.1', conditions: [{ type: 'Ready', status: 'True' }] },
  };
  change(pod);
  api.put(pod);
}

/** What a sidecar with the newest configuration answers. */
export function healthy(api: MemoryApiServer): SidecarReport {
  const { data } = api.get<{ data: Record<string, string> } & ServerObject>(
    'ConfigMap',
    'demo/echo-sidecar',
  )!;
  return report({
    status: sidecarStatus({
      configDigest: createHash('sha256')
        .update(data['config.json'] ?? '')
        .digest('hex'),
    }),
  });
}
