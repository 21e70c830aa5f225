// The operator's life: watch, wait to lead, reconcile from a queue, stop in order. Decides nothing about servers.
import type { Server } from 'node:http';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import { aborted } from '../base/shutdown.ts';
import type { Client } from '../kube/client.ts';
import { isStopped } from '../kube/errors.ts';
import { EventRecorder } from '../kube/events.ts';
import { LeaderElector } from '../kube/lease.ts';
import { WorkQueue, type QueueRun } from '../kube/queue.ts';
import { FIELD_MANAGER } from './apply.ts';
import { ensureAuthority } from './authority.ts';
import { Cache } from './cache.ts';
import { createHealth } from './health.ts';
import { LeafCertificates } from './leaf-certificates.ts';
import { addGauges, type OperatorMetrics } from './metrics.ts';
import { Prober } from './prober.ts';
import { Reconciler } from './reconcile.ts';
import type { Settings } from './settings.ts';

/** Reconciles under way get this long to end (milliseconds); the pod's grace period is longer. */
const DRAIN_MS = 25_000;
/** An event loop that stands still for this long is broken. */
const MAX_LAG_MS = 15_000;
const LAG_TICK_MS = 1_000;

export interface ControllerDependencies {
  readonly settings: Settings;
  readonly client: Client;
  readonly metrics: OperatorMetrics;
  /** Whether the API server serves cert-manager's Certificates. */
  readonly certManager: boolean;
  readonly clock: Clock;
  readonly log: Logger;
  readonly stop: AbortSignal;
  /** A name that no other replica has. */
  readonly identity: string;
}

/** Leadership was lost: the process must end, since another may be writing now. */
export class LeadershipLost extends Error {
  readonly code = 'ERR_LEADERSHIP_LOST';
}

export class Controller {
  readonly #deps: ControllerDependencies;
  readonly #lost = new AbortController();
  readonly #cache: Cache;
  readonly #queue: WorkQueue;
  readonly #prober: Prober;
  readonly #elector: LeaderElector;
  readonly #events: EventRecorder;
  #reconciler: Reconciler | undefined;
  #lastTick = performance.now();

  constructor(deps: ControllerDependencies) {
    this.#deps = deps;
    const { settings, client, log, stop } = deps;
    this.#queue = new WorkQueue({
      workers: settings.workers,
      run: (key, signal) => {
        if (this.#reconciler === undefined) throw new Error('the queue runs only while leading');
        return this.#reconciler.run(key, AbortSignal.any([signal, this.#lost.signal]));
      },
      observer: { onRun: (run) => this.#observe(run) },
    });
    const enqueue = (key: string) => this.#queue.add(key);
    this.#cache = new Cache({
      client,
      namespaces: settings.watchNamespaces,
      certManager: deps.certManager,
      enqueue,
      log,
    });
    this.#prober = new Prober({ onChange: enqueue });
    this.#elector = new LeaderElector({
      client,
      namespace: settings.namespace,
      name: settings.leaseName,
      identity: deps.identity,
      fieldManager: FIELD_MANAGER,
      log,
      onLost: (reason) => this.#lost.abort(new LeadershipLost(reason)),
    });
    this.#events = new EventRecorder({
      client,
      controller: 'protectedmcp.dev/operator',
      instance: settings.podName,
      stop,
      log,
    });
    addGauges(deps.metrics.registry, {
      servers: () => this.#cache.servers.size,
      queueDepth: () => this.#queue.depth,
      isLeader: () => !settings.leaderElection || this.#elector.isLeader,
    });
  }

  /** The server of probes and metrics; the caller opens and closes it. */
  health(): Server {
    const { registry } = this.#deps.metrics;
    const tick = setInterval(() => (this.#lastTick = performance.now()), LAG_TICK_MS);
    tick.unref();
    return createHealth({
      notLive: () =>
        performance.now() - this.#lastTick > MAX_LAG_MS ? 'the event loop stands still' : undefined,
      notReady: () => (this.#cache.isSynced ? undefined : 'the cluster has not been read yet'),
      metrics: () => registry.metrics(),
      metricsContentType: registry.contentType,
    });
  }

  /**
   * Runs until the stop signal. Followers keep their caches warm, so that a takeover starts at once.
   * @throws LeadershipLost
   */
  async run(): Promise<void> {
    const { stop, log, settings } = this.#deps;
    const end = AbortSignal.any([stop, this.#lost.signal]);
    const watching = this.#cache.run(end);
    const leads = settings.leaderElection ? await this.#elector.acquire(stop) : true;
    if (leads) {
      await Promise.race([this.#lead(end), aborted(end)]);
      await aborted(end);
    }
    log.info('stopping');
    await this.#queue.drain(this.#lost.signal.aborted ? 0 : DRAIN_MS);
    await this.#events.flush();
    await this.#elector.release();
    await watching;
    if (this.#lost.signal.aborted) throw this.#lost.signal.reason;
  }

  async #lead(end: AbortSignal): Promise<void> {
    const { client, settings, clock, log, certManager } = this.#deps;
    await this.#cache.synced;
    const authority = await this.#untilItWorks(
      () => ensureAuthority({ client, namespace: settings.namespace, clock }, end),
      end,
    );
    if (authority === undefined) return;
    const leaves = new LeafCertificates({ client, namespace: settings.namespace, clock, authority });
    this.#reconciler = new Reconciler({
      client,
      cache: this.#cache,
      prober: this.#prober,
      leaves,
      events: this.#events,
      certManager,
      sidecarImage: settings.sidecarImage,
      clock,
      log,
      onWrite: (kind) => this.#deps.metrics.writes.inc({ kind }),
    });
    for (const key of this.#cache.servers.keys()) this.#queue.add(key);
    // Servers that were deleted while nobody led have left their certificates here.
    const kept = await this.#untilItWorks(() => leaves.keptFor(end), end);
    for (const key of kept ?? []) this.#queue.add(key);
    this.#prober.start(end);
    this.#queue.start();
    log.info({ servers: this.#cache.servers.size }, 'reconciling');
  }

  /** The first writes of a leader: what fails is tried again, since without them nothing else can be done. */
  async #untilItWorks<T>(attempt: () => Promise<T>, end: AbortSignal): Promise<T | undefined> {
    while (!end.aborted) {
      try {
        return await attempt();
      } catch (err) {
        if (end.aborted) return undefined;
        this.#deps.log.error({ err }, 'cannot begin to reconcile');
        await new Promise((resolve) => setTimeout(resolve, 2_000));
      }
    }
    return undefined;
  }

  #observe({ key, ranMs, error, retryMs }: QueueRun): void {
    this.#deps.metrics.reconciles.inc({ outcome: error === undefined ? 'ok' : 'failed' });
    this.#deps.metrics.reconcileDuration.observe(ranMs / 1000);
    if (error === undefined || isStopped(error)) return;
    this.#deps.log.warn({ key, retryMs, reason: (error as Error).message }, 'reconcile failed');
  }
}
