// The MCP servers that are put behind the sidecar, on three libraries that are not ours, each as a process.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import project from '../../package.json' with { type: 'json' };
import { FASTMCP_VERSION, PYTHON_SDK_VERSION, python } from '../fastmcp/python.ts';
import { freePorts } from '../support/free-ports.ts';
import { waitFor } from '../support/wait.ts';

const START_TIMEOUT_MS = 60_000;

/** No telemetry, no questions, no settings of somebody's, and nothing written beside the scripts. */
const QUIET = {
  FASTMCP_CHECK_FOR_UPDATES: 'off',
  FASTMCP_ENV_FILE: '/nonexistent',
  NO_COLOR: '1',
  PYTHONDONTWRITEBYTECODE: '1',
};

export interface Upstream {
  /** Library and version. */
  readonly name: string;
  readonly script: string;
  /** What runs the script. */
  readonly program: () => Promise<string>;
}

const pythonProgram = async () => (await python()).program;

export const FASTMCP: Upstream = {
  name: `FastMCP ${FASTMCP_VERSION}`,
  script: 'fastmcp_server.py',
  program: pythonProgram,
};

export const PYTHON_SDK: Upstream = {
  name: `Python SDK ${PYTHON_SDK_VERSION}`,
  script: 'python_sdk.py',
  program: pythonProgram,
};

export const TYPESCRIPT_SDK: Upstream = {
  name: `TypeScript SDK ${project.dependencies['@modelcontextprotocol/server']}`,
  script: 'typescript-sdk.ts',
  program: () => Promise.resolve(process.execPath),
};

/** Made by `start`; `stop` it in every case. */
export class UpstreamProcess {
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

  static async start({ name, script, program }: Upstream): Promise<UpstreamProcess> {
    const [port = 0] = await freePorts(1);
    const child = spawn(await program(), [join(import.meta.dirname, 'servers', script)], {
      env: { ...process.env, ...QUIET, PORT: String(port) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const upstream = new UpstreamProcess(child, port);
    try {
      await waitFor(() => upstream.#isListening(), `${name} to listen`, START_TIMEOUT_MS, 100);
      return upstream;
    } catch (error) {
      await upstream.stop();
      throw error;
    }
  }

  /** As the scenarios need it: some are for localhost only. */
  get url(): string {
    return `http://localhost:${this.port}/mcp`;
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
