// Does what was decided: issues and delivers the certificate, applies and deletes objects. The status is report's.
import type { Logger } from '../base/log.ts';
import { tlsSecret } from '../desired/certificate.ts';
import type { Client } from '../kube/client.ts';
import { isAlreadyExists, isConflict, isForbidden, isInvalid, isNotFound } from '../kube/errors.ts';
import type { EventRecorder } from '../kube/events.ts';
import { objectKey, splitKey, type KubeObject } from '../kube/object.ts';
import { adoption, ownershipOf } from './adoption.ts';
import type { Cache } from './cache.ts';
import type { Decision, ObjectChange, Plan } from './decide.ts';
import { differences, isAsDesired, isDrifted } from './drift.ts';
import { correction, foreignFields, isTampered } from './foreign-fields.ts';
import { replaceOrCreate } from './secrets.ts';
import { notOwned, type ApplyFailure } from './inputs.ts';
import { CORRECTION_MANAGER, FIELD_MANAGER, NUDGE_MANAGER, SCALE_MANAGER } from './field-managers.ts';
import { DEPLOYMENTS, PODS, resourceOf, SECRETS, type Deployment, type Pod } from './kinds.ts';
import type { Leaf, LeafCertificates } from './leaf-certificates.ts';
import type { Version } from './revision.ts';

export interface ActDependencies {
  readonly client: Pick<Client, 'get' | 'apply' | 'create' | 'replace' | 'patch' | 'delete'>;
  readonly cache: Pick<Cache, 'learn'>;
  readonly leaves: Pick<LeafCertificates, 'issue' | 'keep' | 'forget'>;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly newest: Version;
  readonly log: Logger;
  /** Called after each write that changed something. */
  readonly onWrite: (kind: string) => void;
  /** Called for each server that nothing can be made of, each time. */
  readonly onRefusal: (reason: string) => void;
}

/** What came of a decision. */
export interface Outcome {
  /** Why not everything was done; undefined when it was. */
  readonly failure: ApplyFailure | undefined;
  /** The certificate in force; undefined when the operator issues none. */
  readonly leaf: Leaf | undefined;
  /** The Deployment, if it was written, as the API server returned it. */
  readonly deployment: Deployment | undefined;
}

/** That an event names. */
const MAX_FIELDS = 8;

const NOTHING: Outcome = { failure: undefined, leaf: undefined, deployment: undefined };

/**
 * Nothing is written after the signal: the client refuses to send.
 * @throws ApiError, NoAnswerError where a later attempt may succeed
 */
export async function act(
  deps: ActDependencies,
  key: string,
  decision: Decision,
  signal: AbortSignal,
): Promise<Outcome> {
  switch (decision.kind) {
    case 'forget':
      await deps.leaves.forget(key, signal);
      return NOTHING;
    case 'refuse': {
      const { failure, error } = decision.why;
      deps.onRefusal(failure.reason);
      deps.log.warn(
        { ...splitKey(key), reason: failure.reason, message: failure.message, err: error },
        'server refused',
      );
      return { ...NOTHING, failure };
    }
    case 'ignore':
    case 'pause':
      return NOTHING;
    case 'reconcile':
      return carryOut(deps, decision.plan, signal);
    default:
      return decision satisfies never;
  }
}

/** The Deployment last, and only when everything that its pods need or are guarded by is there; the rest at once. */
async function carryOut(deps: ActDependencies, plan: Plan, signal: AbortSignal): Promise<Outcome> {
  const leaf = await leafOf(deps, plan);
  const first = await all([
    ...(leaf === undefined ? [] : [applyTlsSecret(deps, plan, leaf, signal)]),
    ...plan.apply.map((change) => apply(deps, plan, change, signal)),
  ]);
  const failure = plan.failure ?? first.find(isFailure);
  if (failure !== undefined) return { failure, leaf, deployment: undefined };
  const deployment = plan.deployment && (await apply(deps, plan, plan.deployment, signal));
  if (isFailure(deployment)) return { failure: deployment, leaf, deployment: undefined };
  for (const object of plan.prune) await prune(deps, object, signal);
  for (const pod of plan.nudges) await nudge(deps, pod, signal);
  return { failure: undefined, leaf, deployment: deployment as Deployment | undefined }; // the change was of that kind
}

