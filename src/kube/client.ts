// The verbs of the API on plain JSON. Keeps nothing and retries nothing; never sends a model class of the client library,
// whose serializer drops what it does not know, the peers of a NetworkPolicy among it.
import { isTooLarge } from './errors.ts';
import type { KubeObject, Metadata, Resource } from './object.ts';
import { describe, resourcePath, type ObjectRef, type Query } from './paths.ts';
import type { ApiTransport, TransportRequest } from './transport.ts';
import { watchEvents, type WatchEvent } from './watch-stream.ts';

/** Objects in one page of a list: what client-go asks for. */
const PAGE_SIZE = 500;
/** A page that is longer is asked for again with fewer objects: some are a megabyte and a half. */
const PAGE_BYTES = 4 * 1024 * 1024;
/** So many pages in a row that were short enough, and the next has twice as many objects. */
const PAGES_BEFORE_LARGER = 8;
const METADATA_ONLY = {
  list: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
  watch: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
};

export interface CallOptions {
  readonly signal: AbortSignal;
  readonly deadlineMs?: number;
}

interface NamedObject {
  readonly name: string;
  readonly namespace?: string | undefined;
}

export interface Selection {
  /** Every namespace when absent. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Objects come without spec, data and status: for kinds whose contents are large or secret. */
  readonly metadataOnly?: boolean | undefined;
}

interface WriteOptions extends CallOptions {
  readonly fieldManager: string;
  readonly dryRun?: boolean;
}

interface ApplyOptions extends WriteOptions {
  /** Take fields over from other managers; a controller does. Without it they are a conflict. */
  readonly force?: boolean;
}

interface DeleteOptions extends CallOptions {
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
}

interface WatchOptions extends Selection, CallOptions {
  readonly resourceVersion: string;
  /** After this the server ends the watch. */
  readonly timeoutSeconds: number;
}

interface ListOptions<T extends KubeObject> extends Selection, CallOptions {
  /** What is kept of each object, as soon as its page has come: the whole when absent. */
  readonly keep?: (object: T) => T;
  /** Ends the list after the page in which so many were read. */
  readonly most?: number;
}

interface ObjectList<T extends KubeObject> {
  readonly items: readonly T[];
  /** Where a watch goes on. */
  readonly resourceVersion: string;
}

interface ListPage {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly KubeObject[] | null;
}

export class Client {
  readonly #transport: ApiTransport;

  constructor(transport: ApiTransport) {
    this.#transport = transport;
  }

  async get<T extends KubeObject>(resource: Resource<T>, ref: NamedObject, options: CallOptions): Promise<T> {
    return this.#send(resource, ref, options, { verb: 'get', method: 'GET' });
  }

