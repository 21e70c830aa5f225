// A server in another language or library as a process: started, waited for until it listens, and ended.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { waitFor } from './wait.ts';

/** Importing FastMCP takes two seconds on an idle machine. */
const START_TIMEOUT_MS = 60_000;

interface ServerProgram {
  /** For messages. */
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** On loopback; the program learns it from `env` or `args`. */
  readonly port: number;
  readonly env: Readonly<Record<string, string>>;
}

/** Made by `start`; `stop` it in every case. */
export class ServerProcess {
  readonly port: number;
  /** All that it wrote. */
  log = '';
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.log += chunk.toString()));
  }

  /** @param env besides that of this process */
  static async start({ name, program, args, port, env }: ServerProgram): Promise<ServerProcess> {
    const child = spawn(program, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const server = new ServerProcess(child, port);
    try {
      await waitFor(() => server.#isListening(), `${name} to listen`, START_TIMEOUT_MS, 100);
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** The URL of its MCP endpoint where it serves without TLS. */
  get url(): string {
    return `http://127.0.0.1:${this.port}/mcp`;
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL'); // it would wait for open streams
    await once(child, 'exit');
  }

  #isListening(): Promise<boolean> {
    if (this.#child.exitCode !== null) throw new Error(`the server ended:\n${this.log}`);
    return new Promise((resolve) => {
      const socket = connect(this.port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
  }
}
