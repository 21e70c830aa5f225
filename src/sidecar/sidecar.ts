// Puts the parts together and holds what lives as long as the process: listeners, keys, the policy in force.
import { randomBytes, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Server as HttpServer } from 'node:http';
import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import { createAdmin, type Status } from './admin.ts';
import { Authenticator } from './authenticate.ts';
import { ConfigError, readConfig, type IssuerConfig, type SidecarConfig } from './config.ts';
import type { FetchJson } from './fetch-json.ts';
import { Gateway } from './gateway.ts';
import { IssuerKeys } from './keys.ts';
import { createListener, listen, replaceCertificate, type Certificate } from './listener.ts';
import { createMetrics, type SidecarMetrics } from './metrics.ts';
import { compilePolicy, type Policy } from './policy.ts';
import { watchFiles } from './watch-files.ts';

const PROBE_TIMEOUT_MS = 1_000;

export interface SidecarDependencies {
  readonly logger: Logger;
  readonly clock: Clock;
  readonly fetchJson: FetchJson;
  /** Aborted to stop: the sidecar drains, then `closed` resolves. */
  readonly stop: AbortSignal;
}

/** What was read from files at one moment: the configuration and what it points to. */
interface Loaded {
  readonly config: SidecarConfig;
  readonly certificate: Certificate;
  /** CA bundles by file name. */
  readonly caBundles: ReadonlyMap<string, string>;
  readonly digest: string;
}

/** An issuer's keys, what they were made from, and what ends their refreshing. */
interface KeptKeys {
  readonly keys: IssuerKeys;
  /** Everything that decides where the keys come from: while it stays the same, so do the keys. */
  readonly source: string;
  readonly stop: AbortController;
}

/** By issuer identifier. */
type KeyRing = ReadonlyMap<string, KeptKeys>;

/** One running sidecar. */
export class Sidecar {
  readonly #file: string;
  readonly #deps: SidecarDependencies;
  readonly #metrics: SidecarMetrics;
  readonly #gateway: Gateway;
  readonly #listener: Server;
  readonly #admin: HttpServer;
  readonly #pseudonym = `protected-mcp-${randomBytes(6).toString('hex')}`;
  #loaded: Loaded;
  #ring: KeyRing;
  #watching = new AbortController();
  /** Connections that have not made a request yet: Node does not count them among the idle ones. */
  readonly #fresh = new Set<Socket>();
  #watched = '';
  #draining = false;
  /** Resolves when everything has been closed. */
  readonly closed: Promise<void>;

