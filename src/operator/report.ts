// Writes the status that follows from what was observed and what came of acting on it, and events where a condition changed.
import { isDeepStrictEqual } from 'node:util';
import type { Condition, Status } from '../api/protected-mcp-server.gen.ts';
import type { Client } from '../kube/client.ts';
import type { ConditionType } from '../protocol/conditions.ts';
import type { Clock } from '../base/clock.ts';
import { isNotFound } from '../kube/errors.ts';
import { objectKey } from '../kube/object.ts';
import type { EventRecorder } from '../kube/events.ts';
import type { Outcome } from './act.ts';
import { appliedOf } from './applied.ts';
import type { Cache } from './cache.ts';
import type { Decision, Plan } from './decide.ts';
import type { ApplyFailure, CertificateState, Inputs } from './inputs.ts';
import {
  CERTIFICATES,
  DEPLOYMENTS,
  SERVERS,
  type Certificate,
  type Deployment,
  type ServerObject,
} from './kinds.ts';
import { objectNames } from '../api/names.ts';
import { conditionsOf, refusedStatus, status } from './status.ts';
import type { StatusPace } from './status-pace.ts';
import { attempt, Unusable } from './validity.ts';
import type { World } from './world.ts';

const STATUS_MANAGER = 'mcp-operator-status';

/** Reasons that stay as they are while a server is paused. */
const FAILURES: readonly ApplyFailure['reason'][] = [
  'ObjectNotOwned',
  'PodSecurityViolation',
  'ServiceNotAllowed',
];

export interface ReportDependencies {
  readonly client: Pick<Client, 'applyStatus'>;
  readonly cache: Pick<Cache, 'servers'>;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly pace: StatusPace;
  readonly clock: Clock;
  /** Called after each write that changed something. */
  readonly onWrite: (kind: string) => void;
}

/** PURE and total: the status; undefined for a server that is gone or being deleted. */
export function statusOf(world: World, decision: Decision, outcome: Outcome): Status | undefined {
  const { server, now } = world;
  if (server === undefined) return undefined;
  if (decision.kind === 'refuse') return refusedStatus(server, decision.why.failure, now);
  const next = attempt(server, () => {
    const inputs = inputsOf(world, decision, outcome);
    return inputs && status(inputs);
  });
  return next instanceof Unusable ? refusedStatus(server, next.failure, now) : next;
}

/** What the status is made from; undefined for a server that is gone or being deleted. */
function inputsOf(world: World, decision: Decision, outcome: Outcome): Inputs | undefined {
  switch (decision.kind) {
    case 'forget':
    case 'ignore':
    case 'refuse':
      return undefined;
    case 'pause':
      return {
        ...common(world, decision.plan),
        paused: true,
        failure: knownFailure(decision.plan.server),
        certificate: pausedCertificate(world, decision.plan),
      };
    case 'reconcile': {
      const { plan } = decision;
      const { failure, leaf, deployment } = outcome;
      const known = common(world, plan);
      const now = deployment ?? known.deployment;
      const isApplied = failure === undefined && now !== undefined;
      return {
        ...known,
        paused: false,
        failure,
        certificate: certificateState(world, plan, leaf),
        deployment: now,
        ...(isApplied && { applied: appliedOf(plan.server, plan.version, plan.found, now) }),
      };
    }
    default:
      return decision satisfies never;
  }
}

/**
 * Writes the status if it differs from the server's.
 * @returns milliseconds after which to come again, when what pods do has changed the status too often; else undefined
 */
export async function report(
  deps: ReportDependencies,
  server: ServerObject,
  next: Status,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { client, cache, pace, clock, onWrite } = deps;
  if (isSame(next, server.status)) return undefined;
  // What pods do for a new generation is what its user wants to see.
  if (next.observedGeneration !== server.status?.observedGeneration) pace.forget(objectKey(server));
  const wait = isWanted(next, server)
    ? 0
    : pace.take(objectKey(server), { isUrgent: isTurnForTheWorse(next, server), now: clock() });
  if (wait > 0) return wait;
  const { name, namespace } = server.metadata;
  const object = {
    apiVersion: server.apiVersion,
    kind: server.kind,
    metadata: { name, ...(namespace && { namespace }) },
    status: next,
  };
  try {
    const options = { fieldManager: STATUS_MANAGER, force: true, signal };
    const written = await client.applyStatus(SERVERS, object, options);
    // Or the next reconcile would compare with the status before. A spec that changed meanwhile must come by the watch,
    // which enqueues the server for it.
    if (written.metadata.generation === server.metadata.generation) cache.servers.learn(written);
  } catch (error) {
    if (isNotFound(error)) return undefined; // deleted meanwhile
    throw error;
  }
  onWrite(SERVERS.kind);
  emitEvents(deps, server, next.conditions ?? []);
  return undefined;
}

