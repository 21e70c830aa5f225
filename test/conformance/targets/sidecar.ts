// The sidecar of this project as a process with a configuration file. The only file of the suite that knows of our code.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestCertificate } from '../../kit/certificate.ts';
import { waitFor } from '../../kit/wait.ts';
import { ASSERTION, IDENTITY } from '../needs.ts';
import { SIDECAR_PROGRAM } from './sidecar-program.ts';
import { Refused, type IssuerSetup, type Running, type Setup, type Target } from './target.ts';

const ROOT = new URL('../../../', import.meta.url);
const CLOCK = new URL('moved-clock.ts', import.meta.url).href;
/** A process needs half a second; a machine that does ten things at once, much longer (milliseconds). */
const START_TIMEOUT_MS = 30_000;

export const target: Target = {
  name: 'sidecar',
  version: (JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as { version: string }).version,
  supports: () => undefined,
  start: async (setup) => {
    const directory = await mkdtemp(join(tmpdir(), 'conformance-'));
    const sidecar = new Sidecar(directory);
    try {
      await sidecar.start(setup);
      return sidecar;
    } catch (error) {
      await sidecar.stop();
      throw error;
    }
  },
};

let cache: Promise<string> | undefined;

/**
 * A directory with the program compiled: a run starts it some ninety times. Made by a start without a configuration,
 * because Node writes the cache when a process ends by itself.
 */
function compileCache(): Promise<string> {
  cache ??= (async () => {
    const directory = await mkdtemp(join(tmpdir(), 'conformance-cache-'));
    process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
    const child = spawn(
      process.execPath,
      ['--import', CLOCK, SIDECAR_PROGRAM, join(directory, 'absent.json')],
      {
        stdio: 'ignore',
        env: { ...process.env, NODE_COMPILE_CACHE: directory },
      },
    );
    await once(child, 'exit');
    return directory;
  })();
  return cache;
}

class Sidecar implements Running {
  readonly #directory: string;
  #process: ChildProcess | undefined;
  #log = '';
  #adminPort = 0;
  readonly address = { host: '127.0.0.1', port: 0 };

  constructor(directory: string) {
    this.#directory = directory;
  }

