// The two arrangements that are compared, at the same authorization server: FastMCP with its own code, and behind the sidecar.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCertificateAuthority } from '../../src/local/certificates/certificate-authority.ts';
import { freePorts } from '../kit/free-ports.ts';
import { LocalMode } from '../support/local-mode.ts';
import { waitFor } from '../kit/wait.ts';
import { startServer } from './programs.ts';
import type { Python } from './python.ts';
import { Side } from './side.ts';

export interface PairOptions {
  readonly python: Python;
  readonly issuer: string;
  /** PEM: what the authorization server's certificate chains to. */
  readonly issuerCa: string;
  readonly requiredScopes?: readonly string[];
  /** Wait until the sidecar has keys (default); not possible while the authorization server is down. */
  readonly untilReady?: boolean;
}

export interface Pair {
  readonly withCode: Side;
  readonly behindSidecar: Side;
  /** PEM, as a file: everything that a client of either has to trust. */
  readonly caFile: string;
  /** Everything that all parts wrote. */
  readonly log: () => string;
  readonly stop: () => Promise<void>;
}

export async function startPair(options: PairOptions): Promise<Pair> {
  const directory = await mkdtemp(join(tmpdir(), 'fastmcp-'));
  const parts: { stop(): Promise<void> }[] = [];
  const stop = async () => {
    await Promise.all(parts.map((part) => part.stop()));
    await rm(directory, { recursive: true, force: true });
  };
  try {
    return { ...(await startParts(options, directory, parts)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startParts(
  { python, issuer, issuerCa, requiredScopes = [], untilReady = true }: PairOptions,
  directory: string,
  parts: { stop(): Promise<void> }[],
): Promise<Omit<Pair, 'stop'>> {
  const authority = await openCertificateAuthority({ directory });
  const names = { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] };
  const tls = await authority.issueServerCertificate({ commonName: 'localhost', ...names });
  const issuerCaFile = join(directory, 'issuer-ca.crt');
  await writeFile(issuerCaFile, issuerCa);

  const [port = 0] = await freePorts(1);
  const env = {
    ISSUER: issuer,
    BASE_URL: `https://localhost:${port}`,
    REQUIRED_SCOPES: requiredScopes.join(' '),
    TLS_CERTIFICATE: tls.certificateFile,
    TLS_KEY: tls.keyFile,
    SSL_CERT_FILE: issuerCaFile,
  };
  const started = <T extends { stop(): Promise<void> }>(part: T): T => (parts.push(part), part);
  const [withCode, without] = await Promise.all([
    startServer(python, 'server_with_auth.py', { port, env }).then(started),
    startServer(python, 'server.py').then(started),
  ]);

  const upstream = ['--upstream', without.url];
  const issuerArgs = ['--issuer', issuer, '--audience', 'echo-mcp-server', '--ca-file', issuerCaFile];
  const scopes = ['--scope', 'echo-mcp-server'];
  const fields = { 'spec.authorization.requiredScopes': requiredScopes };
  const local = started(await LocalMode.begin({ fields, args: [...upstream, ...issuerArgs, ...scopes] }));
  if (untilReady) await local.ready();
  else await waitFor(() => isAlive(local), 'the sidecar to listen');

  const trust = [authority.certificate, await local.ca(), issuerCa].join('\n');
  const caFile = join(directory, 'all.crt');
  await writeFile(caFile, trust);
  return {
    withCode: new Side('FastMCP', port, trust),
    behindSidecar: new Side('the sidecar', local.ports.sidecar, trust),
    caFile,
    log: () => [withCode.log, without.log, local.output].join('\n'),
  };
}

function isAlive(local: LocalMode): Promise<boolean> {
  return fetch(local.adminUrl('/livez')).then(
    ({ ok }) => ok,
    () => false,
  );
}
