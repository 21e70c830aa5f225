// One Inspector as a process, as `npx @modelcontextprotocol/inspector` runs it: its ports, its trust, its own home.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { isFree } from '../../kit/free-ports.ts';
import { waitFor } from '../../kit/wait.ts';

const START_TIMEOUT_MS = 60_000;
const END_TIMEOUT_MS = 30_000;
/** Its default ones, which the redirect URIs and the allowed origins of the samples name: the page, and line 1's proxy. */
const PORTS = [6274, 6277];
const PAGE_URL = /^ +(http:\/\/\S+:6274\/?\?\S+)$/m;

export interface InspectorOptions {
  /** The script that it is started by. */
  readonly program: string;
  /** PEM: what it trusts besides the public authorities. */
  readonly ca: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** In its home, which is its working directory too: name and text. */
  readonly files?: Readonly<Record<string, string>>;
}

/** `stop` it in every case. */
export class InspectorProcess {
  /** What it printed. */
  output = '';
  readonly #home: string;
  readonly #child: ChildProcess;
  readonly #kill = () => this.#signal('SIGKILL');

  private constructor(home: string, { program, args = [], env = {} }: InspectorOptions) {
    this.#home = home;
    this.#child = spawn(process.execPath, [program, ...args], {
      cwd: home,
      detached: true, // line 1 starts programs of its own: all end by their group
      env: {
        ...process.env,
        PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter), // it starts `node`
        HOME: home,
        NODE_EXTRA_CA_CERTS: join(home, 'ca.crt'),
        MCP_AUTO_OPEN_ENABLED: 'false',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    process.once('exit', this.#kill); // an uncaught error must not leave it behind
  }

  /** Returns when its page can be opened. */
  static async start(options: InspectorOptions): Promise<InspectorProcess> {
    const taken = await takenPort();
    if (taken !== undefined) throw new Error(`port ${taken} is taken: is another Inspector running?`);
    const home = await mkdtemp(join(tmpdir(), 'inspector-'));
    const files = { 'ca.crt': options.ca, ...options.files };
    for (const [name, text] of Object.entries(files)) await writeFile(join(home, name), text);
    const inspector = new InspectorProcess(home, options);
    try {
      await waitFor(
        () => inspector.#hasEnded() || inspector.#url !== undefined,
        'the Inspector',
        START_TIMEOUT_MS,
      );
      if (inspector.#hasEnded()) throw new Error('the Inspector ended');
      return inspector;
    } catch (error) {
      await inspector.stop();
      throw new Error(`the Inspector does not start; it wrote:\n${inspector.output}`, { cause: error });
    }
  }

  /** Of its page, with the token that it asks for. */
  get url(): string {
    return this.#url ?? '';
  }

  /** Ends it; returns when the next one can start. */
  async stop(): Promise<void> {
    if (!this.#hasEnded()) {
      const closed = once(this.#child, 'close');
      this.#signal('SIGTERM');
      await closed;
    }
    process.off('exit', this.#kill);
    await waitFor(
      async () => (await takenPort()) === undefined,
      'the ports of the Inspector',
      END_TIMEOUT_MS,
    );
    await rm(this.#home, { recursive: true, force: true });
  }

  get #url(): string | undefined {
    return PAGE_URL.exec(this.output)?.[1];
  }

  /** To it and to what it started. */
  #signal(signal: NodeJS.Signals): void {
    if (this.#child.pid !== undefined && !this.#hasEnded()) process.kill(-this.#child.pid, signal);
  }

  #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }
}

async function takenPort(): Promise<number | undefined> {
  for (const port of PORTS) if (!(await isFree(port))) return port;
  return undefined;
}