  async start(setup: Setup): Promise<void> {
    const file = (name: string) => join(this.#directory, name);
    await writeFile(file('tls.crt'), setup.certificate.cert);
    await writeFile(file('tls.key'), setup.certificate.key);
    await writeFile(file('metadata.key'), setup.metadataKey);
    const { clientId = '', clientSecret = '' } = setup.issuers[0]?.introspection ?? {};
    await writeFile(file('client-id'), clientId);
    await writeFile(file('client-secret'), clientSecret);
    for (const [index, { ca }] of setup.issuers.entries()) await writeFile(file(`ca-${index}.crt`), ca);
    await writeFile(file('config.json'), JSON.stringify(configuration(setup, file)));
    await this.#spawn(file('config.json'));
    if (setup.issuerDown) return;
    await waitFor(() => this.#isFirstFetchOver(), 'the sidecar to ask for keys', START_TIMEOUT_MS);
  }

  async #spawn(configFile: string): Promise<void> {
    const child = spawn(process.execPath, ['--import', CLOCK, SIDECAR_PROGRAM, configFile], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, NODE_COMPILE_CACHE: await compileCache() },
    });
    this.#process = child;
    const collect = (chunk: Buffer) => (this.#log += chunk.toString());
    child.stdout?.on('data', collect);
    child.stderr?.on('data', collect);
    const closed = once(child, 'close').then(() => true);
    await waitFor(
      async () => {
        const line = /"port":(\d+),"adminPort":(\d+)/.exec(this.#log);
        if (line !== null) {
          this.address.port = Number(line[1]);
          this.#adminPort = Number(line[2]);
          return true;
        }
        if (child.exitCode === null) return false;
        await closed;
        throw new Refused(this.#log);
      },
      'the sidecar to listen',
      START_TIMEOUT_MS,
    );
  }

  /** Ready, or it has said why it is not. */
  async #isFirstFetchOver(): Promise<boolean> {
    return (await this.ready()) || this.#log.includes('JWKS fetch failed');
  }

  log(): string {
    return this.#log;
  }

  async ready(): Promise<boolean> {
    return (await this.#ask('/readyz')).ok;
  }

  async observations(): Promise<string> {
    const texts = ['/metrics', '/status', '/readyz'].map(async (path) => (await this.#ask(path)).text());
    return (await Promise.all(texts)).join('\n');
  }

  #ask(path: string): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.#adminPort}${path}`);
  }

  async advance(milliseconds: number): Promise<void> {
    const child = this.#process;
    if (child === undefined) throw new Error('the sidecar is not running');
    const done = once(child, 'message');
    child.send({ advance: milliseconds });
    await done;
  }

  async replaceCertificate({ cert, key }: TestCertificate): Promise<void> {
    await writeFile(join(this.#directory, 'tls.crt'), cert);
    await writeFile(join(this.#directory, 'tls.key'), key);
  }

  terminate(): void {
    this.#process?.kill('SIGTERM');
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await rm(this.#directory, { recursive: true, force: true });
  }
}

const TRANSPORT = {
  maxMessageBytes: 4 * 1024 * 1024,
  messageChecks: 'Enforced',
  unknownSessions: 'NotFound',
  eventStreamKeepAliveSeconds: 0,
  callGraceSeconds: 3600,
  maxStreamSeconds: 28_800,
};

/** The setup in the words of the sidecar's configuration file. */
function configuration(setup: Setup, file: (name: string) => string): object {
  return {
    resource: setup.resource,
    publicHosts: [],
    listen: { host: '127.0.0.1', port: 0 },
    admin: { host: '127.0.0.1', port: 0 },
    tls: { certificateFile: file('tls.crt'), keyFile: file('tls.key') },
    upstream: { url: setup.upstream },
    metadata: metadata(setup, file),
    rootDocument: setup.rootDocument ?? 'Alias',
    mirrorAuthorizationServerMetadata: setup.mirrorsIssuerMetadata ?? false,
    issuers: setup.issuers.map((issuer, index) => issuerConfiguration(setup, issuer, file, index)),
    clockSkewSeconds: setup.clockSkewSeconds,
    dpop: {
      mode: setup.dpop ?? 'Off',
      proofLifetimeSeconds: 60,
      nonces: setup.dpopNonces ? 'Required' : 'Off',
    },
    clientCertificates: { mode: setup.clientCertificates ? 'Accept' : 'Off' },
    claimToHeaders: [{ claim: 'sub', header: IDENTITY }],
    ...(setup.identityAssertion
      ? { identityAssertion: { header: ASSERTION, keyFile: file('metadata.key') } }
      : {}),
    ...(setup.failuresPerMinute ? { failureLimit: { perMinute: setup.failuresPerMinute } } : {}),
    forwardOriginalToken: false,
    requiredScopes: setup.requiredScopes,
    initialScopes: setup.initialScopes ?? 'Baseline',
    scopeHierarchy: Object.entries(setup.scopeHierarchy ?? {}).map(([scope, includes]) => ({
      scope,
      includes,
    })),
    stepUpScopes: setup.stepUpScopes ?? 'Operation',
    allowedOrigins: setup.allowedOrigins,
    logLevel: 'debug',
    drainSeconds: 10,
    transport: { ...TRANSPORT, ...setup.transport },
  };
}

function metadata(setup: Setup, file: (name: string) => string): object {
  const { resourceName, resourceDocumentation, resourcePolicyUri, resourceTosUri } = setup;
  const localized = Object.entries(setup.resourceNames ?? {});
  return defined({
    resourceName,
    resourceDocumentation,
    resourcePolicyUri,
    resourceTosUri,
    localized:
      localized.length > 0
        ? localized.map(([language, name]) => ({ language, resourceName: name }))
        : undefined,
    scopesSupported: setup.scopesSupported,
    signingKeyFile: setup.signedMetadata ? file('metadata.key') : undefined,
  });
}

function issuerConfiguration(
  setup: Setup,
  { issuer, jwksUri, introspection }: IssuerSetup,
  file: (name: string) => string,
  index: number,
): object {
  return defined({
    issuer,
    audiences: setup.audiences,
    audiencePolicy: setup.audiencePolicy,
    algorithms: setup.algorithms,
    tokenProfile: setup.profile,
    jwks: defined({ uri: jwksUri, caFile: file(`ca-${index}.crt`) }),
    introspection: introspection && {
      endpoint: introspection.endpoint,
      clientIdFile: file('client-id'),
      clientSecretFile: file('client-secret'),
    },
  });
}

function defined(members: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
