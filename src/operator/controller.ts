// The operator's life: watch, wait to lead, reconcile from a queue, stop in order. What is done for one server is reconcile's.
import type { Server } from 'node:http';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import { aborted } from '../base/shutdown.ts';
import type { Client } from '../kube/client.ts';
import { isStopped } from '../kube/errors.ts';
import { EventRecorder } from '../kube/events.ts';
import { splitKey, type KubeObject } from '../kube/object.ts';
import { LeaderElector } from '../kube/lease.ts';
import { WorkQueue, type RunResult, type QueueRun } from '../kube/queue.ts';
import { sleep, systemScheduler, type Scheduler } from '../kube/scheduler.ts';
import { AuthorityKeeper } from './authority-keeper.ts';
import { Cache } from './cache.ts';
import { publishedBundle } from './decide.ts';
import { Claims } from './namespace-claims.ts';
import { createHealth } from './health.ts';
import { FIELD_MANAGER } from './field-managers.ts';
import { permittedNames } from './host-ownership.ts';
import { LeafCertificates } from './leaf-certificates.ts';
import { addGauges, type OperatorMetrics } from './metrics.ts';
import { PodWarnings } from './pod-warnings.ts';
import { Prober, type ProberOptions } from './prober.ts';
import { reconcile } from './reconcile.ts';
import type { OperatorErrorCode } from './errors.ts';
import { versionOf, type Version } from './revision.ts';
import type { Settings } from './settings.ts';
import { StatusPace } from './status-pace.ts';
import { isOfAnotherRelease, standing } from './standby.ts';
import { WaveKeeper } from './wave-keeper.ts';

/** How long running reconciles may take to end (milliseconds); the pod's grace period is longer. */
const DRAIN_MS = 25_000;
/** Between attempts of a leader's first steps (milliseconds). */
const START_RETRY_MS = 2_000;
/** An event loop that is blocked for this long is broken (milliseconds). */
const MAX_LAG_MS = 15_000;
const LAG_TICK_MS = 1_000;

interface ControllerDependencies {
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
  readonly scheduler?: Scheduler;
  readonly probe?: ProberOptions['probe'];
}

/** Leadership was lost: the process must end, since another may be writing now. */
export class LeadershipLost extends Error {
  readonly code: OperatorErrorCode = 'ERR_LEADERSHIP_LOST';

  constructor(reason: string) {
    super(`leadership lost: ${reason}`);
    this.name = 'LeadershipLost';
  }
}

type Reconcile = (key: string, signal: AbortSignal) => Promise<RunResult>;

export class Controller {
  readonly #deps: ControllerDependencies;
  readonly #lost = new AbortController();
  readonly #cache: Cache;
  readonly #queue: WorkQueue;
  readonly #prober: Prober;
  readonly #elector: LeaderElector;
  readonly #events: EventRecorder;
  readonly #claims: Claims;
  readonly #scheduler: Scheduler;
  readonly #leaves: LeafCertificates;
  readonly #authority: AuthorityKeeper;
  readonly #newest: Version;
  readonly #waves: WaveKeeper;
  /** Undefined until this replica leads. */
  #reconcile: Reconcile | undefined;
  #isLeading = false;
  #lastTick = performance.now();

