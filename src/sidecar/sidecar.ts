// Puts the parts together and holds what lives as long as the process: listeners, keys, the configuration in force.
import { randomBytes, X509Certificate } from 'node:crypto';
import type { Server as HttpServer } from 'node:http';
import type { Server } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { EndpointState, SidecarStatus } from '../protocol/sidecar-status.ts';
import { VERSION } from '../protocol/version.ts';
import { createAdmin } from './observability/admin.ts';
import { Authenticator } from './authentication/authenticate.ts';
import type { FetchJson, FetchText } from './issuers/fetch.ts';
import { DpopVerifier } from './authentication/dpop.ts';
import { DpopNonces } from './authentication/dpop-nonce.ts';
import { Gateway } from './gateway/gateway.ts';
import { Introspector } from './issuers/introspection.ts';
import { KeyRing, type TrustedIssuer } from './issuers/key-ring.ts';
import { UnusedConnections } from './http/connections.ts';
import { askForClientCertificates, createListener, listen, replaceCertificate } from './http/listener.ts';
import { ConfigError, digestOfFile } from './config/config.ts';
import {
  fileNames,
  isSameConfiguration,
  loadCertificate,
  loadFiles,
  loadNamedFiles,
  type LoadedFiles,
} from './loaded-files.ts';
import { createMetrics, type SidecarMetrics } from './observability/metrics.ts';
import { compileConfig, type CompiledConfig } from './gateway/compiled-config.ts';
import { EndpointProbe } from './proxy/endpoint-probe.ts';
import { keySet, type SigningKey } from './tokens/signing-key.ts';
import { ReplayCache } from './authentication/replay-cache.ts';
import { Sessions } from './sessions/sessions.ts';
import { watchFiles } from './config/watch-files.ts';

const PROBE_TIMEOUT_MS = 1_000;
/** A new configuration waits no longer than this for the keys of new issuers: what it forbids is to end (milliseconds). */
const KEYS_WAIT_MS = 2_000;

interface SidecarDependencies {
  readonly logger: Logger;
  readonly clock: Clock;
  readonly fetchJson: FetchJson;
  readonly fetchText: FetchText;
  /** Aborted to stop: the sidecar drains, then `closed` resolves. */
  readonly stop: AbortSignal;
}

