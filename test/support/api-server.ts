// A real etcd and kube-apiserver on loopback, for tests that want the real answers. No nodes, no controllers.
import 'reflect-metadata'; // @peculiar/x509 needs it before it is loaded
import { spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync, randomBytes, webcrypto } from 'node:crypto';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { kubeConfigCredentials } from '../../src/kube/credentials.ts';
import { createTransport } from '../../src/kube/transport.ts';
import { freePorts } from '../kit/free-ports.ts';

const KUBERNETES_VERSION = 'v1.34.4';
const READY_MS = 60_000;
const DAY_MS = 86_400_000;

export interface ApiServer {
  readonly url: string;
  /** A kubeconfig whose user is in `system:masters`. */
  readonly config: KubeConfig;
  /** Ends the API server without warning (SIGKILL); etcd goes on. */
  kill(): Promise<void>;
  /** Starts it again, on the same port, and waits until it is ready. */
  restart(): Promise<void>;
  /** Drops all history from etcd: older versions are gone. */
  compact(): Promise<void>;
  stop(): Promise<void>;
}

export interface ApiServerOptions {
  /** Flags of kube-apiserver, added to ours. */
  readonly flags?: readonly string[];
}

/**
 * Starts both in a directory of their own, with certificates of their own.
 * @throws Error when the programs are not there: a suite that tests nothing must not pass
 */
