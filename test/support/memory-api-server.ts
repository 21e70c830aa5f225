// A small API server on loopback that keeps objects in memory: list, watch, server-side apply, preconditions, refusals. As
// far as the operator asks, with what it relies on: versions, uids, generations, conflicts, collected dependents.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { KubeConfig } from '@kubernetes/client-node';
import { Client } from '../../src/kube/client.ts';
import { kubeConfigCredentials } from '../../src/kube/credentials.ts';
import type { KubeObject, Resource } from '../../src/kube/object.ts';
import { createTransport, type ApiTransport } from '../../src/kube/transport.ts';
import { selfSigned, type TestCertificate } from '../kit/certificate.ts';
import type { Attempt, Rights } from './rights.ts';

type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'apply' | 'delete';

interface ApiRequest {
  readonly verb: Verb;
  readonly kind: string;
  /** `namespace/name`; `namespace/` for a list. */
  readonly key: string;
  readonly subresource: string | undefined;
  readonly body: unknown;
}

export interface Refusal {
  readonly code: number;
  readonly reason: string;
  readonly message?: string;
}

type Json = Record<string, unknown>;

interface Stored {
  object: KubeObject & Json;
  /** What each manager has applied, status included. */
  readonly applied: Map<string, Json>;
}

interface Event {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubeObject & Json;
  readonly version: number;
}

interface Watcher {
  readonly kind: string;
  readonly namespace: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly res: ServerResponse;
  told: number;
}

const WRITES: readonly Verb[] = ['create', 'update', 'apply', 'delete'];

export class MemoryApiServer {
  /** Writes that were carried out, in their order: `apply Deployment demo/echo`, `apply ProtectedMcpServer/status demo/echo`. */
  readonly writes: string[] = [];
  /** Called before a request is carried out; it can refuse it, or hold it. */
  intercept: (request: ApiRequest) => Refusal | undefined | Promise<Refusal | undefined> = () => undefined;
  /** Called when a write was carried out, before it is answered: it can hold the answer. */
  afterwards: (request: ApiRequest) => Promise<void> | undefined = () => undefined;
  /** Decides what clients may do; undefined lets everything. */
  rights: Pick<Rights, 'allows'> | undefined;
  readonly #resources: readonly Resource[];
  readonly #objects = new Map<string, Stored>();
  readonly #history: Event[] = [];
  readonly #watchers = new Set<Watcher>();
  readonly #closers: (() => Promise<void>)[] = [];
  #open = 0;
  #version = 0;
  #url = '';
  #certificate = '';

  private constructor(resources: readonly Resource[]) {
    this.#resources = resources;
  }

