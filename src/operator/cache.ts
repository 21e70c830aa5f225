// What the operator knows of the cluster: a store for each kind, kept current by reflectors; changes enqueue keys of servers.
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from '../base/log.ts';
import {
  API_VERSION,
  CLAIM_NAME,
  INSTANCE_LABEL,
  KIND,
  MANAGED_BY,
  MANAGED_BY_LABEL,
  objectNames,
} from '../api/names.ts';
import { Budget } from '../kube/budget.ts';
import type { Client } from '../kube/client.ts';
import { controllerOf, objectKey, ownerKey, type KubeObject, type Resource } from '../kube/object.ts';
import { reflectors, type Reflector } from '../kube/reflector.ts';
import type { Scheduler } from '../kube/scheduler.ts';
import { Store, byController, type Change } from '../kube/store.ts';
import { isClaim, prunedClaim } from './claim.ts';
import {
  CERTIFICATES,
  CHILD_KINDS,
  CONFIG_MAPS,
  DEPLOYMENTS,
  PODS,
  SERVERS,
  type ConfigMap,
  type Deployment,
  type Pod,
  type ServerObject,
} from './kinds.ts';
import { pruned, prunedPod } from './pruned.ts';

const MANAGED = `${MANAGED_BY_LABEL}=${MANAGED_BY}`;

interface CacheOptions {
  readonly client: Client;
  readonly namespaces: readonly string[] | undefined;
  /** Whether cert-manager's kinds are served: they are watched only then. */
  readonly certManager: boolean;
  /** Called with the key of each server that must be reconciled. */
  readonly enqueue: (key: string) => void;
  readonly log: Logger;
  readonly scheduler?: Scheduler | undefined;
  /** Of memory; by default the process's. */
  readonly budget?: Budget;
}

type ChildStore = Store<KubeObject>;

/** Stores are shared with every reader: their objects are never changed, only replaced. */
export class Cache {
  readonly servers: Store<ServerObject, 'namespace'>;
  readonly pods: Store<Pod, 'server'>;
  readonly #children: ReadonlyMap<string, ChildStore>;
  readonly #reflectors: readonly Reflector<never>[];

  constructor(options: CacheOptions) {
    const kinds = options.certManager ? [...CHILD_KINDS, CERTIFICATES] : CHILD_KINDS;
    const budget = options.budget ?? new Budget();
    this.servers = new Store<ServerObject, 'namespace'>({ namespace: namespaceOf }, { keep: pruned, budget });
    this.pods = new Store({ server: (pod) => podServer(pod) ?? [] }, { keep: prunedPod, budget });
    this.#children = new Map(
      kinds.map(({ kind }) => [
        kind,
        new Store({ controller: byController }, { keep: prunedChild, keepWhole: isClaim, budget }),
      ]),
    );
    const { enqueue } = options;
    this.#reflectors = [
      ...this.#reflect(options, SERVERS, this.servers, undefined, (change) => {
        if (specOrMetadataChanged(change)) enqueue(objectKey(change.object));
      }),
      ...this.#reflect(options, PODS, this.pods, MANAGED, ({ object }) => {
        for (const key of podServer(object) ?? []) enqueue(key);
      }),
      ...kinds.flatMap((resource) =>
        this.#reflect(options, resource, this.#store(resource.kind), MANAGED, ({ object }) => {
          const key = ownerKey(object, { apiVersion: API_VERSION, kind: KIND });
          if (key !== undefined) enqueue(key);
          if (isClaim(object)) this.#serversOf(object.metadata.namespace ?? '').forEach(enqueue);
        }),
      ),
    ];
  }

  /** Whether the first list of every kind has arrived. */
  get isSynced(): boolean {
    return this.#reflectors.every(({ isSynced }) => isSynced);
  }

  /** Kinds that the API server does not serve now, as `kubectl get` takes them; it does serve those that are built in. */
  get notServed(): string[] {
    const names = this.#reflectors.filter(({ isServed }) => !isServed).map(({ kindName }) => kindName);
    return [...new Set(names)];
  }

  get synced(): Promise<void> {
    return Promise.all(this.#reflectors.map(({ synced }) => synced)).then(() => undefined);
  }

  /** Runs until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#reflectors.map((reflector) => reflector.run(signal)));
  }

  /** The managed objects that belong to a server or have the name of one of its objects, whichever owner they have. */
  existing({ metadata }: ServerObject): KubeObject[] {
    const names = new Set<string>(Object.values(objectNames(metadata.name)));
    const keys = [...names].map((name) => objectKey({ metadata: { ...metadata, name } }));
    const found = [...this.#children.values()].flatMap((store) => [
      ...store.by('controller', metadata.uid ?? ''),
      ...keys.flatMap((key) => store.get(key) ?? []),
    ]);
    return [...new Set(found)];
  }

  /** What says which installation manages the namespace. */
  claim(namespace: string): ConfigMap | undefined {
    return this.#store(CONFIG_MAPS.kind).get(`${namespace}/${CLAIM_NAME}`); // ConfigMaps are all that it holds
  }

  claims(): ConfigMap[] {
    return this.#store(CONFIG_MAPS.kind).list().filter(isClaim);
  }

  hasServers(namespace: string): boolean {
    return this.#serversOf(namespace).length > 0;
  }

  /** The Deployment of a server; undefined when there is none, or it is another's. */
  deployment(server: ServerObject): Deployment | undefined {
    const name = objectNames(server.metadata.name).deployment;
    const found = this.#store(DEPLOYMENTS.kind).get(objectKey({ metadata: { ...server.metadata, name } }));
    if (found === undefined || controllerOf(found)?.uid !== server.metadata.uid) return undefined;
    return found; // of that kind
  }

  /** Stores an object that the API server has returned: the watch may lag behind, or be ahead. */
  learn(object: KubeObject): void {
    this.#store(object.kind).learn(object);
  }

  #serversOf(namespace: string): string[] {
    return this.servers.by('namespace', namespace).map(objectKey);
  }

  #store(kind: string): ChildStore {
    const store = this.#children.get(kind);
    if (store === undefined) throw new Error(`kind ${kind} is not watched`);
    return store;
  }

  #reflect<T extends KubeObject, I extends string>(
    { client, namespaces, log, scheduler }: CacheOptions,
    resource: Resource<T>,
    store: Store<T, I>,
    labelSelector: string | undefined,
    onChange: (change: Change<T>) => void,
  ): Reflector<never>[] {
    const selection = { labelSelector };
    return reflectors(namespaces, {
      client,
      resource,
      store,
      onChange,
      log,
      selection,
      ...(scheduler && { scheduler }),
    }) as unknown as Reflector<never>[]; // only their common members are used
  }
}

function namespaceOf({ metadata }: KubeObject): string[] {
  return [metadata.namespace ?? ''];
}

function prunedChild(object: KubeObject): KubeObject {
  return isClaim(object) ? prunedClaim(object) : pruned(object);
}

/** The operator's own status writes must not wake it: what users change moves the generation or the annotations. */
function specOrMetadataChanged(change: Change<ServerObject>): boolean {
  if (change.type !== 'changed') return true;
  const { metadata: a } = change.object;
  const { metadata: b } = change.previous;
  return (
    a.generation !== b.generation ||
    a.uid !== b.uid ||
    a.deletionTimestamp !== b.deletionTimestamp ||
    !isDeepStrictEqual(a.annotations, b.annotations)
  );
}

function podServer({ metadata }: Pod): string[] | undefined {
  const name = metadata.labels?.[INSTANCE_LABEL];
  return name === undefined ? undefined : [`${metadata.namespace}/${name}`];
}
