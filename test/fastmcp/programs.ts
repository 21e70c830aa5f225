// The Python programs of this folder as processes: the two servers on free ports, and the client run to its end.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { CommandError, run } from '../cluster/run.ts';
import { freePorts } from '../support/free-ports.ts';
import { waitFor } from '../support/wait.ts';
import type { Python } from './python.ts';

/** Importing FastMCP takes two seconds on an idle machine. */
const START_TIMEOUT_MS = 60_000;

/** No telemetry, no questions, no colours; a directory without settings of somebody's. */
const QUIET = { FASTMCP_CHECK_FOR_UPDATES: 'off', FASTMCP_ENV_FILE: '/nonexistent', NO_COLOR: '1' };

const file = (name: string) => join(import.meta.dirname, name);

/** Made by `start`; `stop` it in every case. */
export class FastMcpServer {
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

  /** @param env what the server reads, besides HOST and PORT */
  static async start(
    { program }: Python,
    script: 'server.py' | 'server_with_auth.py',
    { port, env = {} }: { port?: number; env?: Readonly<Record<string, string>> } = {},
  ): Promise<FastMcpServer> {
    const chosen = port ?? (await freePorts(1))[0]!;
    const child = spawn(program, [file(script)], {
      env: { ...process.env, ...QUIET, HOST: '127.0.0.1', PORT: String(chosen), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const server = new FastMcpServer(child, chosen);
    try {
      await waitFor(() => server.#isListening(), `${script} to listen`, START_TIMEOUT_MS, 100);
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
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

export interface ClientRequest {
  readonly url: string;
  /** `legacy` is 2025-11-25; `auto` asks for 2026-07-28 first. */
  readonly mode?: 'auto' | 'legacy';
  /** A file: what its `verify` is given. Without it, SSL_CERT_FILE counts. */
  readonly ca?: string;
  /** A bearer token; without one the client logs in. */
  readonly token?: string;
  /** Of a registered client; without one the client registers itself. */
  readonly client_id?: string;
  /** Default: a free one. */
  readonly callback_port?: number;
  /** The arguments of each call of `echo`. */
  readonly calls?: readonly Readonly<Record<string, unknown>>[];
}

/** What an application got of FastMCP's client. */
export interface ClientResult {
  readonly tools: readonly { readonly name: string; readonly inputSchema: unknown }[];
  readonly calls: readonly { readonly is_error: boolean; readonly text: string }[];
  readonly protocol_version: string;
  readonly server: string;
}

/**
 * Runs FastMCP's client. Where it opens a browser, a person logs in as eitan.
 * @param caFile what the browser trusts, and the client too unless `request.ca` says otherwise
 * @throws with what the client threw
 */
export async function runClient(
  { program }: Python,
  request: ClientRequest,
  caFile: string,
): Promise<ClientResult> {
  const browser = [process.execPath, file('browser.ts'), '%s', caFile, '&'].join(' ');
  const trust = request.ca === undefined ? { SSL_CERT_FILE: caFile } : {};
  const env = { ...QUIET, ...trust, NODE_EXTRA_CA_CERTS: caFile, BROWSER: browser };
  try {
    return JSON.parse(
      await run(program, [file('client.py'), JSON.stringify(request)], { env }),
    ) as ClientResult;
  } catch (cause) {
    if (!(cause instanceof CommandError)) throw cause;
    // What it logged before, and what its browser said, is in the cause.
    const lines = cause.stderr.trim().split('\n');
    throw new Error(lines.findLast((line) => /^\w+: /.test(line)) ?? lines.at(-1), { cause });
  }
}
