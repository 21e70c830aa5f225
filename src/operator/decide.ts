// PURE: the World of one server -> what to apply, delete and issue. No clock, no network; act carries it out.
import { createHash } from 'node:crypto';
import { CA_FILE_NAME, CONFIG_FILE_NAME, DELIVERED_ANNOTATION, objectNames } from '../api/names.ts';
import type { Manifest } from '../api/object.ts';
import { desired } from '../desired/index.ts';
import type { KubeObject } from '../kube/object.ts';
import { ownershipOf } from './adoption.ts';
import { choose } from './applied.ts';
import { isIssuedBy } from './authority.ts';
import { nudges } from './config-nudge.ts';
import { isAsDesired, withHash } from './drift.ts';
import { issuableHosts, refusedHost, type RefusedHost } from './host-ownership.ts';
import { notOwned, type ApplyFailure } from './inputs.ts';
import {
  CERTIFICATES,
  CONFIG_MAPS,
  DEPLOYMENTS,
  SECRETS,
  type ConfigMap,
  type Deployment,
  type Pod,
  type ServerObject,
} from './kinds.ts';
import { refusal } from './refusal.ts';
import { coversHosts, type Leaf } from './leaf-certificates.ts';
import { isPaused } from './members.ts';
import type { Version } from './revision.ts';
import { attempt, invalidity, Unusable } from './validity.ts';
import type { World } from './world.ts';

/**
 * How often a server is reconciled without a change (milliseconds). Secrets cannot be watched, since the operator may not
 * read them: a delivered certificate that was deleted is put back within this time.
 */
export const RESYNC_MS = 60_000;

/** Where the certificate of port 8001 comes from, and whether it is to be issued or delivered. */
type CertificatePlan =
  | {
      readonly source: 'issued';
      readonly hosts: readonly string[];
      /** The resource's host, where it must not be certified and is left out of `hosts`. */
      readonly refused: RefusedHost | undefined;
      /** The servers of other namespaces that were seen to have the resource's host. */
      readonly holders: readonly string[];
      /** Why none can be issued; undefined when one can. */
      readonly lost: string | undefined;
      /** PEM: what is delivered with the certificate for clients to trust. */
      readonly bundle: string;
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
  /** Whether others are known to have changed it, though it is of an earlier version. */
  readonly isCorrection: boolean;
}

