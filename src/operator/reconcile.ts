// One server: read everything, decide in pure functions, write at the end. The only place that writes to the cluster.
import { createHash } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import { CONFIG_FILE_NAME, SIDECAR_CONTAINER } from '../api/names.ts';
import type { Condition, Status } from '../api/protected-mcp-server.gen.ts';
import { desired } from '../desired/index.ts';
import type { Client } from '../kube/client.ts';
import { isConflict, isForbidden, isInvalid, isNotFound } from '../kube/errors.ts';
import type { EventRecorder } from '../kube/events.ts';
import { objectKey, type KubeObject, type Resource } from '../kube/object.ts';
import type { Outcome } from '../kube/queue.ts';
import { applyObject, FIELD_MANAGER, NotOwnedError } from './apply.ts';
import type { Cache } from './cache.ts';
import { foreignHost, issuableHosts } from './host-ownership.ts';
import type { CertificateState, Inputs, PodState, Refusal } from './inputs.ts';
import {
  CERTIFICATES,
  CHILD_KINDS,
  DEPLOYMENTS,
  SECRETS,
  SERVERS,
  type Pod,
  type ServerObject,
} from './kinds.ts';
import type { LeafCertificates, LeafResult } from './leaf-certificates.ts';
import type { Prober } from './prober.ts';
import { status } from './status.ts';

const STATUS_MANAGER = 'mcp-operator-status';
/** `kubectl annotate pmcp NAME protectedmcp.dev/paused=true`: nothing is written until it is removed. */
const PAUSED_ANNOTATION = 'protectedmcp.dev/paused';
/**
 * How often a server is looked at without cause (milliseconds). Secrets cannot be watched, since the operator may not
 * read them: a delivered certificate that somebody deleted is put back within this time.
 */
const RESYNC_MS = 60_000;

export interface ReconcilerDependencies {
  readonly client: Client;
  readonly cache: Cache;
  readonly prober: Prober;
  readonly leaves: LeafCertificates;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly certManager: boolean;
  readonly sidecarImage: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told of each write that changed something. */
  readonly onWrite: (kind: string) => void;
}

export class Reconciler {
  readonly #deps: ReconcilerDependencies;
  /** What was last delivered to a server's namespace, and when: Secrets have no cache to compare with. */
  readonly #delivered = new Map<string, { readonly certificate: string; readonly at: number }>();

  constructor(deps: ReconcilerDependencies) {
    this.#deps = deps;
  }

  /** Makes the world of one server right. Level-based: why it was called does not matter. */
  async run(key: string, signal: AbortSignal): Promise<Outcome> {
    const { cache, clock } = this.#deps;
    const server = cache.servers.get(key);
    if (server === undefined) return this.#forget(key, signal);
    if (server.metadata.deletionTimestamp !== undefined || isPaused(server)) return {};

    const foreign = foreignHost(server, cache.servers.list());
    const leaf = usesOwnAuthority(server)
      ? await this.#deps.leaves.get(key, issuableHosts(server, foreign), signal)
      : undefined;
    const objects = desired({ server, sidecarImage: this.#deps.sidecarImage, issued: leaf?.leaf });
    const refusal = await this.#applyAll(server, objects, leaf, signal);
    if (refusal === undefined) await this.#prune(server, objects, signal);
    this.#watchPods(server);
    const certificate = this.#certificateState(server, leaf, foreign);
    await this.#writeStatus(this.#inputs(server, objects, certificate, refusal), signal);

    const renewInMs = leaf === undefined ? RESYNC_MS : Math.max(1000, leaf.leaf.renewAt - clock());
    return { requeueAfterMs: Math.min(RESYNC_MS * (0.9 + Math.random() / 5), renewInMs) };
  }

  async #forget(key: string, signal: AbortSignal): Promise<Outcome> {
    this.#deps.prober.watch(key, []);
    this.#delivered.delete(key);
    await this.#deps.leaves.forget(key, signal);
    return {};
  }

  /**
   * The Deployment last, and only when everything that its pods need or are guarded by is there; the rest at once.
   * @returns why an object was refused, or undefined when all were applied
   */
  async #applyAll(
    server: ServerObject,
    objects: readonly KubeObject[],
    leaf: LeafResult | undefined,
    signal: AbortSignal,
  ): Promise<Refusal | undefined> {
    const applyOne = (object: KubeObject): Promise<void> => {
      if (object.kind === SECRETS.kind && leaf !== undefined)
        return this.#deliver(server, object, leaf, signal);
      if (object.kind === CERTIFICATES.kind && !this.#deps.certManager) return Promise.resolve();
      return this.#apply(server, object, signal);
    };
    const isPods = ({ kind }: KubeObject) => kind === DEPLOYMENTS.kind;
    try {
      await allOrFirstError(objects.filter((object) => !isPods(object)).map(applyOne));
      await allOrFirstError(objects.filter(isPods).map(applyOne));
      return undefined;
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal === undefined) throw error;
      return refusal;
    }
  }