  /** All objects, read page by page. @throws ApiError `isGone` when the list outlived its first page's version */
  async list<T extends KubeObject>(resource: Resource<T>, options: ListOptions<T>): Promise<ObjectList<T>> {
    const { namespace, labelSelector, fieldSelector, metadataOnly, most = Infinity } = options;
    const { keep = (item: T) => item } = options;
    const items: T[] = [];
    let size = Math.min(most, PAGE_SIZE);
    let pages = 0;
    for (let next: string | undefined; ;) {
      const query = { limit: size, continue: next, labelSelector, fieldSelector };
      const page = await this.#page({
        what: describe('list', resource, { namespace }),
        method: 'GET',
        path: resourcePath(resource, { namespace }, query),
        ...(metadataOnly ? { accept: METADATA_ONLY.list } : {}),
        ...(size > 1 ? { maxBytes: PAGE_BYTES } : {}),
        ...limits(options),
      });
      if (page === 'too large') {
        size = Math.max(1, Math.floor(size / 4));
        pages = 0;
        continue;
      }
      pages++;
      if (pages % PAGES_BEFORE_LARGER === 0) size = Math.min(most, PAGE_SIZE, size * 2);
      for (const item of page.items ?? []) items.push(keep(received(resource, item)));
      next = page.metadata?.continue || undefined;
      if (next === undefined || items.length >= most)
        return { items, resourceVersion: page.metadata?.resourceVersion ?? '' };
    }
  }

  async #page(request: TransportRequest): Promise<ListPage | 'too large'> {
    try {
      return (await this.#transport.call(request)) as ListPage; // the API server's word for it
    } catch (error) {
      if (isTooLarge(error)) return 'too large';
      throw error;
    }
  }

  /** Server-side apply: creates the object, or changes what differs. A no-op when nothing does. */
  async apply<T extends KubeObject>(
    resource: Resource<T>,
    object: KubeObject,
    options: ApplyOptions,
  ): Promise<T> {
    return this.#apply(resource, object, options, {});
  }

  /** The same for the status. Give it a field manager of its own. */
  async applyStatus<T extends KubeObject>(
    resource: Resource<T>,
    object: KubeObject,
    options: ApplyOptions,
  ): Promise<T> {
    return this.#apply(resource, object, options, { subresource: 'status' });
  }

  /** Changes an object by a JSON patch (RFC 6902): all of its operations, or none. */
  async patch<T extends KubeObject>(
    resource: Resource<T>,
    ref: NamedObject,
    operations: readonly object[],
    options: WriteOptions,
  ): Promise<T> {
    const contentType = 'application/json-patch+json';
    const query = writeQuery(options);
    return this.#send(resource, ref, options, {
      verb: 'patch',
      method: 'PATCH',
      query,
      contentType,
      body: operations,
    });
  }

  async create<T extends KubeObject>(
    resource: Resource<T>,
    object: KubeObject,
    options: WriteOptions,
  ): Promise<T> {
    const { namespace, name, generateName } = object.metadata;
    const what = describe('create', resource, { namespace, name: name ?? generateName });
    const query = writeQuery(options);
    return this.#send(resource, { namespace }, options, { what, method: 'POST', query, body: object });
  }

  /** Replaces the object, if it is still the version that was read. */
  async update<T extends KubeObject>(resource: Resource<T>, object: T, options: WriteOptions): Promise<T> {
    // Without a resourceVersion the API server replaces the object unconditionally.
    if (!object.metadata.resourceVersion)
      throw new TypeError(
        `${describe('update', resource, refOf(object))}: the object has no resourceVersion`,
      );
    return this.#put(resource, object, options);
  }

  /**
   * Replaces the object, whichever version there is, without reading it: neither the answer nor a refusal holds anything of
   * what was there. A no-op when nothing differs. @throws ApiError `isNotFound` where there is none
   */
  async replace<T extends KubeObject>(
    resource: Resource<T>,
    object: KubeObject,
    options: WriteOptions,
  ): Promise<T> {
    const { resourceVersion: _, uid: __, ...metadata } = object.metadata;
    return this.#put(resource, { ...object, metadata }, options);
  }

  /** Asks for deletion; owned objects follow in the background by default. */
  async delete(resource: Resource, ref: NamedObject, options: DeleteOptions): Promise<void> {
    const { uid, resourceVersion, propagationPolicy = 'Background' } = options;
    const preconditions = { ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) };
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions, propagationPolicy };
    await this.#send(resource, ref, options, { verb: 'delete', method: 'DELETE', body });
  }

  /**
   * Changes after `resourceVersion`, until the server ends the watch or the signal comes. The deadline covers only its
   * beginning: the reader decides how long silence is acceptable.
   */
  async watch<T extends KubeObject>(
    resource: Resource<T>,
    options: WatchOptions,
  ): Promise<AsyncGenerator<WatchEvent<T>, void, undefined>> {
    const { namespace, labelSelector, fieldSelector, resourceVersion, timeoutSeconds, metadataOnly } =
      options;
    const what = describe('watch', resource, { namespace });
    const selection = { labelSelector, fieldSelector, resourceVersion, timeoutSeconds };
    const bytes = await this.#transport.stream({
      what,
      method: 'GET',
      path: resourcePath(resource, { namespace }, { watch: true, allowWatchBookmarks: true, ...selection }),
      ...(metadataOnly ? { accept: METADATA_ONLY.watch } : {}),
      ...limits(options),
    });
    return typed(resource, watchEvents(what, bytes));
  }

  #put<T extends KubeObject>(resource: Resource<T>, object: KubeObject, options: WriteOptions): Promise<T> {
    const query = writeQuery(options);
    return this.#send(resource, refOf(object), options, {
      verb: 'update',
      method: 'PUT',
      query,
      body: object,
    });
  }

  async #apply<T extends KubeObject>(
    resource: Resource<T>,
    object: KubeObject,
    options: ApplyOptions,
    { subresource }: Pick<ObjectRef, 'subresource'>,
  ): Promise<T> {
    const query = { ...writeQuery(options), ...(options.force ? { force: true } : {}) };
    const ref = { ...refOf(object), ...(subresource ? { subresource } : {}) };
    const contentType = 'application/apply-patch+yaml'; // JSON is YAML
    return this.#send(resource, ref, options, {
      verb: 'apply',
      method: 'PATCH',
      query,
      contentType,
      body: object,
    });
  }

  async #send<T extends KubeObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    options: CallOptions,
    request: Pick<TransportRequest, 'method' | 'contentType'> & {
      readonly verb?: string;
      readonly what?: string;
      readonly query?: Query;
      readonly body?: object;
    },
  ): Promise<T> {
    const { method, contentType, verb = '', body } = request;
    const answer = await this.#transport.call({
      what: request.what ?? describe(verb, resource, ref),
      method,
      path: resourcePath(resource, ref, request.query),
      ...(contentType ? { contentType } : {}),
      ...(body ? { body: JSON.stringify(withoutManagedFields(body)) } : {}),
      ...limits(options),
    });
    return received(resource, answer as KubeObject); // the API server's word for it
  }
}