  constructor(deps: ControllerDependencies) {
    this.#deps = deps;
    const { settings, client, log, stop, clock, scheduler = systemScheduler } = deps;
    this.#scheduler = scheduler;
    this.#queue = new WorkQueue({
      workers: settings.workers,
      run: (key, signal) => {
        if (this.#reconcile === undefined) throw new Error('queue started before leading');
        return this.#reconcile(key, AbortSignal.any([signal, this.#lost.signal]));
      },
      scheduler,
      onRun: (run) => this.#observe(run),
    });
    const enqueue = (key: string) => this.#queue.add(key);
    this.#newest = versionOf(settings.sidecarImage);
    this.#cache = new Cache({
      client,
      namespaces: settings.watchNamespaces,
      certManager: deps.certManager,
      enqueue,
      log,
      scheduler,
    });
    this.#prober = new Prober({ onChange: enqueue, scheduler, ...(deps.probe && { probe: deps.probe }) });
    this.#elector = new LeaderElector({
      client,
      namespace: settings.namespace,
      name: settings.leaseName,
      identity: deps.identity,
      fieldManager: FIELD_MANAGER,
      log,
      onLost: (reason) => this.#lost.abort(new LeadershipLost(reason)),
      onWait: (holder) => this.#sayStandby(holder),
      scheduler,
      clock,
    });
    this.#events = new EventRecorder({
      client,
      controller: 'protectedmcp.dev/operator',
      instance: settings.podName,
      stop,
      log,
      scheduler,
      clock,
    });
    this.#leaves = new LeafCertificates({
      client,
      namespace: settings.namespace,
      clock,
      signer: () => this.#authority.signer,
    });
    this.#authority = new AuthorityKeeper({
      client,
      namespace: settings.namespace,
      clock,
      overlapMs: settings.authorityOverlapMs,
      permitted: permittedNames(settings.hostRules),
      issued: this.#leaves,
      isAnyTrusted: () =>
        this.#cache.servers
          .list()
          .filter(({ metadata }) => !this.#claims.isOfAnother(metadata.namespace ?? ''))
          .some((server) => publishedBundle(server, this.#cache.existing(server)) !== undefined),
      log,
      record: (regarding, event) => this.#events.record(regarding, event),
      onChange: () => this.#enqueueAll(),
      onRestore: () => deps.metrics.authorityRestores.inc(),
    });
    this.#claims = new Claims({
      client,
      cache: this.#cache,
      installation: this.#lease,
      expiryMs: settings.claimExpirySeconds * 1000,
      events: this.#events,
      log,
      scheduler,
    });
    this.#waves = new WaveKeeper({
      cache: this.#cache,
      isOfAnother: (namespace) => this.#claims.isOfAnother(namespace),
      revision: this.#newest.revision,
      maxConcurrent: settings.maxConcurrent,
      enqueue,
      operator: podOf(settings),
      record: (regarding, event) => this.#events.record(regarding, event),
      log,
      scheduler,
      stop: AbortSignal.any([stop, this.#lost.signal]),
    });
    addGauges(deps.metrics.registry, {
      servers: () => this.#cache.servers.size,
      queueDepth: () => this.#queue.depth,
      isLeader: () => this.#leads,
      isStandby: () => !this.#leads && isOfAnotherRelease(this.#elector.holder, settings.podName),
      namespacesOfOthers: () => this.#claims.ofOthers().length,
      isAuthorityLost: () => this.#authority.view?.lost !== undefined,
      wave: () => this.#waves.wave,
    });
  }

  get #leads(): boolean {
    return !this.#deps.settings.leaderElection || this.#elector.isLeader;
  }

  /** Of all installations, only this one may hold it. */
  get #lease(): string {
    const { namespace, leaseName } = this.#deps.settings;
    return `${namespace}/${leaseName}`;
  }

  /** The server of probes and metrics; the caller opens and closes it. */
  health(): Server {
    const { registry } = this.#deps.metrics;
    const tick = setInterval(() => (this.#lastTick = performance.now()), LAG_TICK_MS);
    tick.unref();
    return createHealth({
      notLive: () => (performance.now() - this.#lastTick > MAX_LAG_MS ? 'event loop blocked' : undefined),
      notReady: () => this.#notReady(),
      standing: () => this.#standing(),
      metrics: () => registry.metrics(),
      metricsContentType: registry.contentType,
    });
  }

  /** A replica that leads is ready when it works: not before its authority is read, and not without one. */
  #notReady(): string | undefined {
    const [missing] = this.#cache.notServed;
    if (missing !== undefined)
      return `the API server does not serve ${missing}: is its CustomResourceDefinition installed?`;
    if (!this.#cache.isSynced) return 'caches not synced';
    return this.#isLeading && this.#reconcile === undefined
      ? 'authority not read yet'
      : this.#authority.view?.lost;
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
    this.#isLeading = true;
    await this.#cache.synced;
    await this.#untilDone(() => this.#leaves.load(end), end);
    await this.#untilDone(() => this.#authority.check(end), end);
    if (end.aborted) return;
    const deps = {
      client,
      cache: this.#cache,
      prober: this.#prober,
      leaves: this.#leaves,
      warnings: new PodWarnings({ client, clock }),
      authority: this.#authority,
      hostRules: settings.hostRules,
      events: this.#events,
      pace: new StatusPace(),
      claims: this.#claims,
      certManager,
      adminIngressFrom: settings.adminIngressFrom,
      permitted: settings.permitted,
      newest: this.#newest,
      waves: this.#waves,
      clock,
      random: Math.random,
      log,
      onWrite: (kind: string) => this.#deps.metrics.writes.inc({ kind }),
      onRefusal: (reason: string) => this.#deps.metrics.refusals.inc({ reason }),
    };
    this.#reconcile = (key, signal) => this.#ifManaged(key, signal, () => reconcile(deps, key, signal));
    this.#waves.look();
    this.#enqueueAll();
    this.#prober.start(end);
    this.#queue.start();
    void this.#authority.run(this.#scheduler, end);
    log.info({ servers: this.#cache.servers.size }, 'reconciling');
  }

  /** Servers that were deleted while no replica led, too: they have left their certificates here. */
  #enqueueAll(): void {
    for (const key of [...this.#cache.servers.keys(), ...this.#leaves.keys()]) this.#queue.add(key);
  }

  /** A server of a namespace that another installation manages is left alone until that one is gone. */
  async #ifManaged(key: string, signal: AbortSignal, run: () => Promise<RunResult>): Promise<RunResult> {
    const { namespace = '' } = splitKey(key);
    if (!this.#cache.hasServers(namespace)) {
      const result = await run();
      await this.#claims.release(namespace, signal);
      return result;
    }
    if (await this.#claims.hold(namespace, signal)) return run();
    this.#prober.watch(key, []);
    return { requeueAfterMs: this.#claims.retryMs };
  }

  #standing(): string {
    return standing({
      leads: this.#leads,
      works: this.#reconcile !== undefined,
      lease: this.#lease,
      leader: this.#elector.holder,
      podName: this.#deps.settings.podName,
      ofOthers: this.#claims.ofOthers(),
    });
  }

  #sayStandby(holder: string): void {
    const { log, settings } = this.#deps;
    const fields = { lease: this.#lease, holder };
    if (isOfAnotherRelease(holder, settings.podName))
      log.warn(fields, 'standing by: another release holds the lease');
    else log.info(fields, 'standing by for the leader');
  }

  /** A leader's first steps are tried again until they are done: without them it can do nothing else. */
  async #untilDone<T>(step: () => Promise<T>, end: AbortSignal): Promise<T | undefined> {
    while (!end.aborted) {
      try {
        return await step();
      } catch (err) {
        if (end.aborted) return undefined;
        this.#deps.log.error({ err, retryMs: START_RETRY_MS }, 'startup step failed, retrying');
        await sleep(this.#scheduler, START_RETRY_MS, end);
      }
    }
    return undefined;
  }

  #observe({ key, ranMs, error, retryMs }: QueueRun): void {
    this.#deps.metrics.reconciles.inc({ outcome: error === undefined ? 'ok' : 'failed' });
    this.#deps.metrics.reconcileDuration.observe(ranMs / 1000);
    this.#waves.changed(); // every change of a server, its Deployment or its pods ends in a run
    if (error === undefined || isStopped(error)) return;
    this.#deps.log.warn({ ...splitKey(key), retryMs, err: error }, 'reconcile failed');
  }
}

/** The operator's own pod, as events name it. */
function podOf({ namespace, podName }: Settings): KubeObject {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: podName, namespace } };
}
