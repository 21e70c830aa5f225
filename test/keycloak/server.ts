// A real Keycloak as a process on loopback, with TLS by a certificate that the test makes, and an empty database.
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { Agent, get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../kit/free-ports.ts';
import { selfSigned } from '../kit/certificate.ts';
import { waitFor } from '../kit/wait.ts';
import { KEYCLOAK_VERSION, keycloakCache, keycloakHome } from './distribution.ts';

/** The very first start compiles Keycloak for its options and makes a database: two minutes on two busy cores. */
const START_TIMEOUT_MS = 300_000;
const END_TIMEOUT_MS = 20_000;

/** What a start writes into its own directory, and every later one with the same options finds there. */
const STATE = ['lib', 'data'] as const;

const ADMIN = { username: 'admin', password: 'admin-of-this-test' } as const;

export interface KeycloakOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** Such as ['--features=resource-indicators']. */
  readonly args?: readonly string[];
}

/** `stop` it in every case: it is a Java process of several hundred MiB. */
export class Keycloak {
  readonly port: number;
  /** PEM: what clients must trust. */
  readonly ca: string;
  /** The same, as a file. */
  readonly caFile: string;
  readonly admin = ADMIN;
  /** Everything that it printed. */
  output = '';
  readonly #directory: string;
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;

  private constructor(directory: string, port: number, ca: string, args: readonly string[]) {
    this.#directory = directory;
    this.port = port;
    this.ca = ca;
    this.caFile = join(directory, 'tls.crt');
    this.#args = args;
  }

  /** Returns when it is ready: the realm master and its administrator are there, and nothing else. */
  static async start({ port, args = [] }: KeycloakOptions = {}): Promise<Keycloak> {
    const keycloak = await Keycloak.#prepare(await seed(args), args, port);
    return keycloak.#runOrStop();
  }

  /** One that has never run. */
  static async #prepare(state: string, args: readonly string[], port?: number): Promise<Keycloak> {
    const home = await keycloakHome();
    const directory = await mkdtemp(join(tmpdir(), 'keycloak-'));
    const { cert, key } = await selfSigned();
    await writeFile(join(directory, 'tls.crt'), cert);
    await writeFile(join(directory, 'tls.key'), key, { mode: 0o600 });
    for (const name of ['conf', 'bin'])
      await cp(join(home, name), join(directory, name), { recursive: true });
    // Copied, not linked: two servers must not share what they write.
    for (const name of STATE)
      if (existsSync(join(state, name)))
        await cp(join(state, name), join(directory, name), { recursive: true, preserveTimestamps: true });
    for (const name of ['providers', 'themes']) await symlink(join(home, name), join(directory, name));
    return new Keycloak(directory, port ?? (await freePorts(1))[0]!, cert, args);
  }

  /** Runs once, so that what every later one would make again is in the directory. */
  static async makeSeed(args: readonly string[], directory: string): Promise<void> {
    const keycloak = await (await Keycloak.#prepare(await keycloakHome(), args)).#runOrStop();
    try {
      await keycloak.halt();
      for (const name of STATE)
        await cp(join(keycloak.#directory, name), join(directory, name), {
          recursive: true,
          preserveTimestamps: true,
        });
    } finally {
      await keycloak.stop();
    }
  }

  async #runOrStop(): Promise<this> {
    try {
      await this.run();
      return this;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  get url(): string {
    return `https://localhost:${this.port}`;
  }

  issuer(realm = 'my-realm'): string {
    return `${this.url}/realms/${realm}`;
  }

  /** Starts it, or starts it again on the same database, and waits until it is ready. */
  async run(): Promise<void> {
    const [httpPort] = await freePorts(1); // Development mode opens one in any case, by default the same for all.
    const child = spawn(
      join(this.#directory, 'bin/kc.sh'),
      [
        'start-dev',
        '--http-enabled=false',
        `--http-port=${httpPort}`,
        `--https-port=${this.port}`,
        `--https-certificate-file=${join(this.#directory, 'tls.crt')}`,
        `--https-certificate-key-file=${join(this.#directory, 'tls.key')}`,
        `--hostname=${this.url}`,
        ...this.#args,
      ],
      {
        cwd: this.#directory,
        detached: true, // kc.sh starts Java as its child: both end by their group
        env: {
          ...process.env,
          KC_BOOTSTRAP_ADMIN_USERNAME: this.admin.username,
          KC_BOOTSTRAP_ADMIN_PASSWORD: this.admin.password,
          JAVA_OPTS_KC_HEAP: '-Xms128m -Xmx768m',
          JAVA_OPTS_APPEND: '-XX:TieredStopAtLevel=1', // a short life on few cores
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    this.#child = child;
    process.once('exit', () => this.#signal('SIGKILL')); // a test that ended without `stop`
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    await waitFor(
      async () => child.exitCode !== null || (await this.#answers()),
      `Keycloak to be ready`,
      START_TIMEOUT_MS,
      250,
    );
    if (child.exitCode !== null) throw new Error(`Keycloak ended:\n${this.output.slice(-2000)}`);
  }

  /** SIGTERM; the database stays for `run`. */
  async halt(): Promise<void> {
    if (!this.#isRunning()) return;
    const closed = once(this.#child!, 'close');
    this.#signal('SIGTERM');
    const late = setTimeout(() => this.#signal('SIGKILL'), END_TIMEOUT_MS);
    await closed;
    clearTimeout(late);
  }

  /** Ends it and removes everything of it. */
  async stop(): Promise<void> {
    await this.halt();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #isRunning(): boolean {
    const child = this.#child;
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#isRunning()) process.kill(-this.#child!.pid!, signal);
  }

  #answers(): Promise<boolean> {
    const agent = new Agent({ ca: this.ca });
    return new Promise((resolve) => {
      const request = get(`${this.url}/realms/master`, { agent, timeout: 2000 }, (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      });
      request.on('timeout', () => request.destroy());
      request.on('error', () => resolve(false));
    });
  }
}

/**
 * Compiled for these options, with the database of a first start: kept in the cache, because making it takes five times as
 * long as starting on it.
 */
async function seed(args: readonly string[]): Promise<string> {
  const options = createHash('sha256').update(JSON.stringify(args)).digest('hex').slice(0, 12);
  const directory = join(keycloakCache, `seed-${KEYCLOAK_VERSION}-${options}`);
  if (existsSync(directory)) return directory;
  await keycloakHome(); // makes the cache
  const made = await mkdtemp(join(keycloakCache, 'making-'));
  try {
    await Keycloak.makeSeed(args, made);
    await rename(made, directory);
  } catch (error) {
    if (!existsSync(directory)) throw error; // another process was first
  } finally {
    await rm(made, { recursive: true, force: true });
  }
  return directory;
}