/** Whether the status follows from what a user, or the operator, did: a new generation, a pause, objects applied or not. */
function isWanted(next: Status, server: ServerObject): boolean {
  const wanted = ({ observedGeneration, address, applied, conditions = [] }: Status) => ({
    observedGeneration,
    address,
    applied,
    conditions: conditions
      .filter(({ type }) => type === 'Accepted' || type === 'Paused')
      .map(({ lastTransitionTime: _, ...condition }) => condition),
  });
  return !isDeepStrictEqual(wanted(next), wanted(server.status ?? {}));
}

const SECURED_BY: ReadonlySet<string> = new Set<ConditionType>([
  'CertificateReady',
  'KeysAvailable',
  'ConfigurationCurrent',
  'Isolated',
]);

/** Whether something that security hangs on does not hold any more. */
function isTurnForTheWorse({ conditions = [] }: Status, server: ServerObject): boolean {
  return conditions.some(({ type, status: now }) => {
    const was = conditionsOf(server).find((condition) => condition.type === type)?.status;
    return now === 'False' && was !== 'False' && SECURED_BY.has(type);
  });
}

/** An event for each condition whose status became True or False; for a first False only where it is for the user to mend. */
function emitEvents(
  { events }: ReportDependencies,
  server: ServerObject,
  conditions: readonly Condition[],
): void {
  for (const { type, status: now, reason, message } of conditions) {
    const was = conditionsOf(server).find((condition) => condition.type === type)?.status;
    const isFirst = was === undefined && now === 'False' && type !== 'Accepted';
    if (was === now || now === 'Unknown' || isFirst) continue;
    events.record(server, {
      type: (now === 'True') === (type !== 'Contested') ? 'Normal' : 'Warning',
      reason: `${type}${now}`,
      action: 'Reconcile',
      note: `${reason}: ${message}`,
    });
  }
}

function common(world: World, { server, configDigest, version }: Plan) {
  return {
    server,
    now: world.now,
    contender: world.contender,
    deployment: find<Deployment>(world, DEPLOYMENTS.kind, objectNames(server.metadata.name).deployment),
    pods: world.pods,
    configDigest,
    applied: server.status?.applied,
    isWaiting: version.revision !== world.newest.revision,
  };
}

function certificateState(
  world: World,
  { server, certificate }: Plan,
  leaf: Outcome['leaf'],
): CertificateState {
  switch (certificate.source) {
    case 'issued':
      if (leaf === undefined) return { source: 'none', lost: certificate.lost };
      return {
        source: 'issued',
        notAfter: leaf.notAfter,
        renewAt: leaf.renewAt,
        refused: certificate.refused,
        lost: certificate.lost,
      };
    case 'secret':
      return certificate;
    case 'cert-manager': {
      const found = find<Certificate>(
        world,
        CERTIFICATES.kind,
        objectNames(server.metadata.name).certificate,
      );
      const condition = found?.status?.conditions?.find(({ type }) => type === 'Ready');
      return {
        source: 'cert-manager',
        installed: world.certManager,
        ready: condition?.status === 'True',
        message: condition?.message,
      };
    }
    default:
      return certificate satisfies never;
  }
}

/** Nothing is issued while paused: the certificate in force is the one that was delivered before. */
function pausedCertificate(world: World, plan: Plan): CertificateState {
  return certificateState(world, plan, world.leaf?.leaf);
}

/** Nothing is applied while paused: what kept an object from being applied before does so still. */
function knownFailure(server: ServerObject): ApplyFailure | undefined {
  const condition = conditionsOf(server).find(({ type }) => type === 'Accepted');
  if (condition?.status !== 'False') return undefined;
  const reason = FAILURES.find((known) => known === condition.reason) ?? 'ApplyFailed';
  return { reason, message: condition.message };
}

function find<T extends World['existing'][number]>(
  { existing }: World,
  kind: string,
  name: string,
): T | undefined {
  return existing.find((object) => object.kind === kind && object.metadata.name === name) as T | undefined; // of that kind
}

/** Compares regardless of the order of members; an undefined member counts as missing. */
function isSame(next: Status, current: Status | undefined): boolean {
  return isDeepStrictEqual(JSON.parse(JSON.stringify(next)), current ?? {});
}