export interface Plan {
  readonly server: ServerObject;
  readonly certificate: CertificatePlan;
  /** In no order, and before the Deployment: what its pods need, or are guarded by. */
  readonly apply: readonly ObjectChange[];
  /** Applied only when all of `apply` succeeded. Undefined when it is up to date. */
  readonly deployment: ObjectChange | undefined;
  /** What belongs to the server, or was left for it, and is not desired any more; deleted only when everything was applied. */
  readonly prune: readonly KubeObject[];
  /** A name that is taken, or what may not be asked for. The rest of `apply` is done all the same; the Deployment is not. */
  readonly failure: ApplyFailure | undefined;
  /** Pods to change a little once everything is applied: the kubelet then brings the newest configuration into them. */
  readonly nudges: readonly Pod[];
  /** SHA-256 of the configuration that the sidecars should have in force. */
  readonly configDigest: string;
  /** The version of the operator's own part that the server gets, or keeps. */
  readonly version: Version;
  /** The server's own Deployment as it was found. */
  readonly found: Deployment | undefined;
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

function planFor(server: ServerObject, world: World): Plan {
  const certificate = certificatePlan(server, world);
  const found = deploymentOf(server, world.existing);
  const choice = choose({ server, live: found, newest: world.newest, hasTurn: world.hasTurn });
  const objects = desiredObjects(server, certificate, choice.version, world);
  const digest = configDigest(objects);
  const isForeign = (object: KubeObject) => ownershipOf(object, server) === 'foreign';
  const wanted = new Map(objects.map((object) => [nameOf(object), object]));
  const taken = world.existing.find((object) => wanted.has(nameOf(object)) && isForeign(object));
  const refused = refusal(objects, world.permitted);
  const changes = changesOf(
    server,
    objects.filter(({ kind }) => !refused?.withheld.includes(kind)),
    world,
  );
  const deployment = choice.isLeft ? undefined : changes.find(isDeployment);
  return {
    server,
    certificate,
    apply: changes.filter((change) => !isDeployment(change)),
    deployment: deployment && { ...deployment, isCorrection: choice.isChanged },
    prune: world.existing.filter((object) => !isForeign(object) && !wanted.has(nameOf(object))),
    failure: taken === undefined ? refused?.failure : notOwned(taken),
    nudges: nudges(server.metadata.namespace ?? '', world.pods, digest, world.now),
    configDigest: digest,
    version: choice.version,
    found,
  };
}

function changesOf(server: ServerObject, objects: readonly KubeObject[], world: World): ObjectChange[] {
  const isForeign = (object: KubeObject) => ownershipOf(object, server) === 'foreign';
  const live = new Map(world.existing.map((object) => [nameOf(object), object]));
  return objects
    .filter(({ kind }) => kind !== SECRETS.kind) // delivered by `certificate`
    .filter(({ kind }) => kind !== CERTIFICATES.kind || world.certManager)
    .map((object) => ({ desired: withHash(object), live: live.get(nameOf(object)), isCorrection: false }))
    .filter(
      (change) =>
        change.live === undefined || (!isForeign(change.live) && !isAsDesired(change.live, change.desired)),
    );
}

function certificatePlan(server: ServerObject, world: World): CertificatePlan {
  const { servers, leaf: delivered, authority, holders, hostRules, now } = world;
  const { secretName, issuerRef } = server.spec.tls;
  if (secretName !== undefined) return { source: 'secret', secretName };
  if (issuerRef !== undefined) return { source: 'cert-manager' };
  const refused = refusedHost(server, hostRules, servers, holders);
  const hosts = issuableHosts(server, refused);
  const bundle = authority.bundle || (publishedBundle(server, world.existing) ?? '');
  const plan = { source: 'issued', hosts, refused, holders, lost: authority.lost, bundle } as const;
  if (delivered === undefined)
    return { ...plan, leaf: undefined, delivery: wasDelivered(server, world.existing) ? 'again' : 'first' };
  const { leaf, deliveredAt } = delivered;
  const isGood =
    leaf.renewAt > now && authority.signers.some((signer) => isIssuedBy(leaf.certificate, signer));
  // Without an authority, the one that there is: it is good until it expires.
  if (!coversHosts(leaf, hosts) || !(isGood || authority.lost !== undefined))
    return { ...plan, leaf: undefined, delivery: 'again' };
  const isRecent =
    deliveredAt !== undefined && now - deliveredAt < RESYNC_MS / 2 && delivered.bundle === bundle;
  return { ...plan, leaf, delivery: isRecent ? 'none' : 'again' };
}

/**
 * Whether the Secret of that name is known to be the operator's though its own record of it is gone: a Deployment is applied
 * only after the certificate was delivered.
 */
function wasDelivered(server: ServerObject, existing: readonly KubeObject[]): boolean {
  const found = existing.find(({ kind }) => kind === DEPLOYMENTS.kind);
  const annotation = found?.metadata.annotations?.[DELIVERED_ANNOTATION];
  return found !== undefined && ownershipOf(found, server) !== 'foreign' && annotation === 'true';
}

/** What clients in a server's namespace were given to trust, by what exists there; undefined where nothing was. */
export function publishedBundle(
  { metadata }: ServerObject,
  existing: readonly KubeObject[],
): string | undefined {
  const name = objectNames(metadata.name).authorityConfigMap;
  const found = existing.find((object) => object.kind === CONFIG_MAPS.kind && object.metadata.name === name);
  return (found as ConfigMap | undefined)?.data?.[CA_FILE_NAME]; // of that kind
}

/**
 * The desired objects. A certificate that is still to be issued is left blank: apart from the Secret, which `act` builds
 * once it is issued, objects hold only what clients are to trust.
 */
function desiredObjects(
  server: ServerObject,
  plan: CertificatePlan,
  version: Version,
  { adminIngressFrom, existing }: World,
): Manifest[] {
  const blank = { certificate: '', key: '' };
  const issued = plan.source === 'issued' ? { ...(plan.leaf ?? blank), authority: plan.bundle } : undefined;
  const objects: Manifest[] = desired({
    server,
    ...version,
    adminIngressFrom,
    issued,
    scale: scaleOf(existing),
  });
  const unknown = objectNames(server.metadata.name).authorityConfigMap;
  return plan.source === 'issued' && plan.bundle === ''
    ? objects.filter(({ kind, metadata }) => kind !== CONFIG_MAPS.kind || metadata.name !== unknown)
    : objects;
}

/** The server's own. */
function deploymentOf(server: ServerObject, existing: readonly KubeObject[]): Deployment | undefined {
  const { deployment: name } = objectNames(server.metadata.name);
  return existing.find(
    (object) =>
      object.kind === DEPLOYMENTS.kind &&
      object.metadata.name === name &&
      ownershipOf(object, server) === 'own',
  ); // of that kind
}

/** Replicas that the Deployment is to have now, an autoscaler's among them. */
function scaleOf(existing: readonly KubeObject[]): number | undefined {
  const found = existing.find(({ kind }) => kind === DEPLOYMENTS.kind) as Deployment | undefined; // of that kind
  return found?.spec?.replicas;
}

function nameOf({ kind, metadata }: KubeObject): string {
  return `${kind}/${metadata.name}`;
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