  /** Serves these kinds; every other is not found. */
  static async start(resources: readonly Resource[]): Promise<MemoryApiServer> {
    const api = new MemoryApiServer(resources);
    const { cert, key } = await certificate();
    const server = createServer({ cert, key }, (req, res) => {
      api.#open++;
      res.on('close', () => api.#open--);
      api
        .#answer(req, res)
        .catch((error: unknown) => fail(res, { code: 500, reason: 'InternalError', message: String(error) }));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    api.#url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    api.#certificate = cert;
    api.#closers.push(async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    });
    return api;
  }

  /** Requests that are not answered yet, watches among them. */
  get open(): number {
    return this.#open;
  }

  /** Events that were sent on the watches that are open. */
  get told(): number {
    return [...this.#watchers].reduce((sum, { told }) => sum + told, 0);
  }

  /** Closes what was opened here, the clients' connections among it. */
  async close(): Promise<void> {
    for (const close of this.#closers.toReversed()) await close();
  }

  /** How a process of its own reaches it: the text of a kubeconfig file. */
  get kubeConfig(): string {
    return this.#config().exportConfig();
  }

  /** A client of its own connections, as a process of its own would have. */
  client(wrap: (transport: ApiTransport) => ApiTransport = (transport) => transport): Client {
    const credentials = kubeConfigCredentials(this.#config());
    this.#closers.push(() => credentials.destroy());
    return new Client(wrap(createTransport(credentials, { userAgent: 'test' })));
  }

  #config(): KubeConfig {
    const config = new KubeConfig();
    const caData = Buffer.from(this.#certificate).toString('base64');
    config.loadFromClusterAndUser(
      { name: 'test', server: this.#url, caData, skipTLSVerify: false },
      { name: 'test' },
    );
    return config;
  }

  /** The object as it is stored. */
  get<T extends KubeObject = KubeObject & Json>(kind: string, key: string): T | undefined {
    return structuredClone(this.#objects.get(`${kind}/${key}`)?.object) as T | undefined;
  }

  /** All of a kind, by key. */
  keys(kind: string): string[] {
    const prefix = `${kind}/`;
    return [...this.#objects.keys()]
      .filter((id) => id.startsWith(prefix))
      .map((id) => id.slice(prefix.length));
  }

  /** Creates or replaces an object as `manager`: what a user, or a controller of Kubernetes, does. Status included. */
  put(object: object, manager = 'kubectl'): void {
    const given = structuredClone(object) as KubeObject & Json;
    const id = idOf(given);
    const stored = this.#objects.get(id);
    const { uid, generation, creationTimestamp } = stored?.object.metadata ?? {};
    const metadata = { ...given.metadata, ...(stored && { uid, generation, creationTimestamp }) };
    this.#store(id, { ...given, metadata }, stored?.applied ?? new Map<string, Json>([[manager, given]]));
  }

  /** Changes an object in place, as a user would. */
  edit<T extends KubeObject>(kind: string, key: string, change: (object: T) => void): void {
    const object = this.get<T>(kind, key);
    if (object === undefined) throw new Error(`there is no ${kind} ${key}`);
    change(object);
    this.put(object);
  }

  /** Deletes an object, and what it owns. */
  remove(kind: string, key: string): void {
    const id = `${kind}/${key}`;
    const stored = this.#objects.get(id);
    if (stored === undefined) return;
    this.#objects.delete(id);
    this.#emit('DELETED', stored.object);
    const { uid } = stored.object.metadata;
    for (const { object } of [...this.#objects.values()]) {
      if (object.metadata.ownerReferences?.some((owner) => owner.uid === uid))
        this.remove(object.kind, keyOf(object));
    }
  }

  async #answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = new URL(req.url ?? '/', 'https://localhost');
    const body = await readJson(req);
    const group = this.#group(url.pathname);
    if (group !== undefined) return send(res, 200, group);
    const target = this.#target(req.method ?? '', url);
    if (target === undefined)
      return fail(res, { code: 404, reason: 'NotFound', message: `no kind at ${url.pathname}` });
    const request: ApiRequest = { ...target.request, body };
    const forbidden = this.#attempts(request, target.resource).find(
      (one) => this.rights?.allows(one) === false,
    );
    if (forbidden !== undefined)
      return fail(res, {
        code: 403,
        reason: 'Forbidden',
        message: `${forbidden.resource} is forbidden: cannot ${forbidden.verb} in ${forbidden.namespace ?? 'the cluster'}`,
      });
    const refused = await this.intercept(request);
    if (res.destroyed) return; // the client gave up meanwhile
    if (refused !== undefined) return fail(res, refused);
    this.#carryOut(request, target.resource, url.searchParams, req, res);
  }

  /** What a request needs the right to, as RBAC and the admission plugin for `blockOwnerDeletion` see it. */
  #attempts({ verb, kind, key, subresource, body }: ApiRequest, { apiVersion, plural }: Resource): Attempt[] {
    const [namespace, name] = key.split('/');
    const attempt = {
      group: apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '',
      resource: subresource === undefined ? plural : `${plural}/${subresource}`,
      name: name || undefined,
      namespace: namespace || undefined,
    };
    const creates = verb === 'apply' && subresource === undefined && !this.#objects.has(`${kind}/${key}`);
    const owners = WRITES.includes(verb)
      ? ((body as KubeObject | undefined)?.metadata?.ownerReferences ?? [])
      : [];
    const blocked = owners.filter(({ blockOwnerDeletion }) => blockOwnerDeletion === true);
    return [
      { ...attempt, verb: verb === 'apply' ? 'patch' : verb },
      ...(creates ? [{ ...attempt, verb: 'create' }] : []),
      ...blocked.map((owner) => this.#finalizers(owner, namespace)),
    ];
  }

  #finalizers({ kind, name }: { kind: string; name: string }, namespace: string | undefined): Attempt {
    const owner = this.#resources.find((one) => one.kind === kind);
    const group = owner?.apiVersion.split('/')[0] ?? '';
    return { verb: 'update', group, resource: `${owner?.plural}/finalizers`, name, namespace };
  }

  /** Discovery: whether an API group and version is served. */
  #group(path: string): object | undefined {
    const groupVersion = /^\/apis\/([^/]+\/[^/]+)$/.exec(path)?.[1];
    const resources = this.#resources.filter(({ apiVersion }) => apiVersion === groupVersion);
    if (resources.length === 0) return undefined;
    return {
      kind: 'APIResourceList',
      apiVersion: 'v1',
      groupVersion,
      resources: resources.map(({ plural, kind }) => ({ name: plural, kind })),
    };
  }

  #target(method: string, { pathname, searchParams }: URL) {
    const parts = pathname.split('/').slice(1).map(decodeURIComponent);
    const apiVersion = parts[0] === 'api' ? parts[1] : parts.slice(1, 3).join('/');
    const rest = parts.slice(parts[0] === 'api' ? 2 : 3);
    const namespace = rest[0] === 'namespaces' ? rest[1] : undefined;
    const [plural, name, subresource] = namespace === undefined ? rest : rest.slice(2);
    const resource = this.#resources.find((one) => one.apiVersion === apiVersion && one.plural === plural);
    if (resource === undefined) return undefined;
    const verb = verbOf(method, name, searchParams);
    return {
      resource,
      request: { verb, kind: resource.kind, key: `${namespace ?? ''}/${name ?? ''}`, subresource },
    };
  }

  #carryOut(
    request: ApiRequest,
    resource: Resource,
    query: URLSearchParams,
    req: IncomingMessage,
    res: ServerResponse,
  ): void {
    const { verb, kind, subresource, body } = request;
    const object = body as (KubeObject & Json) | undefined;
    const key = verb === 'create' ? request.key + (object?.metadata.name ?? '') : request.key;
    const id = `${kind}/${key}`;
    const stored = this.#objects.get(id);
    const done = (code: number, answer: object) => {
      if (!WRITES.includes(verb)) return send(res, code, answer);
      this.writes.push(`${verb} ${kind}${subresource ? `/${subresource}` : ''} ${key}`);
      const held = this.afterwards(request);
      if (held === undefined) return send(res, code, answer);
      const text = JSON.stringify(answer); // as it is now
      void held.then(() => res.writeHead(code, { 'content-type': 'application/json' }).end(text));
    };
    const manager = query.get('fieldManager') ?? '';
    switch (verb) {
      case 'list':
        return done(200, this.#list(resource, request.key, query, isMetadataOnly(req)));
      case 'watch':
        return this.#watch(resource, request.key, query, res);
      case 'get':
        return stored === undefined ? fail(res, notFound(kind, key)) : done(200, stored.object);
      case 'create':
        if (stored !== undefined)
          return fail(res, { code: 409, reason: 'AlreadyExists', message: `${id} already exists` });
        return done(201, this.#store(id, object!, new Map([[manager, object!]])));
      case 'update': {
        if (stored === undefined) return fail(res, notFound(kind, key));
        return this.#update(id, stored, object!, res, done);
      }
      case 'apply': {
        if (stored === undefined && subresource !== undefined) return fail(res, notFound(kind, key));
        const { resourceVersion } = object!.metadata;
        if (resourceVersion !== undefined && resourceVersion !== stored?.object.metadata.resourceVersion)
          return fail(res, { code: 409, reason: 'Conflict', message: 'the object has been modified' });
        const conflict = query.get('force') === 'true' ? undefined : conflictWith(stored, manager, object!);
        if (conflict !== undefined) return fail(res, { code: 409, reason: 'Conflict', message: conflict });
        return done(stored === undefined ? 201 : 200, this.#apply(id, stored, manager, object!, subresource));
      }
      case 'delete': {
        if (stored === undefined) return fail(res, notFound(kind, key));
        const { preconditions } = (body ?? {}) as { preconditions?: { uid?: string } };
        if (preconditions?.uid !== undefined && preconditions.uid !== stored.object.metadata.uid)
          return fail(res, { code: 409, reason: 'Conflict', message: 'the uid in the precondition differs' });
        this.remove(kind, key);
        return done(200, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' });
      }
      default:
        return verb satisfies never;
    }
  }

  /** Unconditional without a version. What the API server sets is kept, and nothing happens when nothing differs. */
  #update(
    id: string,
    { object: before, applied }: Stored,
    object: KubeObject & Json,
    res: ServerResponse,
    done: (code: number, answer: object) => void,
  ): void {
    const { resourceVersion, uid, creationTimestamp, generation } = before.metadata;
    if ((object.metadata.resourceVersion ?? resourceVersion) !== resourceVersion)
      return fail(res, { code: 409, reason: 'Conflict', message: 'the object has been modified' });
    const metadata = { ...object.metadata, uid, creationTimestamp, generation, resourceVersion };
    const next = { ...object, metadata } as KubeObject & Json; // the version is set where it is stored
    return done(200, isDeepStrictEqual(next, before) ? before : this.#store(id, next, applied));
  }

  #list(
    { apiVersion, kind }: Resource,
    place: string,
    query: URLSearchParams,
    metadataOnly: boolean,
  ): object {
    const labels = labelsOf(query);
    const fields = termsOf(query.get('fieldSelector'));
    const all = [...this.#objects.values()]
      .map(({ object }) => object)
      .filter((object) => object.kind === kind && isSelected(object, namespaceOf(place), labels))
      .filter((object) => fields.every(([path, value]) => fieldOf(object, path) === value));
    const [from, to] = pageOf(query);
    const items = all
      .slice(from, to)
      .map((object) => (metadataOnly ? { metadata: object.metadata } : object));
    const next = to < all.length ? { continue: String(to) } : {};
    return {
      apiVersion,
      kind: `${kind}List`,
      metadata: { resourceVersion: String(this.#version), ...next },
      items,
    };
  }

  #watch({ kind }: Resource, place: string, query: URLSearchParams, res: ServerResponse): void {
    const watcher: Watcher = { kind, namespace: namespaceOf(place), labels: labelsOf(query), res, told: 0 };
    res.writeHead(200, { 'content-type': 'application/json' });
    res.flushHeaders();
    const from = Number(query.get('resourceVersion'));
    for (const event of this.#history) if (event.version > from) offer(watcher, event);
    this.#watchers.add(watcher);
    res.on('close', () => this.#watchers.delete(watcher));
  }

  #apply(
    id: string,
    stored: Stored | undefined,
    manager: string,
    object: KubeObject & Json,
    subresource: string | undefined,
  ): object {
    const { status, ...main } = object;
    const wish: Json = subresource === 'status' ? { status } : main;
    const own = subresource === 'status' ? `${manager}/status` : manager;
    const found: Json = stored?.object ?? {};
    // Only the status is changed then; the rest may be large.
    const base =
      subresource === 'status'
        ? { ...found, status: structuredClone(found['status']) }
        : structuredClone(found);
    const others = [...(stored?.applied ?? [])].filter(([name]) => name !== own).map(([, fields]) => fields);
    dropFields(base, stored?.applied.get(own) ?? {}, wish, others);
    const next = merged(base, wish) as KubeObject & Json;
    const isKnown = isDeepStrictEqual(stored?.applied.get(own), wish);
    if (stored !== undefined && isKnown && isDeepStrictEqual(next, stored.object)) return stored.object;
    const applied = new Map(stored?.applied ?? []).set(own, structuredClone(wish));
    return this.#store(id, next, applied);
  }

  #store(id: string, object: KubeObject & Json, applied: Map<string, Json>): object {
    const previous = this.#objects.get(id)?.object;
    const { metadata } = object;
    const isChanged = !isDeepStrictEqual(object['spec'], previous?.['spec']);
    const next = {
      ...object,
      metadata: {
        ...metadata,
        uid: metadata.uid ?? randomUUID(),
        creationTimestamp: metadata.creationTimestamp ?? '2026-11-01T00:00:00Z',
        managedFields: recordOf(applied),
        generation:
          (previous?.metadata.generation ?? (metadata.generation ?? 1) - 1) +
          (isChanged || previous === undefined ? 1 : 0),
        resourceVersion: String(this.#version + 1),
      },
    };
    this.#objects.set(id, { object: next, applied });
    this.#emit(previous === undefined ? 'ADDED' : 'MODIFIED', next);
    return next;
  }

  #emit(type: Event['type'], object: KubeObject & Json): void {
    this.#version++;
    const version = this.#version;
    const event = {
      type,
      version,
      object: { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } },
    };
    this.#history.push(event);
    for (const watcher of this.#watchers) offer(watcher, event);
  }
}

let made: Promise<TestCertificate> | undefined;

/** One for all servers of a test file. */
function certificate(): Promise<TestCertificate> {
  made ??= selfSigned();
  return made;
}

/** Who has written the object. Which fields is not told: as far as that goes, everybody's are the same. */
function recordOf(applied: ReadonlyMap<string, Json>): object[] {
  return [...applied.keys()].map((name) => {
    const [manager = '', subresource = ''] = name.split('/');
    return { manager, operation: 'Apply', subresource, fieldsV1: {} };
  });
}

function verbOf(method: string, name: string | undefined, query: URLSearchParams): Verb {
  switch (method) {
    case 'GET':
      return query.get('watch') === 'true' ? 'watch' : name === undefined ? 'list' : 'get';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'apply';
    case 'DELETE':
      return 'delete';
    default:
      throw new Error(`no verb for ${method}`);
  }
}

function offer(watcher: Watcher, { type, object }: Event): void {
  const { kind, namespace, labels, res } = watcher;
  if (object.kind !== kind || !isSelected(object, namespace, labels)) return;
  res.write(`${JSON.stringify({ type, object })}\n`);
  watcher.told++;
}

function isSelected(
  { metadata }: KubeObject,
  namespace: string | undefined,
  labels: Readonly<Record<string, string>>,
): boolean {
  if (namespace !== undefined && metadata.namespace !== namespace) return false;
  return Object.entries(labels).every(([name, value]) => metadata.labels?.[name] === value);
}

function namespaceOf(place: string): string | undefined {
  return place.slice(0, place.indexOf('/')) || undefined;
}

function labelsOf(query: URLSearchParams): Record<string, string> {
  return Object.fromEntries(termsOf(query.get('labelSelector')));
}

function termsOf(selector: string | null): [string, string][] {
  const terms = (selector ?? '').split(',').filter((term) => term !== '');
  return terms.map((term) => term.split('=') as [string, string]);
}

function fieldOf(object: Json, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((value, name) => (isObject(value) ? value[name] : undefined), object);
}

/** By position: good for lists that do not change while they are read. */
function pageOf(query: URLSearchParams): [from: number, to: number] {
  const from = Number(query.get('continue') ?? 0);
  return [from, from + Number(query.get('limit') ?? Infinity)];
}

function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace}/${metadata.name}`;
}

function idOf(object: KubeObject): string {
  return `${object.kind}/${keyOf(object)}`;
}

function isMetadataOnly({ headers }: IncomingMessage): boolean {
  return headers.accept?.includes('PartialObjectMetadata') ?? false;
}

/** Removes what the manager applied before and does not any more, unless another manager applies it. Lists are whole. */
function dropFields(base: Json, before: Json, now: Json, others: readonly Json[]): void {
  for (const [name, old] of Object.entries(before)) {
    const held = others.filter((fields) => name in fields).map((fields) => fields[name]);
    if (!(name in now) && held.length === 0) delete base[name];
    else if (isObject(old) && isObject(base[name]) && isObject(now[name] ?? {}))
      dropFields(base[name], old, (now[name] ?? {}) as Json, held.filter(isObject));
  }
}

function merged(base: unknown, wish: unknown): unknown {
  if (!isObject(base) || !isObject(wish)) return structuredClone(wish);
  const members = Object.entries(wish).filter(([, value]) => value !== undefined);
  return {
    ...base,
    ...Object.fromEntries(members.map(([name, value]) => [name, merged(base[name], value)])),
  };
}

/** A field that another manager applied or created with another value, as the API server says it. */
function conflictWith(stored: Stored | undefined, manager: string, wish: Json): string | undefined {
  for (const [other, applied] of stored?.applied ?? []) {
    const field = other === manager ? undefined : conflictingField(applied, wish, '');
    if (field !== undefined) return `Apply failed with 1 conflict: conflict with "${other}": ${field}`;
  }
  return undefined;
}

function conflictingField(held: unknown, wish: unknown, path: string): string | undefined {
  if (!isObject(held) || !isObject(wish)) return isDeepStrictEqual(held, wish) ? undefined : path;
  const shared = Object.keys(wish).filter((name) => name in held);
  return shared
    .map((name) => conflictingField(held[name], wish[name], `${path}.${name}`))
    .find((field) => field !== undefined);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function notFound(kind: string, key: string): Refusal {
  return { code: 404, reason: 'NotFound', message: `${kind} "${key}" not found` };
}

function fail(res: ServerResponse, { code, reason, message = `the server says ${reason}` }: Refusal): void {
  send(res, code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message });
}

function send(res: ServerResponse, code: number, body: object): void {
  res.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function readJson(req: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return text === '' ? undefined : JSON.parse(text);
}