export async function startApiServer({ flags = [] }: ApiServerOptions = {}): Promise<ApiServer> {
  const programs = findPrograms();
  const directory = mkdtempSync(join(tmpdir(), 'api-server-'));
  const [etcdPort = 0, peerPort = 0, port = 0] = await freePorts(3);
  const url = `https://127.0.0.1:${port}`;
  const etcdUrl = `http://127.0.0.1:${etcdPort}`;
  const files = await writeCertificates(directory);
  const config = kubeConfig(url, files);

  const run = (program: 'etcd' | 'kube-apiserver', args: readonly string[]): ChildProcess => {
    const log = openSync(join(directory, `${program}.log`), 'a');
    const child = spawn(programs[program], args, { stdio: ['ignore', log, log] });
    exitOnSignals();
    const killWithUs = () => void child.kill('SIGKILL');
    process.once('exit', killWithUs);
    child.once('exit', () => process.removeListener('exit', killWithUs));
    return child;
  };
  const startServer = async (): Promise<ChildProcess> => {
    const child = run('kube-apiserver', [...serverFlags(files, etcdUrl, port), ...flags]);
    await untilReady(child, config, join(directory, 'kube-apiserver.log'));
    return child;
  };

  const etcd = run('etcd', etcdFlags(join(directory, 'data'), etcdUrl, `http://127.0.0.1:${peerPort}`));
  let server = await startServer();
  return {
    url,
    config,
    kill: () => end(server, 'SIGKILL'),
    restart: async () => {
      server = await startServer();
    },
    compact: () => compact(etcdUrl),
    stop: async () => {
      await end(server, 'SIGKILL'); // it would wait a minute for watches
      await end(etcd, 'SIGTERM');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function findPrograms(): Record<'etcd' | 'kube-apiserver', string> {
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  const bin = process.env['KUBE_BIN'] || join(cache, 'protected-mcp', 'cluster', KUBERNETES_VERSION, 'bin');
  const programs = { etcd: join(bin, 'etcd'), 'kube-apiserver': join(bin, 'kube-apiserver') };
  for (const program of Object.values(programs)) {
    try {
      accessSync(program, constants.X_OK);
    } catch (cause) {
      throw new Error(`${program} is not there: build it first, or set KUBE_BIN to its directory`, { cause });
    }
  }
  return programs;
}

/** A signal without a handler would end this process without its `exit` event, and leave the programs running. */
function exitOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    if (process.listenerCount(signal) === 0) process.on(signal, () => process.exit(1));
  }
}

function etcdFlags(data: string, url: string, peerUrl: string): string[] {
  return [
    `--data-dir=${data}`,
    '--unsafe-no-fsync',
    '--log-level=warn',
    `--listen-client-urls=${url}`,
    `--advertise-client-urls=${url}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=default=${peerUrl}`,
  ];
}

function serverFlags(files: CertificateFiles, etcdUrl: string, port: number): string[] {
  return [
    `--etcd-servers=${etcdUrl}`,
    '--etcd-compaction-interval=0', // only when a test says so
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    '--endpoint-reconciler-type=none',
    `--secure-port=${port}`,
    '--service-cluster-ip-range=10.0.0.0/24',
    `--client-ca-file=${files.ca}`,
    `--tls-cert-file=${files.server}`,
    `--tls-private-key-file=${files.serverKey}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${files.serverKey}`,
    `--service-account-signing-key-file=${files.serverKey}`,
    '--authorization-mode=RBAC',
    '--disable-admission-plugins=ServiceAccount', // nothing makes the accounts
    '--profiling=false',
  ];
}

async function untilReady(child: ChildProcess, config: KubeConfig, log: string): Promise<void> {
  const credentials = kubeConfigCredentials(config);
  const transport = createTransport(credentials, { userAgent: 'test' });
  const { signal } = new AbortController();
  const end = Date.now() + READY_MS;
  for (;;) {
    try {
      // Answers 200 when all is up; "ok" is no JSON, and only that is wrong with it then.
      await transport.call({ what: 'readyz', method: 'GET', path: '/readyz', signal, deadlineMs: 2_000 });
    } catch (error) {
      if ((error as { code?: unknown }).code === 'malformed') break;
      if (child.exitCode !== null || child.signalCode !== null || Date.now() > end) {
        const lines = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-20).join('\n');
        throw new Error(`kube-apiserver is not ready:\n${lines}`, { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  await credentials.destroy();
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}

/** Through etcd's JSON gateway. */
async function compact(etcdUrl: string): Promise<void> {
  const ask = async (path: string, body: object): Promise<unknown> => {
    const response = await fetch(etcdUrl + path, { method: 'POST', body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`etcd ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  const { header } = (await ask('/v3/kv/range', { key: 'AA==' })) as { header: { revision: string } };
  await ask('/v3/kv/compaction', { revision: header.revision, physical: true });
}

interface CertificateFiles {
  readonly ca: string;
  readonly server: string;
  readonly serverKey: string;
  readonly client: string;
  readonly clientKey: string;
}

/** A CA, a certificate for loopback, and one for a client in `system:masters`. */
async function writeCertificates(directory: string): Promise<CertificateFiles> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const validity = { notBefore: new Date(Date.now() - DAY_MS), notAfter: new Date(Date.now() + DAY_MS) };
  const write = (name: string, content: string): string => {
    const file = join(directory, name);
    writeFileSync(file, content, { mode: 0o600 });
    return file;
  };
  const key = async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' });
    const spki = publicKey.export({ type: 'spki', format: 'der' });
    return {
      pem: privateKey.export({ type: 'sec1', format: 'pem' }).toString(), // what the API server signs tokens with
      privateKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, true, ['sign']),
      publicKey: await webcrypto.subtle.importKey('spki', spki, algorithm, true, ['verify']),
    };
  };
  const authority = await key();
  const serialNumber = () => `01${randomBytes(8).toString('hex')}`;
  const ca = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: 'CN=test-ca',
    ...validity,
    keys: authority,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
    ],
  });
  const issue = async (name: string, subject: string, usage: ExtendedKeyUsage) => {
    const pair = await key();
    const certificate = await X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject,
      issuer: ca.subject,
      ...validity,
      publicKey: pair.publicKey,
      signingKey: authority.privateKey,
      signingAlgorithm: algorithm,
      extensions: [
        new ExtendedKeyUsageExtension([usage]),
        new SubjectAlternativeNameExtension([
          { type: 'dns', value: 'localhost' },
          { type: 'ip', value: '127.0.0.1' },
        ]),
      ],
    });
    return {
      certificate: write(`${name}.crt`, certificate.toString('pem')),
      key: write(`${name}.key`, pair.pem),
    };
  };
  const server = await issue('server', 'CN=kube-apiserver', ExtendedKeyUsage.serverAuth);
  const client = await issue('client', 'O=system:masters,CN=test-admin', ExtendedKeyUsage.clientAuth);
  return {
    ca: write('ca.crt', ca.toString('pem')),
    server: server.certificate,
    serverKey: server.key,
    client: client.certificate,
    clientKey: client.key,
  };
}

function kubeConfig(server: string, files: CertificateFiles): KubeConfig {
  const config = new KubeConfig();
  const base64 = (file: string) => readFileSync(file).toString('base64');
  config.loadFromClusterAndUser(
    { name: 'test', server, caData: base64(files.ca), skipTLSVerify: false },
    { name: 'admin', certData: base64(files.client), keyData: base64(files.clientKey) },
  );
  return config;
}