/** One running sidecar. */
export class Sidecar {
  readonly #file: string;
  readonly #deps: SidecarDependencies;
  readonly #metrics: SidecarMetrics;
  readonly #gateway: Gateway;
  readonly #listener: Server;
  readonly #admin: HttpServer;
  readonly #pseudonym = `protected-mcp-${randomBytes(6).toString('hex')}`;
  /** Of the process, not of a configuration: what was used stays used. */
  readonly #replays = new ReplayCache();
  readonly #nonces: DpopNonces;
  readonly #sessions: Sessions;
  #loaded: LoadedFiles;
  /** What requests are served by: a newer configuration waits for the keys of its issuers. */
  #inForce: LoadedFiles;
  /** Why the newest files are not in force, and the digest of the configuration among them. */
  #configProblem: string | undefined;
  #refusedDigest: string | undefined;
  #endpoint: EndpointProbe | undefined;
  readonly #ring: KeyRing;
  #watching = new AbortController();
  readonly #unusedConnections: UnusedConnections;
  #watchedFiles: readonly string[] = [];
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
    this.#nonces = new DpopNonces(deps.clock);
    this.#loaded = loadFiles(file);
    this.#inForce = this.#loaded;
    this.#sessions = new Sessions(deps.clock);
    this.#ring = new KeyRing(trustedIssuers(this.#loaded), {
      clock: deps.clock,
      fetchJson: deps.fetchJson,
      fetchText: deps.fetchText,
      logger: deps.logger,
      stop: deps.stop,
      onAttempt: ({ issuer, lastError }) => {
        this.#metrics.keyFetches.inc({ issuer, outcome: lastError === undefined ? 'ok' : 'failed' });
        this.#gateway.review(); // a key may be gone, and what goes on by it is to end at once
      },
    });
    this.#metrics = createMetrics({
      requestsInFlight: () => this.#gateway.inFlight,
      upstreamConnections: () => this.#gateway.config.upstream.connections,
      cachedTokens: () => this.#gateway.config.authenticator.cached,
      sessions: () => this.#sessions.size,
      keysLoadedAt: () => this.#ring.loadedAt,
    });
    this.#gateway = new Gateway(this.#compile(this.#loaded), {
      logger: deps.logger,
      metrics: this.#metrics,
      sessions: this.#sessions,
      onDrained: () => this.#listener.closeIdleConnections(),
    });
    this.#listener = createListener(this.#loaded.certificate, (req, res, expectsContinue) =>
      this.#gateway.handle(req, res, expectsContinue),
    );
    askForClientCertificates(this.#listener, this.#loaded.config.clientCertificates.mode !== 'Off');
    this.#unusedConnections = new UnusedConnections(this.#listener);
    this.#admin = createAdmin({
      problems: () => this.problems(),
      status: () => this.status(),
      metrics: () => this.#metrics.registry.metrics(),
      metricsContentType: this.#metrics.registry.contentType,
      jwks: () => this.#identityKeys(),
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
    this.#ring.start();
    this.#watch();
    this.#warn();
    this.#deps.logger.info({ resource: this.#loaded.config.resource, port, adminPort }, 'sidecar listening');
    return { port, adminPort };
  }

  /** What keeps it from serving requests now, for people. The endpoint is not among it: a guess must not end service. */
  async problems(): Promise<string[]> {
    return this.#problems(await this.#isServerReachable());
  }

  #isServerReachable(): Promise<boolean> {
    return this.#gateway.config.upstream.probe(PROBE_TIMEOUT_MS);
  }

  #problems(isServerReachable: boolean): string[] {
    const problems = [...this.#ring.problems];
    const { host, port } = this.#gateway.config.upstream;
    if (!isServerReachable)
      problems.push(`the MCP server does not accept connections on ${host} port ${port}`);
    if (this.#draining) problems.push('shutting down');
    return problems;
  }

  async status(): Promise<SidecarStatus> {
    const { config, certificate } = this.#loaded;
    const reachable = await this.#isServerReachable();
    const problems = this.#problems(reachable);
    const { subjectAltName, validTo } = new X509Certificate(certificate.cert);
    return {
      resource: config.resource,
      ready: problems.length === 0,
      problems,
      issuers: this.#ring.statuses,
      certificate: { subjectAltName, notAfter: new Date(validTo).toISOString() },
      configDigest: this.#inForce.digest,
      configProblem: this.#configProblem,
      refusedDigest: this.#refusedDigest,
      server: { reachable, endpoint: await this.#endpointState(reachable) },
      version: VERSION,
    };
  }

  #endpointState(isServerReachable: boolean): Promise<EndpointState> {
    const { url } = this.#gateway.config.config.upstream;
    if (this.#endpoint?.url !== url) this.#endpoint = new EndpointProbe(url, this.#deps.clock);
    return this.#endpoint.state(isServerReachable);
  }

  #compile(loaded: LoadedFiles): CompiledConfig {
    const { config } = loaded;
    const { clock } = this.#deps;
    const nonces = config.dpop.mode !== 'Off' && config.dpop.nonces === 'Required' ? this.#nonces : undefined;
    const authenticator = new Authenticator(config, {
      clock,
      dpop: new DpopVerifier(config, { clock, memory: this.#replays, nonces }),
      introspector: this.#introspector(loaded),
      keys: this.#ring.keys,
      onVerified: (outcome) => this.#metrics.verifications.inc({ outcome }),
    });
    const [first] = config.issuers;
    const metadata = first && this.#ring.get(first.issuer)?.metadata;
    return compileConfig(config, {
      authenticator,
      pseudonym: this.#pseudonym,
      clock,
      nonces,
      metadataKey: this.#signingKey(loaded, config.metadata.signingKeyFile),
      identityKey: this.#signingKey(loaded, config.identityAssertion?.keyFile),
      authorizationServer: () => metadata?.text,
      onSurplus: () => this.#metrics.surplusAnswers.inc(),
    });
  }

  /** Of the one issuer whose opaque tokens are taken. */
  #introspector({ config, caBundles, secrets }: LoadedFiles): Introspector | undefined {
    for (const { issuer, introspection, jwks } of config.issuers) {
      const kept = this.#ring.get(issuer);
      if (introspection === undefined || kept === undefined) continue;
      const credentials = {
        clientId: secrets.get(introspection.clientIdFile) ?? '',
        clientSecret: secrets.get(introspection.clientSecretFile) ?? '',
      };
      return new Introspector(issuer, introspection.endpoint, credentials, {
        clock: this.#deps.clock,
        fetchText: this.#deps.fetchText,
        metadata: kept.metadata,
        ca: jwks.caFile === undefined ? undefined : caBundles.get(jwks.caFile),
        signal: this.#deps.stop,
        onAsked: (failure) => {
          this.#metrics.introspections.inc({ issuer, outcome: failure === undefined ? 'ok' : 'failed' });
          if (failure !== undefined)
            this.#deps.logger.warn(
              { issuer, reason: failure.code, err: failure.message },
              'introspection failed',
            );
        },
      });
    }
    return undefined;
  }

  #signingKey({ signingKeys }: LoadedFiles, file: string | undefined): SigningKey | undefined {
    return file === undefined ? undefined : signingKeys.get(file)?.key;
  }

  /** The public keys that the server verifies identity assertions with. */
  #identityKeys(): string {
    const key = this.#signingKey(this.#loaded, this.#loaded.config.identityAssertion?.keyFile);
    return keySet(key === undefined ? [] : [key]);
  }

  /** What is allowed, and yet is to be looked at: said once for each configuration. */
  #warn(): void {
    for (const reason of this.#loaded.warnings) this.#deps.logger.warn({ reason }, 'configuration warning');
  }

  #watch(): void {
    const files = fileNames(this.#file, this.#loaded);
    if (isDeepStrictEqual(files, this.#watchedFiles)) return;
    this.#watchedFiles = files;
    this.#watching.abort();
    this.#watching = new AbortController();
    watchFiles(files, () => void this.#reload(), AbortSignal.any([this.#watching.signal, this.#deps.stop]));
  }

  /** Takes over changed files. A change that cannot be used is logged, and what was in force stays in force. */
  async #reload(): Promise<void> {
    const next = this.#readAgain();
    if (next === undefined) return;
    const { logger } = this.#deps;
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
    // The one before may not be in force yet, and what it has changed is to be taken over, or back.
    const isNew = [previous, this.#inForce].some((known) => !isSameConfiguration(next, known));
    if (isNew) await this.#takeOver(next);
    this.#watch();
  }

  /**
   * The newest files. Where the configuration is not among them, since it cannot be used, the one before with the files that it
   * names: its certificate and keys are renewed however long that takes. Where one of those is broken, the certificate alone.
   */
  #readAgain(): LoadedFiles | undefined {
    try {
      const next = loadFiles(this.#file);
      this.#configProblem = undefined;
      this.#refusedDigest = undefined;
      return next;
    } catch (error) {
      this.#refuse(error);
    }
    for (const load of [loadNamedFiles, loadCertificate]) {
      try {
        return load(this.#file, this.#loaded);
      } catch {
        // Said already: the newest files cannot be used.
      }
    }
    return undefined;
  }

  #refuse(error: unknown): void {
    this.#metrics.reloads.inc({ kind: 'config', outcome: 'failed' });
    const { message } = error as Error;
    this.#configProblem = error instanceof ConfigError ? error.problems.join('; ') : message;
    this.#refusedDigest = digestOfFile(this.#file);
    this.#deps.logger.error({ reason: message }, 'reload failed, keeping current configuration');
  }

  /**
   * Swaps the configuration once the keys of new issuers are there, could not be had, or take too long; their tokens wait for
   * them then.
   */
  async #takeOver(next: LoadedFiles): Promise<void> {
    const waited = sleep(KEYS_WAIT_MS, undefined, { ref: false });
    await Promise.race([this.#ring.replace(trustedIssuers(next)), waited]);
    // A later change overtook this one while the keys were fetched.
    if (this.#loaded !== next) return;
    this.#gateway.replaceConfig(this.#compile(next));
    this.#inForce = next;
    if (askForClientCertificates(this.#listener, next.config.clientCertificates.mode !== 'Off')) {
      // A new context also ends the sessions of before, which were begun without a certificate and would be resumed so.
      replaceCertificate(this.#listener, next.certificate);
    }
    this.#warn();
    this.#metrics.reloads.inc({ kind: 'config', outcome: 'ok' });
    this.#deps.logger.info({ digest: next.digest }, 'configuration reloaded');
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
    this.#unusedConnections.destroy();
    await listenerClosed;
    clearTimeout(grace);
    this.#gateway.close();
    this.#admin.closeAllConnections();
    await new Promise((resolve) => this.#admin.close(resolve));
  }
}

/** What the key ring needs to know of each issuer. */
function trustedIssuers({ config, caBundles }: LoadedFiles): TrustedIssuer[] {
  return config.issuers.map((issuer) => ({
    config: issuer,
    ca: issuer.jwks.caFile === undefined ? undefined : caBundles.get(issuer.jwks.caFile),
  }));
}
