// PURE: the World of one server -> what to apply, delete and issue. No clock, no network; act carries it out.
import { createHash } from 'node:crypto';
import { CONFIG_FILE_NAME, PAUSED_ANNOTATION } from '../api/names.ts';
import { desired } from '../desired/index.ts';
import { controllerOf, type KubeObject } from '../kube/object.ts';
import { nudges } from './config-nudge.ts';
import { isAsDesired, withHash } from './drift.ts';
import { foreignHost, issuableHosts } from './host-ownership.ts';
import { notOwned, type ApplyFailure } from './inputs.ts';
import { CERTIFICATES, DEPLOYMENTS, SECRETS, type Deployment, type Pod, type ServerObject } from './kinds.ts';
import { coversHosts, type Leaf } from './leaf-certificates.ts';
import { attempt, invalidity, Unusable } from './validity.ts';
import type { World } from './world.ts';

/**
 * How often a server is reconciled without a change (milliseconds). Secrets cannot be watched, since the operator may not
 * read them: a delivered certificate that was deleted is put back within this time.
 */
export const RESYNC_MS = 60_000;

/** Where the certificate of port 8001 comes from, and whether it is to be issued or delivered. */
export type CertificatePlan =
  | {
      readonly source: 'issued';
      readonly hosts: readonly string[];
      /** The resource's host, where it is another's and left out of `hosts`. */
      readonly foreignHost: string | undefined;
      /** The certificate to use; undefined when one must be issued. */
      readonly leaf: Leaf | undefined;
      /**
       * The first delivery only creates: a Secret of that name that the operator did not write is left alone, and
       * reported. Later the Secret is known to be the operator's, and put right.
       */
      readonly delivery: 'none' | 'first' | 'again';
    }
  | { readonly source: 'secret'; readonly secretName: string }
  | { readonly source: 'cert-manager' };

/** One object to be created or changed. */
export interface ObjectChange {
  /** With its hash. */
  readonly desired: KubeObject;
  /** As the cache has it; undefined when the cache does not, and the name may still be taken. */
  readonly live: KubeObject | undefined;
}

export interface Plan {
  readonly server: ServerObject;
  readonly certificate: CertificatePlan;
  /** In no order, and before the Deployment: what its pods need, or are guarded by. */
  readonly apply: readonly ObjectChange[];
  /** Applied only when all of `apply` succeeded. Undefined when it is up to date. */
  readonly deployment: ObjectChange | undefined;
  /** What belongs to the server and is not desired any more; deleted only when everything was applied. */
  readonly prune: readonly KubeObject[];
  /** A name that is known to be taken. The rest of `apply` is done all the same; the Deployment is not. */
  readonly failure: ApplyFailure | undefined;
  /** Pods to change a little once everything is applied: the kubelet then brings the newest configuration into them. */
  readonly nudges: readonly Pod[];
  /** SHA-256 of the configuration that the sidecars should have in force. */
  readonly configDigest: string;
}

export type Decision =
  /** The server is gone: the API server collects its objects, and its certificate is forgotten. */
  | { readonly kind: 'forget' }
  /** Nothing can be made of the server: what was made of an earlier generation stays as it is. */
  | { readonly kind: 'refuse'; readonly server: ServerObject; readonly why: Unusable }
  /** The server is being deleted: nothing is made for it any more. */
  | { readonly kind: 'ignore' }
  /** Only its status is kept current. */
  | { readonly kind: 'pause'; readonly plan: Plan }
  | { readonly kind: 'reconcile'; readonly plan: Plan };

/** Total: whatever a server holds, the decision is about that server alone. */
export function decide(world: World): Decision {
  const { server } = world;
  if (server === undefined) return { kind: 'forget' };
  if (server.metadata.deletionTimestamp !== undefined) return { kind: 'ignore' };
  const plan = attempt(server, (used) => {
    const failure = invalidity(used);
    return failure === undefined ? planFor(used, world) : new Unusable(failure);
  });
  if (plan instanceof Unusable) return { kind: 'refuse', server, why: plan };
  return { kind: isPaused(server) ? 'pause' : 'reconcile', plan };
}