  async #apply(server: ServerObject, desiredObject: KubeObject, signal: AbortSignal): Promise<void> {
    const { client, cache, log, onWrite } = this.#deps;
    const store = cache.children(desiredObject.kind);
    const key = objectKey(desiredObject);
    const { object, written } = await applyObject({
      client,
      resource: resourceOf(desiredObject),
      desired: desiredObject,
      cached: store.get(key),
      ownerUid: server.metadata.uid ?? '',
      signal,
    });
    store.set(object); // read your own writes: the watch may be a moment behind
    if (!written) return;
    onWrite(object.kind);
    log.info({ kind: object.kind, key }, 'object applied');
  }

  /**
   * Delivers the certificate into the server's namespace. The first time without force: a Secret of that name that
   * somebody else made is left alone, and reported. Afterwards with force: then it is ours, and put right.
   */
  async #deliver(
    server: ServerObject,
    secret: KubeObject,
    { leaf, isNew, deliveredBefore }: LeafResult,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, leaves, clock, onWrite } = this.#deps;
    const key = objectKey(server);
    const last = this.#delivered.get(key);
    if (last?.certificate === leaf.certificate && clock() - last.at < RESYNC_MS / 2) return;
    try {
      await client.apply(SECRETS, secret, { fieldManager: FIELD_MANAGER, force: deliveredBefore, signal });
    } catch (error) {
      if (isConflict(error) && !deliveredBefore) throw new NotOwnedError(secret);
      throw error;
    }
    if (isNew) {
      await leaves.keep(key, leaf, signal);
      onWrite(SECRETS.kind);
    }
    this.#delivered.set(key, { certificate: leaf.certificate, at: clock() });
  }

  /** Deletes what belongs to the server and is not desired any more. */
  async #prune(server: ServerObject, objects: readonly KubeObject[], signal: AbortSignal): Promise<void> {
    const { client, cache, log, onWrite } = this.#deps;
    const wanted = new Set(objects.map((object) => `${object.kind}/${object.metadata.name}`));
    for (const object of cache.ownedBy(server.metadata.uid ?? '')) {
      const { name = '', namespace, uid } = object.metadata;
      if (wanted.has(`${object.kind}/${name}`)) continue;
      try {
        await client.delete(resourceOf(object), { name, namespace }, { uid, signal });
        onWrite(object.kind);
        log.info({ kind: object.kind, key: objectKey(object) }, 'object deleted');
      } catch (error) {
        if (!isNotFound(error) && !isConflict(error)) throw error; // gone, or another object by now
      }
    }
  }

  #watchPods(server: ServerObject): void {
    const { cache, prober } = this.#deps;
    const key = objectKey(server);
    const serverPort = server.spec.server.port;
    const targets = cache.pods.by('server', key).flatMap(({ metadata, status: podStatus }) => {
      const ip = podStatus?.podIP;
      if (ip === undefined || metadata.deletionTimestamp !== undefined || podStatus?.phase !== 'Running')
        return [];
      return [{ podUid: metadata.uid ?? '', ip, serverPort }];
    });
    prober.watch(key, targets);
  }

  #inputs(
    server: ServerObject,
    objects: readonly KubeObject[],
    certificate: CertificateState,
    refusal: Refusal | undefined,
  ): Inputs {
    const { cache, clock, prober } = this.#deps;
    const key = objectKey(server);
    const pods = cache.pods
      .by('server', key)
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    return Object.freeze({
      server,
      now: clock(),
      refusal,
      certificate,
      deployment: cache.deployment(key),
      pods: pods.map((pod) => podState(pod, prober)),
      configDigest: configDigest(objects),
    });
  }

  #certificateState(
    server: ServerObject,
    leaf: LeafResult | undefined,
    foreign: string | undefined,
  ): CertificateState {
    const { secretName } = server.spec.tls;
    if (leaf !== undefined) {
      const { notAfter, renewAt } = leaf.leaf;
      return { source: 'issued', notAfter, renewAt, foreignHost: foreign };
    }
    if (secretName !== undefined) return { source: 'secret', secretName };
    const { name, namespace } = server.metadata;
    const certificate = this.#deps.cache.certificate(`${namespace}/${name}-tls`);
    const condition = certificate?.status?.conditions?.find(({ type }) => type === 'Ready');
    return {
      source: 'cert-manager',
      installed: this.#deps.certManager,
      ready: condition?.status === 'True',
      message: condition?.message,
    };
  }

  async #writeStatus(inputs: Inputs, signal: AbortSignal): Promise<void> {
    const { client, onWrite } = this.#deps;
    const { server } = inputs;
    const next = status(inputs);
    if (JSON.stringify(ordered(next)) === JSON.stringify(ordered(server.status))) return;
    const { name, namespace } = server.metadata;
    const object = {
      apiVersion: server.apiVersion,
      kind: server.kind,
      metadata: { name, ...(namespace && { namespace }) },
      status: next,
    };
    try {
      const written = await client.applyStatus(SERVERS, object, {
        fieldManager: STATUS_MANAGER,
        force: true,
        signal,
      });
      // Or the next reconcile would compare with the status before. A spec that changed meanwhile must come by the watch,
      // which wakes us for it.
      if (written.metadata.generation === server.metadata.generation) this.#deps.cache.servers.set(written);
    } catch (error) {
      if (isNotFound(error)) return; // deleted meanwhile
      throw error;
    }
    onWrite(SERVERS.kind);
    this.#tell(server, server.status?.conditions ?? [], next.conditions ?? []);
  }

  /** An event for each condition that changed sides, once it has one. */
  #tell(server: ServerObject, before: readonly Condition[], after: readonly Condition[]): void {
    for (const { type, status: now, reason, message } of after) {
      const was = before.find((condition) => condition.type === type)?.status;
      if (was === now || now === 'Unknown' || (was === undefined && now === 'False')) continue;
      const kind = now === 'True' ? 'Normal' : 'Warning';
      this.#deps.events.record(server, {
        type: kind,
        reason: `${type}${now}`,
        action: 'Reconcile',
        note: `${reason}: ${message}`,
      });
    }
  }
}

