// `npm start` as a process, on free ports and in a directory of its own, and the proof that it leaves nothing behind.
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { parse, stringify } from 'yaml';
import { freePorts, isFree } from '../kit/free-ports.ts';
import { setField } from './manifests.ts';
import { waitFor } from '../kit/wait.ts';

const ROOT = join(import.meta.dirname, '../..');
const MAIN = join(ROOT, 'src/local/main.ts');
const START_TIMEOUT_MS = 30_000;
const END_TIMEOUT_MS = 15_000;
/** A stack trace: not for a user who only typed something wrong. */
const STACK = /\n\s+at /;

export type Ports = Readonly<Record<'sidecar' | 'admin' | 'server' | 'issuer', number>>;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Settings {
  /** Fields of the sample to replace, by path; a value of `undefined` removes the field. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** Objects beside it in the file: ConfigMaps and Secrets. */
  readonly objects?: readonly object[];
  readonly args?: readonly string[];
  /** Default: free ones. */
  readonly ports?: Ports;
}

/** One process of local mode with what it needs. Made by `begin`, `start` or `end`; `stop` it in every case. */
export class LocalMode {
  readonly directory: string;
  readonly ports: Ports;
  /** All that it wrote, standard output and standard error, as one text. */
  output = '';
  readonly #child: ChildProcess;
  readonly #exit: Promise<Exit>;