/** The certificate in force from now on; undefined where the operator issues none, or cannot. */
async function leafOf({ leaves }: ActDependencies, { server, certificate }: Plan): Promise<Leaf | undefined> {
  if (certificate.source !== 'issued') return undefined;
  const { leaf, lost, hosts, holders } = certificate;
  if (leaf !== undefined || lost !== undefined) return leaf;
  return leaves.issue(objectKey(server), hosts, holders);
}

/** Waits for all, also when one fails: nothing of this run may still be under way when the next one begins. */
async function all<T>(attempts: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(attempts);
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

/** Puts the certificate into the server's namespace, and remembers that it did. */
async function applyTlsSecret(
  deps: ActDependencies,
  { server, certificate }: Plan,
  leaf: Leaf,
  signal: AbortSignal,
): Promise<ApplyFailure | undefined> {
  const { client, leaves, newest, onWrite } = deps;
  if (certificate.source !== 'issued' || certificate.delivery === 'none') return undefined;
  const { bundle } = certificate;
  const secret = tlsSecret({
    server,
    sidecarImage: newest.sidecarImage,
    issued: { ...leaf, authority: bundle },
  });
  if (secret === undefined) return undefined;
  const options = { fieldManager: FIELD_MANAGER, signal };
  try {
    await (certificate.delivery === 'first'
      ? client.create(SECRETS, secret, options)
      : replaceOrCreate(client, SECRETS, secret, options));
  } catch (error) {
    return isAlreadyExists(error) ? notOwned(secret) : failureOf(error);
  }
  const isNew = await leaves.keep(objectKey(server), leaf, bundle, signal);
  if (isNew) onWrite(SECRETS.kind);
  return undefined;
}

/** @returns the object as it is now */
async function apply(
  deps: ActDependencies,
  { server }: Plan,
  change: ObjectChange,
  signal: AbortSignal,
): Promise<KubeObject | ApplyFailure> {
  const { client, cache, log, onWrite } = deps;
  const { desired } = change;
  try {
    const found = change.live ?? (await unlabelled(deps, desired, signal));
    const ownership = found && ownershipOf(found, server);
    if (found !== undefined && ownership === 'foreign') return notOwned(found);
    const live =
      found !== undefined && ownership === 'left' ? await adopt(deps, server, found, desired, signal) : found;
    if (live !== undefined && isAsDesired(live, desired)) {
      cache.learn(live);
      return live;
    }
    // First of all: with what others have added, the API server might refuse any other write.
    if (live?.metadata.managedFields !== undefined && isTampered(live))
      await correct(deps, live, desired, signal);
    if (live !== undefined && desired.kind === DEPLOYMENTS.kind)
      await leaveScale(deps, live, desired, signal);
    const options = { fieldManager: FIELD_MANAGER, force: true, signal };
    const applied = await client.apply(resourceOf(desired), desired, options);
    const object = isAsDesired(applied, desired) ? applied : await correct(deps, applied, desired, signal);
    cache.learn(object);
    if (object.metadata.resourceVersion === live?.metadata.resourceVersion) return object;
    onWrite(object.kind);
    if (live !== undefined && (change.isCorrection || isDrifted(live, desired)))
      reportCorrection(deps, server, live, desired);
    log.info(
      { kind: object.kind, namespace: object.metadata.namespace, name: object.metadata.name },
      'object applied',
    );
    return object;
  } catch (error) {
    return failureOf(error);
  }
}

/** Makes what was left for the server its own, and as desired, in one write. @returns the object as it is now */
async function adopt(
  deps: ActDependencies,
  server: Plan['server'],
  object: KubeObject,
  desired: KubeObject,
  signal: AbortSignal,
): Promise<KubeObject> {
  const { kind } = object;
  const { name, namespace } = object.metadata;
  const adopted = await patch(
    deps,
    object,
    [...correction(object, desired), adoption(object, desired)],
    signal,
  );
  deps.onWrite(kind);
  const note = `${kind} ${namespace}/${name} of an earlier ProtectedMcpServer of this name was taken over`;
  deps.events.record(server, { type: 'Normal', reason: 'Adopted', action: 'Reconcile', note });
  deps.log.info({ kind, namespace, name }, 'object adopted');
  return adopted;
}

/** Removes what others have added: applying leaves it. */
function correct(
  deps: ActDependencies,
  object: KubeObject,
  desired: KubeObject,
  signal: AbortSignal,
): Promise<KubeObject> {
  return patch(deps, object, correction(object, desired), signal);
}

function patch(
  { client }: ActDependencies,
  object: KubeObject,
  changes: readonly object[],
  signal: AbortSignal,
): Promise<KubeObject> {
  const { name = '', namespace } = object.metadata;
  const options = { fieldManager: CORRECTION_MANAGER, signal };
  return client.patch(resourceOf(object), { name, namespace }, changes, options);
}

/** Says what others had changed or added. @param live as it was found */
function reportCorrection(
  { events, log }: ActDependencies,
  server: Plan['server'],
  live: KubeObject,
  desired: KubeObject,
): void {
  const { name, namespace } = live.metadata;
  const fields = [...differences(live, desired), ...foreignFields(live)];
  const what = fields.length === 0 ? 'the record of who set what' : fields.slice(0, MAX_FIELDS).join(', ');
  const note = `${live.kind} ${namespace}/${name} was changed by others and put right: ${what}`;
  events.record(server, { type: 'Warning', reason: 'Corrected', action: 'Reconcile', note });
  log.warn({ kind: live.kind, namespace, name, fields }, 'object put right');
}

/**
 * Replicas that the resource no longer gives would fall to 1, the API's default, when the operator stops applying them.
 * Another manager keeps them as they are until an autoscaler changes them (Kubernetes, "Server-Side Apply", transferring
 * ownership).
 */
async function leaveScale(
  { client }: ActDependencies,
  live: Deployment,
  desired: Deployment,
  signal: AbortSignal,
): Promise<void> {
  const replicas = live.spec?.replicas;
  if (desired.spec?.replicas !== undefined || replicas === undefined) return;
  const { apiVersion, kind } = DEPLOYMENTS;
  const { name = '', namespace } = desired.metadata;
  const scale = { apiVersion, kind, metadata: { name, ...(namespace && { namespace }) }, spec: { replicas } };
  try {
    await client.apply(DEPLOYMENTS, scale, { fieldManager: SCALE_MANAGER, signal });
  } catch (error) {
    // An autoscaler has changed them meanwhile, or the Deployment is gone.
    if (!isConflict(error) && !isInvalid(error)) throw error;
  }
}

/** The cache holds only objects with the operator's label: the name may still be taken by another. */
async function unlabelled(
  { client }: ActDependencies,
  desired: KubeObject,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  const { name = '', namespace } = desired.metadata;
  try {
    return await client.get(resourceOf(desired), { name, namespace }, { signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** A pod that is gone has no configuration to bring, and what fails is only slower: the kubelet looks by itself in the end. */
async function nudge({ client, log }: ActDependencies, pod: Pod, signal: AbortSignal): Promise<void> {
  try {
    await client.apply(PODS, pod, { fieldManager: NUDGE_MANAGER, force: true, signal });
  } catch (error) {
    if (isNotFound(error) || isConflict(error) || isInvalid(error)) return;
    if (!isForbidden(error)) throw error;
    log.warn({ pod: pod.metadata.name, err: error }, 'pod not updated: its configuration arrives later');
  }
}

async function prune(
  { client, log, onWrite }: ActDependencies,
  object: KubeObject,
  signal: AbortSignal,
): Promise<void> {
  const { name = '', namespace, uid } = object.metadata;
  try {
    await client.delete(resourceOf(object), { name, namespace }, { uid, signal });
  } catch (error) {
    if (isNotFound(error) || isConflict(error)) return; // gone, or another object by now
    throw error;
  }
  onWrite(object.kind);
  log.info({ kind: object.kind, namespace, name }, 'object deleted');
}

/** What a user of the cluster has to correct. @throws every other error: a later attempt may succeed */
function failureOf(error: unknown): ApplyFailure {
  if (isInvalid(error) || isForbidden(error))
    return { reason: 'ApplyFailed', message: (error as Error).message };
  throw error;
}

function isFailure(result: KubeObject | ApplyFailure | undefined): result is ApplyFailure {
  return result !== undefined && !('kind' in result);
}