  /**
   * Reads the configuration file and everything it names. Opens nothing yet.
   * @throws ConfigError with every problem
   */
  constructor(file: string, deps: SidecarDependencies) {
    this.#file = file;
    this.#deps = deps;
    this.#loaded = load(file);
    this.#ring = this.#keyRing(this.#loaded, new Map());
    this.#metrics = createMetrics({
      requestsInFlight: () => this.#gateway.inFlight,
      upstreamConnections: () => this.#gateway.policy.upstream.connections,
      cachedTokens: () => this.#gateway.policy.authenticator.cached,
      keysLoadedAt: () =>
        [...this.#ring.values()].flatMap(
          ({
            keys: {
              status: { issuer, loadedAt },
            },
          }) => (loadedAt === undefined ? [] : { issuer, seconds: loadedAt / 1000 }),
        ),
    });
    this.#gateway = new Gateway(this.#policy(this.#loaded.config), {
      logger: deps.logger,
      metrics: this.#metrics,
      onDrained: () => this.#listener.closeIdleConnections(),
    });
    this.#listener = createListener(this.#loaded.certificate, (req, res, expectsContinue) =>
      this.#gateway.handle(req, res, expectsContinue),
    );
    this.#listener.on('secureConnection', (socket) => {
      this.#fresh.add(socket);
      socket.once('close', () => this.#fresh.delete(socket));
    });
    this.#listener.on('request', (req) => this.#fresh.delete(req.socket));
    this.#admin = createAdmin({
      status: () => this.status(),
      metrics: () => this.#metrics.registry.metrics(),
      metricsContentType: this.#metrics.registry.contentType,
    });
    this.closed = new Promise((resolve) => {
      deps.stop.addEventListener('abort', () => void this.#drain().then(resolve), { once: true });
    });
  }

  /**
   * Opens both listeners and begins to fetch keys; does not wait for them: until they are there, `/readyz` says so and
   * tokens get 503.
   * @throws ListenError naming the port
   */
  async start(): Promise<{ port: number; adminPort: number }> {
    const { listen: address, admin } = this.#loaded.config;
    const adminPort = await listen(this.#admin, 'the admin listener', admin);
    const port = await listen(this.#listener, 'the public listener', address);
    for (const { keys } of this.#ring.values()) void keys.start();
    this.#watch();
    this.#deps.logger.info({ resource: this.#loaded.config.resource, port, adminPort }, 'sidecar listening');
    return { port, adminPort };
  }

  async status(): Promise<Status> {
    const { config, certificate, digest } = this.#loaded;
    const issuers = [...this.#ring.values()].map(
      ({
        keys: {
          status: { issuer, keys, loadedAt, lastError },
        },
      }) => ({
        issuer,
        keys,
        loadedAt: loadedAt === undefined ? undefined : new Date(loadedAt).toISOString(),
        lastError,
      }),
    );
    const problems = issuers
      .filter(({ keys }) => keys === 0)
      .map(({ issuer, lastError }) => `no keys of ${issuer}: ${lastError ?? 'not fetched yet'}`);
    const { upstream } = this.#gateway.policy;
    if (!(await upstream.probe(PROBE_TIMEOUT_MS))) {
      problems.push(`the MCP server does not accept connections on ${upstream.host} port ${upstream.port}`);
    }
    if (this.#draining) problems.push('shutting down');
    const { subjectAltName, validTo } = new X509Certificate(certificate.cert);
    return {
      resource: config.resource,
      ready: problems.length === 0,
      problems,
      issuers,
      certificate: { subjectAltName, notAfter: new Date(validTo).toISOString() },
      configDigest: digest,
    };
  }

  /** Keys of the configured issuers. Those that come from where they came before are kept, so none is lost. */
  #keyRing({ config, caBundles }: Loaded, previous: KeyRing): KeyRing {
    return new Map(
      config.issuers.map((issuer) => {
        const ca = issuer.jwks.caFile === undefined ? undefined : caBundles.get(issuer.jwks.caFile);
        const source = JSON.stringify([issuer.jwks.uri, ca]);
        const kept = previous.get(issuer.issuer);
        return [issuer.issuer, kept?.source === source ? kept : this.#newKeys(issuer, ca, source)];
      }),
    );
  }

  #newKeys(issuer: IssuerConfig, ca: string | undefined, source: string): KeptKeys {
    const { clock, fetchJson, logger } = this.#deps;
    const stop = new AbortController();
    const keys = new IssuerKeys(issuer, {
      clock,
      fetchJson,
      ca,
      signal: AbortSignal.any([stop.signal, this.#deps.stop]),
      onAttempt: ({ issuer: name, keys, lastError }) => {
        this.#metrics.keyFetches.inc({ issuer: name, outcome: lastError === undefined ? 'ok' : 'failed' });
        if (lastError === undefined) logger.debug({ issuer: name, keys }, 'keys fetched');
        else logger.warn({ issuer: name, keys, reason: lastError }, 'keys not fetched');
      },
    });
    return { keys, source, stop };
  }

  #policy(config: SidecarConfig): Policy {
    const authenticator = new Authenticator(config, {
      clock: this.#deps.clock,
      keys: new Map([...this.#ring].map(([issuer, { keys }]) => [issuer, keys])),
      onVerified: (outcome) => this.#metrics.verifications.inc({ outcome }),
    });
    return compilePolicy(config, authenticator, this.#pseudonym);
  }

  #watch(): void {
    const { config, caBundles } = this.#loaded;
    const files = [this.#file, config.tls.certificateFile, config.tls.keyFile, ...caBundles.keys()];
    if (files.join('\0') === this.#watched) return;
    this.#watched = files.join('\0');
    this.#watching.abort();
    this.#watching = new AbortController();
    watchFiles(files, () => void this.#reload(), AbortSignal.any([this.#watching.signal, this.#deps.stop]));
  }

  /** Takes over changed files. A change that cannot be used is logged, and what was in force stays in force. */
  async #reload(): Promise<void> {
    const { logger } = this.#deps;
    let next: Loaded;
    try {
      next = load(this.#file);
    } catch (error) {
      this.#metrics.reloads.inc({ kind: 'config', outcome: 'failed' });
      logger.error({ reason: (error as Error).message }, 'changed files not taken over');
      return;
    }
    const previous = this.#loaded;
    if (
      next.certificate.cert !== previous.certificate.cert ||
      next.certificate.key !== previous.certificate.key
    ) {
      replaceCertificate(this.#listener, next.certificate);
      this.#metrics.reloads.inc({ kind: 'certificate', outcome: 'ok' });
      logger.info('certificate replaced');
    }
    this.#loaded = next;
    logger.level = next.config.logLevel;
    if (next.digest !== previous.digest || !sameBundles(next, previous)) await this.#takeOver(next);
    this.#watch();
  }

  /** Swaps the policy once the keys of new issuers are there, or could not be had. */
  async #takeOver(next: Loaded): Promise<void> {
    const retired = this.#ring;
    this.#ring = this.#keyRing(next, retired);
    const added = [...this.#ring.values()].filter((kept) => retired.get(kept.keys.status.issuer) !== kept);
    await Promise.all(added.map(({ keys }) => keys.start()));
    for (const [issuer, kept] of retired) if (this.#ring.get(issuer) !== kept) kept.stop.abort();
    // A later change overtook this one while the keys were fetched.
    if (this.#loaded !== next) return;
    this.#gateway.policy = this.#policy(next.config);
    this.#metrics.reloads.inc({ kind: 'config', outcome: 'ok' });
    this.#deps.logger.info({ digest: next.digest }, 'configuration replaced');
  }

  /** Not ready, no new connections, streams ended, calls finished; after the grace period whatever is left is cut. */
  async #drain(): Promise<void> {
    this.#draining = true;
    this.#deps.logger.info({ inFlight: this.#gateway.inFlight }, 'draining');
    const grace = setTimeout(
      () => this.#listener.closeAllConnections(),
      this.#loaded.config.drainSeconds * 1000,
    );
    const listenerClosed = new Promise((resolve) => this.#listener.close(resolve));
    this.#gateway.drain();
    this.#listener.closeIdleConnections();
    for (const socket of this.#fresh) socket.destroy();
    await listenerClosed;
    clearTimeout(grace);
    this.#gateway.close();
    this.#admin.closeAllConnections();
    await new Promise((resolve) => this.#admin.close(resolve));
  }
}

/**
 * Reads the configuration and the files it names, and checks that certificate and key belong together.
 * @throws ConfigError with every problem
 */
function load(file: string): Loaded {
  const { config, digest } = readConfig(file);
  const problems: string[] = [];
  const read = (path: string, name: string) => {
    try {
      return readFileSync(name, 'utf8');
    } catch (cause) {
      problems.push(
        `${path}: ${name} cannot be read: ${(cause as NodeJS.ErrnoException).code ?? 'unknown error'}`,
      );
      return '';
    }
  };
  const cert = read('tls.certificateFile', config.tls.certificateFile);
  const key = read('tls.keyFile', config.tls.keyFile);
  const caBundles = new Map<string, string>();
  config.issuers.forEach(({ jwks: { caFile } }, index) => {
    if (caFile !== undefined) caBundles.set(caFile, read(`issuers[${index}].jwks.caFile`, caFile));
  });
  if (problems.length === 0) {
    try {
      createSecureContext({ cert, key });
    } catch (cause) {
      problems.push(`tls: certificate and key cannot be used together: ${(cause as Error).message}`);
    }
  }
  if (problems.length > 0) throw new ConfigError(file, problems);
  return { config, certificate: { cert, key }, caBundles, digest };
}

function sameBundles({ caBundles: a }: Loaded, { caBundles: b }: Loaded): boolean {
  return a.size === b.size && [...a].every(([file, text]) => b.get(file) === text);
}