/** People write `yes` and `1` as well: who sets it means to pause, unless the value says no. */
function isPaused({ metadata }: ServerObject): boolean {
  const value = metadata.annotations?.[PAUSED_ANNOTATION];
  return value !== undefined && !/^(false|no|off|0)$/i.test(value.trim());
}

function planFor(server: ServerObject, world: World): Plan {
  const certificate = certificatePlan(server, world);
  const objects = desiredObjects(server, certificate, world);
  const digest = configDigest(objects);
  const owner = server.metadata.uid ?? '';
  const wanted = new Map(objects.map((object) => [nameOf(object), object]));
  const live = new Map(world.existing.map((object) => [nameOf(object), object]));
  const taken = world.existing.find((object) => wanted.has(nameOf(object)) && !isOwned(object, owner));
  const changes = objects
    .filter(({ kind }) => kind !== SECRETS.kind) // delivered by `certificate`
    .filter(({ kind }) => kind !== CERTIFICATES.kind || world.certManager)
    .map((object) => ({ desired: withHash(object), live: live.get(nameOf(object)) }))
    .filter(
      (change) =>
        change.live === undefined ||
        (isOwned(change.live, owner) && !isAsDesired(change.live, change.desired)),
    );
  return {
    server,
    certificate,
    apply: changes.filter((change) => !isDeployment(change)),
    deployment: changes.find(isDeployment),
    prune: world.existing.filter((object) => isOwned(object, owner) && !wanted.has(nameOf(object))),
    failure: taken && notOwned(taken),
    nudges: nudges(server.metadata.namespace ?? '', world.pods, digest, world.now),
    configDigest: digest,
  };
}

function certificatePlan(
  server: ServerObject,
  { servers, leaf: delivered, authority, now }: World,
): CertificatePlan {
  const { secretName, issuerRef } = server.spec.tls;
  if (secretName !== undefined) return { source: 'secret', secretName };
  if (issuerRef !== undefined) return { source: 'cert-manager' };
  const foreign = foreignHost(server, servers);
  const hosts = issuableHosts(server, foreign);
  const plan = { source: 'issued', hosts, foreignHost: foreign } as const;
  if (delivered === undefined) return { ...plan, leaf: undefined, delivery: 'first' };
  const { leaf, deliveredAt } = delivered;
  const isGood = leaf.authority === authority && leaf.renewAt > now && coversHosts(leaf, hosts);
  if (!isGood) return { ...plan, leaf: undefined, delivery: 'again' };
  const isRecent = deliveredAt !== undefined && now - deliveredAt < RESYNC_MS / 2;
  return { ...plan, leaf, delivery: isRecent ? 'none' : 'again' };
}

/**
 * The desired objects. A certificate that is still to be issued is left blank: apart from the Secret, which `act` builds
 * once it is issued, objects hold only its authority.
 */
function desiredObjects(
  server: ServerObject,
  plan: CertificatePlan,
  { sidecarImage, authority, existing }: World,
): KubeObject[] {
  const issued =
    plan.source === 'issued' ? (plan.leaf ?? { certificate: '', key: '', authority }) : undefined;
  return desired({ server, sidecarImage, issued, scale: scaleOf(existing) });
}

/** Replicas that the Deployment is to have now, an autoscaler's among them. */
function scaleOf(existing: readonly KubeObject[]): number | undefined {
  const found = existing.find(({ kind }) => kind === DEPLOYMENTS.kind) as Deployment | undefined; // of that kind
  return found?.spec?.replicas;
}

function nameOf({ kind, metadata }: KubeObject): string {
  return `${kind}/${metadata.name}`;
}

function isOwned(object: KubeObject, uid: string): boolean {
  return controllerOf(object)?.uid === uid;
}

function isDeployment({ desired: { kind } }: ObjectChange): boolean {
  return kind === DEPLOYMENTS.kind;
}

function configDigest(objects: readonly KubeObject[]): string {
  const text = objects
    .map((object) => (object as KubeObject & { data?: Record<string, string> }).data?.[CONFIG_FILE_NAME])
    .find((data) => data !== undefined);
  return createHash('sha256')
    .update(text ?? '')
    .digest('hex');
}
