// Reads and writes ConfigMaps and Secrets from within a pod. Not a client for anything else: no watch, no retry.
import { request } from 'node:https';

const TIMEOUT_MS = 10_000;
/** A Secret holds at most 1 MiB. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;

export interface StoredObject {
  readonly apiVersion: 'v1';
  readonly kind: 'ConfigMap' | 'Secret';
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly resourceVersion?: string;
  };
  readonly type?: string;
  /** In a Secret each value is base64. */
  readonly data: Readonly<Record<string, string>>;
}

interface ApiServerOptions {
  readonly host: string;
  readonly port: number;
  /** PEM. */
  readonly ca: string;
  readonly token: string;
}

export class ApiServer {
  readonly #options: ApiServerOptions;

  constructor(options: ApiServerOptions) {
    this.#options = options;
  }

  /** Undefined when there is none. */
  async find(kind: StoredObject['kind'], namespace: string, name: string): Promise<StoredObject | undefined> {
    const answer = await this.#send('GET', `${collection(kind, namespace)}/${name}`);
    if (answer.status === 404) return undefined;
    return accepted(answer, `get ${kind} ${namespace}/${name}`);
  }

  /** @throws when it exists: no object of another is overwritten */
  async create(object: StoredObject): Promise<StoredObject> {
    const { namespace, name } = object.metadata;
    const answer = await this.#send('POST', collection(object.kind, namespace), object);
    return accepted(answer, `create ${object.kind} ${namespace}/${name}`);
  }

  /** @throws when it changed since the version that `object` names */
  async replace(object: StoredObject): Promise<StoredObject> {
    const { namespace, name } = object.metadata;
    const answer = await this.#send('PUT', `${collection(object.kind, namespace)}/${name}`, object);
    return accepted(answer, `replace ${object.kind} ${namespace}/${name}`);
  }

  #send(method: string, path: string, body?: StoredObject): Promise<Answer> {
    const { host, port, ca, token } = this.#options;
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          host,
          port,
          path,
          method,
          ca,
          signal: AbortSignal.timeout(TIMEOUT_MS),
          headers: {
            accept: 'application/json',
            authorization: `Bearer ${token}`,
            ...(body && { 'content-type': 'application/json' }),
          },
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => {
            text += chunk;
            if (text.length > MAX_BODY_BYTES) response.destroy(new Error('the answer is too large'));
          });
          response.on('error', reject);
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body && JSON.stringify(body));
    });
  }
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

function collection(kind: StoredObject['kind'], namespace: string): string {
  return `/api/v1/namespaces/${namespace}/${kind === 'Secret' ? 'secrets' : 'configmaps'}`;
}

/** The message of a refusal holds names and reasons, never the object. */
function accepted({ status, body }: Answer, what: string): StoredObject {
  if (status >= 200 && status < 300) return JSON.parse(body) as StoredObject;
  throw new Error(`${what}: ${status} ${reason(body)}`);
}

function reason(body: string): string {
  try {
    return (JSON.parse(body) as { message?: string }).message ?? '';
  } catch {
    return body.slice(0, 200);
  }
}
