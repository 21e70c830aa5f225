// The real sidecar as a process, with a configuration made for one test file. Nothing of its code runs in here.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile, rename } from 'node:fs/promises';
import { request, type RequestOptions } from 'node:https';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SidecarStatus } from '../../src/protocol/sidecar-status.ts';
import type { SidecarConfig } from '../../src/sidecar/config/config.ts';
import { SIDECAR_PROGRAM } from '../conformance/targets/sidecar-program.ts';
import { selfSigned, type TestCertificate } from '../kit/certificate.ts';
import { Answer, readAll } from '../kit/http.ts';
import { AUDIENCE, TestIssuer } from '../kit/issuer.ts';
import { TestUpstream } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';

/** A process needs half a second; a machine that does ten things at once, much longer (milliseconds). */
const START_TIMEOUT_MS = 30_000;
const CLOCK = new URL('../conformance/targets/moved-clock.ts', import.meta.url).href;

export interface CallOptions {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string;
  readonly agent?: RequestOptions['agent'];
  readonly signal?: AbortSignal;
  /** What the client shows in the handshake, if it is asked. */
  readonly clientCertificate?: TestCertificate;
}

/** A small legacy-era call; the scripted upstream answers it. */
export const PING = '{"jsonrpc":"2.0","id":1,"method":"ping"}';

/** The CRD's defaults, but for the keep-alive: streams are compared byte for byte. */
export const TRANSPORT: SidecarConfig['transport'] = {
  maxMessageBytes: 4_194_304,
  messageChecks: 'Enforced',
  unknownSessions: 'NotFound',
  eventStreamKeepAliveSeconds: 0,
  callGraceSeconds: 3600,
  maxStreamSeconds: 28_800,
};

/** What differs from the default start of a TestBed. */
interface StartOptions {
  /** Members of the configuration to replace. */
  readonly config?: (defaults: SidecarConfig) => Partial<SidecarConfig>;
  /** Whether the issuer answers when the sidecar starts; if not, readiness is not waited for. */
  readonly issuerUp?: boolean;
  /** Of the public listener and of the issuer; made for the occasion if not given. */
  readonly certificate?: TestCertificate;
  /** Let `advance` move the clock of the process. */
  readonly movableClock?: boolean;
  /** The sidecar's program, where it is not that of this checkout. */
  readonly program?: string;
}

/** One sidecar process with an issuer and an upstream of its own. */
export class TestBed {
  readonly certificate: TestCertificate;
  readonly issuer: TestIssuer;
  readonly upstream: TestUpstream;
  readonly directory: string;
  config: SidecarConfig;
  port = 0;
  adminPort = 0;
  /** Everything that the process wrote to standard output and error. */
  log = '';
  #process: ChildProcess | undefined;

  private constructor(parts: Pick<TestBed, 'certificate' | 'issuer' | 'upstream' | 'directory' | 'config'>) {
    this.certificate = parts.certificate;
    this.issuer = parts.issuer;
    this.upstream = parts.upstream;
    this.directory = parts.directory;
    this.config = parts.config;
  }

  /** Starts issuer, upstream and sidecar, and waits until it is ready. */
  static async start(options: StartOptions = {}): Promise<TestBed> {
    const { config: change = () => ({}), issuerUp = true, movableClock = false } = options;
    const { certificate = await selfSigned(), program = SIDECAR_PROGRAM } = options;
    const directory = await mkdtemp(join(tmpdir(), 'sidecar-test-'));
    const [issuer, upstream] = await Promise.all([TestIssuer.start(certificate), TestUpstream.start()]);
    const file = (name: string) => join(directory, name);
    const defaults: SidecarConfig = {
      resource: 'https://localhost:8001/mcp',
      publicHosts: [],
      listen: { host: '127.0.0.1', port: 0 },
      admin: { host: '127.0.0.1', port: 0 },
      tls: { certificateFile: file('tls.crt'), keyFile: file('tls.key') },
      upstream: { url: upstream.url },
      metadata: { scopesSupported: [] },
      rootDocument: 'Alias',
      mirrorAuthorizationServerMetadata: false,
      issuers: [
        {
          issuer: issuer.issuer,
          audiences: [AUDIENCE],
          audiencePolicy: 'Any',
          algorithms: ['RS256', 'ES256'],
          tokenProfile: 'Compat',
          jwks: { caFile: file('ca.crt') },
        },
      ],
      clockSkewSeconds: 5,
      claimToHeaders: [{ claim: 'sub', header: 'X-Mcp-Subject' }],
      forwardOriginalToken: false,
      requiredScopes: ['mcp:basic'],
      initialScopes: 'Baseline',
      scopeHierarchy: [],
      stepUpScopes: 'Operation',
      dpop: { mode: 'Off', proofLifetimeSeconds: 60, nonces: 'Off' },
      clientCertificates: { mode: 'Off' },
      allowedOrigins: ['http://localhost:6274'],
      transport: TRANSPORT,
      logLevel: 'debug',
      drainSeconds: 10,
    };
    issuer.up = issuerUp;
    const config = { ...defaults, ...change(defaults) };
    await writeFile(file('ca.crt'), certificate.cert);
    const bed = new TestBed({ certificate, issuer, upstream, directory, config });
    await bed.writeCertificate(certificate);
    await bed.writeConfig(config);
    try {
      await bed.#spawn([...(movableClock ? ['--import', CLOCK] : []), program]);
      if (issuerUp) await bed.ready();
    } catch (error) {
      await bed.stop(); // or the test file would never end
      throw error;
    }
    return bed;
  }