function limits({ signal, deadlineMs }: CallOptions): CallOptions {
  return { signal, ...(deadlineMs === undefined ? {} : { deadlineMs }) };
}

/** Unknown and duplicate fields are an error, not dropped: on every write. */
function writeQuery({ fieldManager, dryRun }: WriteOptions): Query {
  return { fieldManager, fieldValidation: 'Strict', ...(dryRun ? { dryRun: 'All' } : {}) };
}

function refOf({ kind, metadata }: KubeObject): NamedObject {
  if (!metadata.name) throw new TypeError(`${kind}: the object has no name`);
  return { name: metadata.name, namespace: metadata.namespace };
}

/**
 * An object as it is stored here: without `managedFields`, unless the resource wants them, and with its kind, which the
 * items of built-in lists lack and metadata-only objects replace.
 */
function received<T extends KubeObject>(
  { apiVersion, kind, keepsRecord }: Resource<T>,
  object: KubeObject,
): T {
  const { metadata = {}, ...rest } = object;
  const whole = { ...rest, apiVersion, kind, metadata };
  const kept = keepsRecord?.(whole) === true ? { managedFields: [], ...metadata } : stripped(metadata);
  return { ...whole, metadata: kept } as unknown as T; // `T` is what the resource says
}

function withoutManagedFields(object: object): object {
  const { metadata } = object as Partial<KubeObject>;
  return metadata === undefined ? object : { ...object, metadata: stripped(metadata) };
}

function stripped(metadata: Metadata): Metadata {
  if (!('managedFields' in metadata)) return metadata;
  const { managedFields: _, ...rest } = metadata;
  return rest;
}

async function* typed<T extends KubeObject>(
  resource: Resource<T>,
  events: AsyncGenerator<WatchEvent>,
): AsyncGenerator<WatchEvent<T>, void, undefined> {
  for await (const event of events) {
    yield event.type === 'BOOKMARK' ? event : { type: event.type, object: received(resource, event.object) };
  }
}
