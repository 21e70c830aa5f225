// A kubeconfig as two things: the dispatcher with its TLS, rebuilt when that changes, and the headers of one request.
// Loading, token files, exec plugins and OIDC are the client library's; nothing else of it is used.
import type { RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import { Agent, ProxyAgent, type buildConnector, type Dispatcher } from 'undici';

/** Long enough for the next lease renewal to find its connection; kube-apiserver itself closes after 90 s or more. */
const KEEP_ALIVE_MS = 30_000;
const HEADERS_TIMEOUT_MS = 30_000;

/** What a request needs of the credentials. */
export interface Access {
  readonly server: string;
  readonly dispatcher: Dispatcher;
  readonly headers: Readonly<Record<string, string>>;
}

/** How requests reach the API server and authenticate to it. */
export interface ClusterCredentials {
  /** Reads the credentials as they are now: service account tokens, certificates and CA files are rotated. */
  access(): Promise<Access>;
  /** Ends idle connections and waits for busy ones. */
  close(): Promise<void>;
  /** Ends all connections. */
  destroy(): Promise<void>;
}

/** The server that the client library falls back to when it finds no kubeconfig. Never meant. */
const FALLBACK_SERVER = 'http://localhost:8080';

/**
 * The kubeconfig of `KUBECONFIG`, of `~/.kube/config`, or of the pod's service account, whichever is found first.
 * @throws Error when there is none
 */
export function loadKubeConfig(): KubeConfig {
  const config = new KubeConfig();
  config.loadFromDefault();
  if (config.getCurrentCluster()?.server !== FALLBACK_SERVER) return config;
  throw new Error('no cluster: set KUBECONFIG, make ~/.kube/config, or run in a pod with a service account');
}

/** What `applyToHTTPSOptions` sets; `undici` takes the same names. */
const TLS_OPTIONS = ['ca', 'cert', 'key', 'servername', 'rejectUnauthorized'] as const;

/**
 * Those of a loaded kubeconfig. There is one dispatcher for the process: the client library itself makes one
 * for each request, and each of those holds a connection of its own.
 */
export function kubeConfigCredentials(config: KubeConfig): ClusterCredentials {
  const cluster = config.getCurrentCluster();
  if (!cluster) throw new Error('the kubeconfig has no current cluster');
  const server = cluster.server.replace(/\/+$/, '');
  let current: { readonly dispatcher: Dispatcher; readonly tls: string } | undefined;

  const dispatcher = (options: RequestOptions): Dispatcher => {
    const tls = Object.fromEntries(TLS_OPTIONS.flatMap((name) => pair(name, options[name])));
    const fingerprint = JSON.stringify(tls);
    if (current?.tls === fingerprint) return current.dispatcher;
    const outdated = current?.dispatcher;
    current = { tls: fingerprint, dispatcher: build(config, tls) };
    if (outdated) retire(outdated);
    return current.dispatcher;
  };

  return {
    async access() {
      const options: RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      return { server, dispatcher: dispatcher(options), headers: headers(options) };
    },
    close: async () => current?.dispatcher.close(),
    destroy: async () => current?.dispatcher.destroy(),
  };
}

/**
 * Closes a dispatcher once its requests have ended; that of a watch takes minutes. Deferred, because callers may hold it
 * and not have sent yet. An error of closing has no consequence.
 */
function retire(dispatcher: Dispatcher): void {
  setImmediate(() => void dispatcher.close().catch(() => undefined));
}

function pair(name: string, value: unknown): [string, unknown][] {
  if (value === undefined) return [];
  return [[name, Buffer.isBuffer(value) ? value.toString('utf8') : value]];
}

function build(config: KubeConfig, tls: Record<string, unknown>): Dispatcher {
  const options = config.createDispatcherOptions(config.getCurrentCluster(), tls);
  const pool = {
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    bodyTimeout: 0, // a quiet watch is no failure; calls have deadlines
  };
  // The assertions: the client library made these options for undici, but types them with `| undefined`.
  switch (options.type) {
    case 'agent':
      return new Agent({ ...pool, connect: options.connect as buildConnector.BuildOptions });
    case 'none':
      return new Agent(pool);
    case 'proxy':
      return new ProxyAgent({
        ...pool,
        uri: options.uri,
        requestTls: options.requestTls as buildConnector.BuildOptions,
      });
    case 'socks':
      throw new Error(`proxy-url ${options.uri}: SOCKS proxies are not supported; use an HTTP proxy`);
  }
}

function headers({ headers: given, auth }: RequestOptions): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(given ?? {})) {
    // A token file may end in a line feed, which a header must not hold.
    if (value !== undefined) result[name.toLowerCase()] = String(value).trim();
  }
  if (auth) result['authorization'] = `Basic ${Buffer.from(auth).toString('base64')}`;
  return result;
}