  private constructor(directory: string, ports: Ports, args: readonly string[]) {
    this.directory = directory;
    this.ports = ports;
    // A process group of its own, as a terminal gives one: a signal to the group is what Ctrl-C does.
    this.#child = spawn(process.execPath, [MAIN, ...args], {
      cwd: directory,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    }
    this.#exit = new Promise((resolve) =>
      this.#child.once('close', (code, signal) => resolve({ code, signal })),
    );
  }

  /** Spawns it with the sample, changed, as `server.yaml`; does not wait until it is ready. */
  static async begin({ fields = {}, objects = [], args = [], ports }: Settings = {}): Promise<LocalMode> {
    const chosen = ports ?? (await choosePorts());
    const documents = [resource(chosen, fields), ...objects].map((object) => stringify(object));
    const allArgs = ['server.yaml', '--admin-port', String(chosen.admin), ...args];
    return LocalMode.spawn(allArgs, { 'server.yaml': documents.join('---\n') }, chosen);
  }

  /** Spawns it with arguments of your choice, in a directory that holds these files. */
  static async spawn(
    args: readonly string[],
    files: Readonly<Record<string, string>> = {},
    ports: Ports = NO_PORTS,
  ): Promise<LocalMode> {
    const directory = await mkdtemp(join(tmpdir(), 'local-mode-'));
    for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
    return new LocalMode(directory, ports, args);
  }

  /** Starts it and waits until it says that it is ready. From then on this process's `fetch` trusts it. */
  static async start(settings: Settings = {}): Promise<LocalMode> {
    const local = await LocalMode.begin(settings);
    try {
      await local.ready();
      setDefaultCACertificates([...getCACertificates('default'), await local.ca()]);
    } catch (error) {
      await local.stop(); // or the test file would never end
      throw error;
    }
    return local;
  }

  /** The URL to give to an MCP client. */
  get url(): string {
    return `https://localhost:${this.ports.sidecar}/mcp`;
  }

  get issuer(): string {
    return `https://localhost:${this.ports.issuer}/realms/my-realm`;
  }

  adminUrl(path: string): string {
    return `http://127.0.0.1:${this.ports.admin}${path}`;
  }

  /** The local CA's certificate, PEM. */
  ca(): Promise<string> {
    return readFile(join(this.directory, '.local/ca/ca.crt'), 'utf8');
  }

  async ready(): Promise<void> {
    await this.waitForOutput(/^Ready in [\d.]+ s\.$/m, 'local mode to be ready', START_TIMEOUT_MS);
  }

  /** @throws when it ends before it has written that */
  async waitForOutput(pattern: RegExp, what: string, timeoutMs = START_TIMEOUT_MS): Promise<void> {
    const hasEnded = () => this.#child.exitCode !== null || this.#child.signalCode !== null;
    await waitFor(() => pattern.test(this.output) || hasEnded(), what, timeoutMs);
    assert.match(this.output, pattern, `ended before ${what}`);
  }

  /** The answer to one JSON-RPC request with this token, or without one. */
  post(message: object, token?: string): Promise<Response> {
    return fetch(this.url, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
        ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify(message),
    });
  }

  /** The sum of a counter over the labels that are not given. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const text = await (await fetch(this.adminUrl('/metrics'))).text();
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    const lines = text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
    return lines
      .filter((line) => wanted.every((label) => line.includes(label)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  /** The process ids of everything that it runs, itself among them. Only where there is /proc. */
  pids(): Promise<number[]> {
    return processesIn(this.directory);
  }

  /** The one process whose command line holds that text. */
  async pidOf(text: string): Promise<number> {
    const pids = await this.pids();
    const found = pids.filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text));
    assert.equal(found.length, 1, `one process with "${text}": ${found.join(', ')}`);
    return found[0]!;
  }

  /** Ctrl-C: the signal goes to the whole group. */
  signalGroup(signal: NodeJS.Signals): void {
    process.kill(-this.#child.pid!, signal);
  }

  /** What `kill PID` does: only the process that was started gets it. */
  signalMain(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** How it ended, with all output read. */
  async exit(timeoutMs = END_TIMEOUT_MS): Promise<Exit> {
    const ended = await Promise.race([this.#exit, after(timeoutMs)]);
    assert.ok(ended, `local mode has not ended after ${timeoutMs / 1000} s; it wrote:\n${this.output}`);
    return ended;
  }

  /** It has ended and nothing is left: no process, no port, no file of the run; and no output was a stack trace. */
  async assertNothingLeft(): Promise<void> {
    await this.assertCleanEnd();
    for (const [name, port] of Object.entries(this.ports)) {
      assert.ok(port === 0 || (await isFree(port)), `port ${port} (${name}) is still taken`);
    }
  }

  /** The same where the test itself holds the ports. */
  async assertCleanEnd(): Promise<void> {
    await this.exit();
    assert.doesNotMatch(this.output, STACK);
    assert.deepEqual(await this.pids(), [], 'processes that outlived local mode');
    const runs = await readdir(join(this.directory, '.local/run')).catch(() => []);
    assert.deepEqual(runs, [], 'files left in .local/run');
  }

  /** Ctrl-C, as at the end of every session: it ends well and leaves nothing. */
  async end(): Promise<void> {
    try {
      this.signalGroup('SIGINT');
      assert.deepEqual(await this.exit(), { code: 0, signal: null }, this.output);
      await this.assertNothingLeft();
    } finally {
      await this.stop();
    }
  }

  /** Ends everything, however it stands, and removes the directory. */
  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGTERM');
    const ended = await Promise.race([this.#exit, after(END_TIMEOUT_MS)]);
    for (const pid of await this.pids()) process.kill(pid, 'SIGKILL');
    await rm(this.directory, { recursive: true, force: true });
    assert.ok(
      ended,
      `local mode has not ended ${END_TIMEOUT_MS / 1000} s after SIGTERM; it wrote:\n${this.output}`,
    );
  }
}

/** Waits for the end, which must come by itself and leave nothing. @returns what a shell would see of it */
export async function runToEnd(begun: Promise<LocalMode>): Promise<{ code: number | null; output: string }> {
  const local = await begun;
  try {
    const { code } = await local.exit();
    await local.assertNothingLeft();
    return { code, output: local.output };
  } finally {
    await local.stop();
  }
}

const NO_PORTS: Ports = { sidecar: 0, admin: 0, server: 0, issuer: 0 };

export async function choosePorts(): Promise<Ports> {
  const [sidecar = 0, admin = 0, server = 0, issuer = 0] = await freePorts(4);
  return { sidecar, admin, server, issuer };
}

/** The sample on these ports, with the fields replaced. */
export function resource(
  ports: Ports,
  fields: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  const sample = parse(readFileSync(join(ROOT, 'manifests/samples/echo.yaml'), 'utf8')) as Record<
    string,
    unknown
  >;
  const all = {
    'spec.server.port': ports.server,
    'spec.protectedResourceMetadata.resource': `https://localhost:${ports.sidecar}/mcp`,
    'spec.authentication.issuers[0].issuer': `https://localhost:${ports.issuer}/realms/my-realm`,
    ...fields,
  };
  for (const [path, value] of Object.entries(all)) setField(sample, path, value);
  return sample;
}

/** Processes that were started in a directory and are still there: children keep the directory of their parent. */
async function processesIn(directory: string): Promise<number[]> {
  const entries = await readdir('/proc').catch(() => []);
  const pids = entries.filter((name) => /^\d+$/.test(name)).map(Number);
  const directories = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => '')));
  return pids.filter((_, index) => directories[index] === directory);
}

/** Undefined after a while; does not keep the process alive. */
function after(timeoutMs: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), timeoutMs).unref());
}
