// The Python programs of this folder as processes: the two servers on free ports, and the client run to its end.
import { join } from 'node:path';
import { CommandError, run } from '../cluster/run.ts';
import { freePorts } from '../kit/free-ports.ts';
import { ServerProcess } from '../kit/server-process.ts';
import type { Python } from './python.ts';

/** No telemetry, no questions, no colours; a directory without anyone's settings. */
const QUIET = { FASTMCP_CHECK_FOR_UPDATES: 'off', FASTMCP_ENV_FILE: '/nonexistent', NO_COLOR: '1' };

const file = (name: string) => join(import.meta.dirname, name);

/** @param env what the server reads, besides HOST and PORT */
export async function startServer(
  { program }: Python,
  script: 'server.py' | 'server_with_auth.py',
  { port, env = {} }: { port?: number; env?: Readonly<Record<string, string>> } = {},
): Promise<ServerProcess> {
  const chosen = port ?? (await freePorts(1))[0]!;
  return ServerProcess.start({
    name: script,
    program,
    args: [file(script)],
    port: chosen,
    env: { ...QUIET, HOST: '127.0.0.1', PORT: String(chosen), ...env },
  });
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
