// The realm program as a process, with a configuration and its files in a directory of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Keycloak } from './server.ts';

const MAIN = join(import.meta.dirname, '../../src/realm/main.ts');

/** The MCP Inspector's, 1.x and 2.x. */
export const REDIRECT_URIS = [
  'http://localhost:6274/oauth/callback',
  'http://localhost:6274/oauth/callback/debug',
  'http://127.0.0.1:6274/oauth/callback',
  'http://127.0.0.1:6274/oauth/callback/debug',
  'http://127.0.0.1:6276/oauth/callback',
];
export const WEB_ORIGINS = ['http://localhost:6274', 'http://127.0.0.1:6274'];

export interface Result {
  readonly code: number | null;
  /** Lines of standard output. */
  readonly lines: readonly string[];
  readonly stderr: string;
}

export interface RunOptions {
  readonly args?: readonly string[];
  /** Replace parts of the configuration. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Replace parts of `keycloak` in it. */
  readonly keycloak?: Readonly<Record<string, unknown>>;
  /** Replace or add files, by name. */
  readonly files?: Readonly<Record<string, string>>;
}

/** As `values-development.yaml` says it, but for where Keycloak is. */
export function configuration({ url, caFile }: Keycloak) {
  return {
    keycloak: {
      url,
      caFile,
      waitSeconds: 30,
      admin: { usernameFile: 'username', passwordFile: 'password' },
    },
    realm: 'my-realm',
    audiences: [{ scope: 'echo-mcp-server', audience: 'echo-mcp-server' }],
    clients: [
      {
        clientId: 'mcp-client',
        name: 'MCP client',
        redirectUris: REDIRECT_URIS,
        webOrigins: WEB_ORIGINS,
      },
    ],
    users: [
      {
        username: 'eitan',
        firstName: 'Eitan',
        lastName: 'Test',
        email: 'eitan@example.com',
        passwordFile: 'eitan',
      },
    ],
    clientRegistration: { trustedHosts: ['localhost', '127.0.0.1'], webOrigins: WEB_ORIGINS },
  };
}

/** Runs it to its end. */
export async function runRealm(keycloak: Keycloak, options: RunOptions = {}): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), 'realm-'));
  try {
    const standard = configuration(keycloak);
    const config = {
      ...standard,
      ...options.config,
      keycloak: { ...standard.keycloak, ...options.keycloak },
    };
    const files = {
      'config.yaml': stringify(config),
      username: keycloak.admin.username,
      password: `${keycloak.admin.password}\n`, // as an editor leaves it
      eitan: 'test',
      ...options.files,
    };
    for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
    return await runProgram(['--config', join(directory, 'config.yaml'), ...(options.args ?? [])]);
  } finally {
    await rm(directory, { recursive: true });
  }
}

export async function runProgram(args: readonly string[]): Promise<Result> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, lines: stdout.split('\n').filter((line) => line !== ''), stderr };
}
