// What the operator knows of the cluster: a store for each kind, kept current by reflectors; changes become keys.
import type { Logger } from '../base/log.ts';
import { KIND, MANAGED_BY, MANAGED_BY_LABEL, API_VERSION } from '../api/names.ts';
import type { Client } from '../kube/client.ts';
import { objectKey, ownerKey, type KubeObject, type Resource } from '../kube/object.ts';
import { reflectors, type Reflector } from '../kube/reflector.ts';
import { Store, byController, type Change } from '../kube/store.ts';
import {
  CERTIFICATES,
  CHILD_KINDS,
  DEPLOYMENTS,
  PODS,
  SERVERS,
  type Certificate,
  type Deployment,
  type Pod,
  type ServerObject,
} from './kinds.ts';

const MANAGED = `${MANAGED_BY_LABEL}=${MANAGED_BY}`;
const INSTANCE_LABEL = 'app.kubernetes.io/instance';

export interface CacheOptions {
  readonly client: Client;
  readonly namespaces: readonly string[] | undefined;
  /** Whether cert-manager's kinds are served: they are watched only then. */
  readonly certManager: boolean;
  /** A server must be reconciled. */
  readonly enqueue: (key: string) => void;
  readonly log: Logger;
}

type ChildStore = Store<KubeObject>;

/** Stores are shared with every reader: nobody may change what they hold. */
export class Cache {
  readonly servers = new Store<ServerObject>();
  readonly pods = new Store<Pod, 'server'>({ server: (pod) => podServer(pod) ?? [] });
  readonly #children: ReadonlyMap<string, ChildStore>;
  readonly #reflectors: readonly Reflector<never>[];

  constructor(options: CacheOptions) {
    const kinds = options.certManager ? [...CHILD_KINDS, CERTIFICATES] : CHILD_KINDS;
    this.#children = new Map(kinds.map(({ kind }) => [kind, new Store({ controller: byController })]));
    const { enqueue } = options;
    this.#reflectors = [
      ...this.#reflect(options, SERVERS, this.servers, undefined, (change) => {
        if (isOfInterest(change)) enqueue(objectKey(change.object));
      }),
      ...this.#reflect(options, PODS, this.pods, MANAGED, ({ object }) => {
        for (const key of podServer(object) ?? []) enqueue(key);
      }),
      ...kinds.flatMap((resource) =>
        this.#reflect(options, resource, this.children(resource.kind), MANAGED, ({ object }) => {
          const key = ownerKey(object, { apiVersion: API_VERSION, kind: KIND });
          if (key !== undefined) enqueue(key);
        }),
      ),
    ];
  }

  /** Whether every kind was listed once. */
  get isSynced(): boolean {
    return this.#reflectors.every(({ isSynced }) => isSynced);
  }

  get synced(): Promise<void> {
    return Promise.all(this.#reflectors.map(({ synced }) => synced)).then(() => undefined);
  }

  /** Runs until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#reflectors.map((reflector) => reflector.run(signal)));
  }

  children(kind: string): ChildStore {
    const store = this.#children.get(kind);
    if (store === undefined) throw new Error(`objects of kind ${kind} are not watched`);
    return store;
  }

  /** All watched objects that belong to a server. */
  ownedBy(uid: string): KubeObject[] {
    return [...this.#children.values()].flatMap((store) => store.by('controller', uid));
  }

  deployment(key: string): Deployment | undefined {
    return this.children(DEPLOYMENTS.kind).get(key); // the store of that kind
  }

  certificate(key: string): Certificate | undefined {
    return this.#children.get(CERTIFICATES.kind)?.get(key); // the store of that kind
  }

  #reflect<T extends KubeObject, I extends string>(
    { client, namespaces, log }: CacheOptions,
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
    }) as unknown as Reflector<never>[]; // only their common members are used
  }
}

/** Our own status writes must not wake us: what users change moves the generation or the annotations. */
function isOfInterest(change: Change<ServerObject>): boolean {
  if (change.type !== 'changed') return true;
  const { metadata: a } = change.object;
  const { metadata: b } = change.previous;
  return (
    a.generation !== b.generation ||
    a.uid !== b.uid ||
    a.deletionTimestamp !== b.deletionTimestamp ||
    JSON.stringify(a.annotations) !== JSON.stringify(b.annotations)
  );
}

function podServer({ metadata }: Pod): string[] | undefined {
  const name = metadata.labels?.[INSTANCE_LABEL];
  return name === undefined ? undefined : [`${metadata.namespace}/${name}`];
}