  get configFile(): string {
    return join(this.directory, 'config.json');
  }

  get pid(): number {
    if (this.#process?.pid === undefined) throw new Error('the sidecar is not running');
    return this.#process.pid;
  }

  /** Replaces the configuration file as a whole, as a mounted ConfigMap does. */
  async writeConfig(config: SidecarConfig): Promise<void> {
    await writeFile(`${this.configFile}.new`, JSON.stringify(config));
    await rename(`${this.configFile}.new`, this.configFile);
    this.config = config;
  }

  async writeCertificate({ cert, key }: TestCertificate): Promise<void> {
    await writeFile(this.config.tls.keyFile, key);
    await writeFile(this.config.tls.certificateFile, cert);
  }

  async #spawn(args: readonly string[]): Promise<void> {
    const child = spawn(process.execPath, [...args, this.configFile], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#process = child;
    const collect = (chunk: Buffer) => (this.log += chunk.toString());
    child.stdout?.on('data', collect);
    child.stderr?.on('data', collect);
    await waitFor(
      () => {
        if (child.exitCode !== null)
          throw new Error(`the sidecar ended with ${child.exitCode}:\n${this.log}`);
        const line = /"port":(\d+),"adminPort":(\d+)/.exec(this.log);
        if (line === null) return false;
        this.port = Number(line[1]);
        this.adminPort = Number(line[2]);
        return true;
      },
      'the sidecar to listen',
      START_TIMEOUT_MS,
    );
  }

  /** By how much its clock was moved (milliseconds). */
  advanced = 0;

  /** Moves the clock of the process, which was started with one that can be moved. */
  async advance(milliseconds: number): Promise<void> {
    const child = this.#process;
    if (child === undefined) throw new Error('the sidecar is not running');
    const done = once(child, 'message');
    child.send({ advance: milliseconds });
    await done;
    this.advanced += milliseconds;
  }

  /** Replaces members of the configuration, and waits until that is in force. */
  async takeOver(changes: Partial<SidecarConfig>): Promise<void> {
    const reloads = () => this.log.split('configuration reloaded').length;
    const before = reloads();
    await this.writeConfig({ ...this.config, ...changes });
    await waitFor(() => reloads() > before, 'the configuration to be taken over');
  }

  async ready(): Promise<void> {
    await waitFor(
      async () => (await fetch(this.adminUrl('/readyz'))).ok,
      'the sidecar to be ready',
      START_TIMEOUT_MS,
    );
  }

  adminUrl(path: string): string {
    return `http://127.0.0.1:${this.adminPort}${path}`;
  }

  /** The value of a metric without labels. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(this.adminUrl('/metrics'))).text();
    const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1];
    if (value === undefined) throw new Error(`there is no metric ${name}`);
    return Number(value);
  }

  async status(): Promise<SidecarStatus> {
    return (await (await fetch(this.adminUrl('/status'))).json()) as SidecarStatus;
  }

  /** TLS options of a client that trusts this sidecar. */
  get tls(): { host: string; port: number; servername: string; ca: string } {
    return { host: '127.0.0.1', port: this.port, servername: 'localhost', ca: this.certificate.cert };
  }

  /** A request that is not ended yet; POST to the MCP path unless told otherwise. */
  request({
    method = 'POST',
    path = '/mcp',
    headers = {},
    agent = false,
    signal,
    clientCertificate,
  }: CallOptions = {}): ClientRequest {
    const type = method === 'POST' ? { 'Content-Type': 'application/json' } : {};
    const defaults = { Host: 'localhost:8001', ...type };
    return request({
      ...this.tls,
      ...(clientCertificate && { cert: clientCertificate.cert, key: clientCertificate.key }),
      method,
      path,
      agent,
      headers: { ...defaults, ...headers },
      ...(signal && { signal }),
    });
  }

  /** Sends a request and gives the response as soon as its head is there. */
  async open(options: CallOptions = {}): Promise<IncomingMessage> {
    const req = this.request(options);
    req.end(options.body ?? (options.method === undefined || options.method === 'POST' ? PING : undefined));
    const [res] = (await once(req, 'response')) as [IncomingMessage];
    req.on('error', () => undefined); // from here on a cut connection shows in the response
    return res;
  }

  /** A listening stream: GET with a good token, given as soon as its head is there. */
  openStream(): Promise<IncomingMessage> {
    const headers = { Authorization: `Bearer ${this.issuer.token()}`, Accept: 'text/event-stream' };
    return this.open({ method: 'GET', headers });
  }

  /** One request, and its response read to the end. */
  async call(options: CallOptions = {}): Promise<Answer> {
    const res = await this.open(options);
    return new Answer(res, (await readAll(res)).toString());
  }

  /** A call with a bearer token. */
  callWith(token: string, options: CallOptions = {}): Promise<Answer> {
    return this.call({ ...options, headers: { Authorization: `Bearer ${token}`, ...options.headers } });
  }

  /** Sends SIGTERM and waits for the end. @returns the exit code */
  async terminate(): Promise<number | null> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null) return child?.exitCode ?? null;
    child.kill('SIGTERM');
    const [code] = (await once(child, 'exit')) as [number | null];
    return code;
  }

  /** Ends everything that `start` began. */
  async stop(): Promise<void> {
    const child = this.#process;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await Promise.all([this.issuer.close(), this.upstream.close()]);
    await rm(this.directory, { recursive: true, force: true });
  }
}