/** Waits for all, also when one fails: nothing of this run may still be under way when the next one begins. */
async function allOrFirstError(attempts: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(attempts)).find(({ status: outcome }) => outcome === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}

function usesOwnAuthority({ spec }: ServerObject): boolean {
  return spec.tls.secretName === undefined && spec.tls.issuerRef === undefined;
}

function isPaused({ metadata }: ServerObject): boolean {
  return metadata.annotations?.[PAUSED_ANNOTATION] === 'true';
}

function resourceOf({ kind }: KubeObject): Resource {
  const resource = [...CHILD_KINDS, CERTIFICATES].find((candidate) => candidate.kind === kind);
  if (resource === undefined) throw new Error(`objects of kind ${kind} are not among the kinds of kinds.ts`);
  return resource;
}

/** What the person who wrote the resource, or who runs the operator, has to mend; anything else is tried again. */
function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof NotOwnedError) return { reason: 'ObjectNotOwned', message: error.message };
  if (isInvalid(error) || isForbidden(error))
    return { reason: 'ApplyFailed', message: (error as Error).message };
  return undefined;
}

function podState(pod: Pod, prober: Prober): PodState {
  const { metadata, status: podStatus } = pod;
  const uid = metadata.uid ?? '';
  return {
    uid,
    name: metadata.name ?? '',
    ip: podStatus?.podIP,
    ready:
      podStatus?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false,
    trouble: troubleOf(pod),
    report: prober.report(uid),
  };
}

/** The first thing that keeps a pod from running, in the words of Kubernetes. */
function troubleOf({ status: podStatus }: Pod): string | undefined {
  for (const { name, state } of podStatus?.containerStatuses ?? []) {
    const { reason, message } = state?.waiting ?? {};
    if (reason === undefined || reason === 'PodInitializing') continue;
    if (reason !== 'ContainerCreating')
      return `${name === SIDECAR_CONTAINER ? 'the sidecar' : 'the server'} waits: ${reason} ${message ?? ''}`.trim();
  }
  return podStatus?.conditions?.find(
    ({ type, status: value }) => type === 'PodScheduled' && value === 'False',
  )?.message;
}

function configDigest(objects: readonly KubeObject[]): string {
  const text = objects
    .map((object) => (object as KubeObject & { data?: Record<string, string> }).data?.[CONFIG_FILE_NAME])
    .find((data) => data !== undefined);
  return createHash('sha256')
    .update(text ?? '')
    .digest('hex');
}

/** The same members in the same order, whatever the API server made of it. */
function ordered(value: Status | undefined): unknown {
  return sortMembers(value ?? {});
}

function sortMembers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortMembers);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, sortMembers(member)]));
}
