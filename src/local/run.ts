// Carries out a plan: writes its files, starts its parts, waits until they are ready, and ends them all.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { connect } from 'node:net';
import { httpRequest } from '../base/http-request.ts';
import { aborted } from '../base/shutdown.ts';
import { withoutBrackets } from '../protocol/host.ts';
import { ADMIN_PATHS } from '../protocol/sidecar-status.ts';
import type { CertificateAuthority } from './certificates/certificate-authority.ts';
import type { Plan } from './plan/plan.ts';
import { portProblems, type NeededPort } from './ports.ts';
import { ChildError, Children } from './processes.ts';

const ECHO_MAIN = new URL('../echo/main.ts', import.meta.url).pathname;
const SIDECAR_MAIN = new URL('../sidecar/main.ts', import.meta.url).pathname;
const READY_TIMEOUT_MS = 30_000;
const POLL_MS = 20;
/** Bounds of one look at the sidecar's readiness. */
const READINESS = { timeoutMs: 5_000, maxBytes: 64 * 1024 } as const;

export interface RunOptions {
  readonly directory: string;
  readonly authority: CertificateAuthority;
  /** Aborted to stop the run. */
  readonly stop: AbortSignal;
  /** Writes a line of a part's output. */
  readonly print: (line: string) => void;
}

/** A run could not begin or did not become ready: the message is for the person who started it. */
class RunError extends Error {
  readonly code = 'ERR_LOCAL_RUN';

  constructor(message: string) {
    super(message);
    this.name = 'RunError';
  }
}

/**
 * Starts everything and resolves when it has all ended, after `stop` or because a part failed. Nothing is left behind:
 * no process, no file of the run.
 * @throws RunError, or an error of a part, with a message for people
 */
export async function run(plan: Plan, options: RunOptions, onReady: () => void): Promise<void> {
  const { directory, stop, print } = options;
  const problems = await portProblems(neededPorts(plan));
  if (problems.length > 0) throw new RunError(problems.join('\n'));

  const failure = new AbortController();
  const end = AbortSignal.any([stop, failure.signal]);
  const children = new Children((error) => failure.abort(error));
  let authorizationServer: { close(): Promise<void> } | undefined;
  try {
    if (plan.process !== undefined)
      children.start({ label: 'server', print, ...serverCommand(plan.process) });
    await writeFiles(plan, options);
    authorizationServer = await startAuthorizationServer(plan, options);
    children.start({
      label: 'sidecar',
      command: [process.execPath, SIDECAR_MAIN, configFile(directory)],
      env: {},
      print,
    });
    await ready(plan, end);
    if (!end.aborted) onReady();
    await aborted(end);
  } finally {
    await Promise.all([children.stop(), authorizationServer?.close()]);
    await rm(directory, { recursive: true, force: true });
  }
  // Whichever came first: after Ctrl-C parts may end by the same signal, and that is no failure.
  if (end.reason instanceof ChildError) throw end.reason;
}

function neededPorts(plan: Plan): NeededPort[] {
  const { config, upstream, authorizationServer } = plan;
  return [
    { port: config.listen.port, what: 'the sidecar (the port of spec.protectedResourceMetadata.resource)' },
    { port: config.admin.port, what: "the sidecar's admin listener (--admin-port)" },
    ...(plan.process ? [{ port: upstream.port, what: 'the MCP server (spec.server.port)' }] : []),
    ...(authorizationServer
      ? [
          {
            port: authorizationServer.port,
            what: 'the authorization server (the port of the issuer; --issuer uses a running one)',
          },
        ]
      : []),
  ];
}

function serverCommand(process_: NonNullable<Plan['process']>): {
  command: readonly string[];
  env: Readonly<Record<string, string>>;
} {
  return process_.kind === 'echo'
    ? { command: [process.execPath, ECHO_MAIN], env: process_.env }
    : { command: process_.command, env: process_.env };
}

function configFile(directory: string): string {
  return join(directory, 'config.json');
}

async function writeFiles(plan: Plan, { directory, authority }: RunOptions): Promise<void> {
  const { certificateFile, keyFile } = plan.config.tls;
  const pair =
    'given' in plan.certificate
      ? plan.certificate.given
      : await authority.issueServerCertificate({
          name: `sidecar-${plan.server.metadata.name}`,
          commonName: plan.certificate.dnsNames[0] ?? 'localhost',
          dnsNames: [...plan.certificate.dnsNames],
          ipAddresses: ['127.0.0.1', '::1'],
        });
  const files = new Map([
    [certificateFile, pair.certificate],
    [keyFile, pair.key],
    [configFile(directory), JSON.stringify(plan.config, undefined, 2)],
    ...plan.files,
  ]);
  for (const [file, content] of files) {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(file, content, { mode: 0o600 });
  }
}

/** Loaded only where it is needed: it is the largest part of the start-up time. */
async function startAuthorizationServer(
  { authorizationServer }: Plan,
  { authority }: RunOptions,
): Promise<{ close(): Promise<void> } | undefined> {
  if (authorizationServer === undefined) return undefined;
  const [module, pair] = await Promise.all([
    import('./authorization-server/authorization-server.ts'),
    authority.issueServerCertificate({
      name: 'authorization-server',
      commonName: 'localhost',
      dnsNames: ['localhost'],
      ipAddresses: ['127.0.0.1', '::1'],
    }),
  ]);
  return module.startAuthorizationServer({ tls: pair, ...authorizationServer });
}

/** Ready is when the sidecar says so: it has keys, and the server takes connections. */
async function ready({ config, upstream }: Plan, end: AbortSignal): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  let problem = 'no response from the sidecar';
  while (!end.aborted) {
    try {
      const url = `http://127.0.0.1:${config.admin.port}${ADMIN_PATHS.ready}`;
      const { status, body } = await httpRequest(url, { ...READINESS, signal: end });
      if (status === 200) return;
      problem = body.toString('utf8').trim();
    } catch {
      problem = (await accepts(new URL(upstream.url)))
        ? problem
        : `no response from the MCP server at ${upstream.url}`;
    }
    if (Date.now() > deadline) throw new RunError(`not ready after ${READY_TIMEOUT_MS / 1000} s: ${problem}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function accepts({ hostname, port }: URL): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: withoutBrackets(hostname), port: Number(port) });
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
