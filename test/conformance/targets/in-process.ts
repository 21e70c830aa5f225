// What targets have in common that are a library inside the MCP server: a program on TLS, and the cases that are not about it.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../kit/free-ports.ts';
import { waitFor } from '../../kit/wait.ts';
import { IDENTITY, type Needs } from '../needs.ts';
import { Refused, type Running, type Setup } from './target.ts';

const PROXY = 'a duty of a proxy, and the library is inside the server';
const TRANSPORT = 'of the MCP transport, for which the recording handler stands in';
const HTTP = 'of the HTTP server, which the application chooses';
const CORS = 'CORS of the endpoint is left to the application';
const DISCOVERY = 'where the keys are is configured, not discovered';

const PROXIED = ['B22', 'C42', 'D2', 'D5', 'D6', 'D7', 'D8', 'D9', 'D10', 'D11', 'D14', 'D15', 'D18', 'D20'];
const RELAYED = [
  'D3',
  'D4',
  'F9',
  'G1',
  'G2',
  'G3',
  'G4',
  'G5',
  'G6',
  'G14',
  'G15',
  'G17',
  'G21',
  'H2',
  'H3',
  'H4',
];
const MESSAGES = ['D12', 'D13', 'D27', 'D28', 'D29', 'D30', 'D31', 'D32', 'D33', 'D34', 'H1', 'H8'];
const SESSIONS = ['D21', 'D22', 'D23', 'D24', 'D25', 'D26', 'D36', 'D37', 'D38', 'D39'];

const all = (ids: readonly string[], reason: string) => ids.map((id) => [id, reason] as const);

/** Cases that are not about a library in a server, by id. */
export const EXEMPT: ReadonlyMap<string, string> = new Map([
  ...all([...PROXIED, ...RELAYED], PROXY),
  ...all([...MESSAGES, ...SESSIONS], TRANSPORT),
  ...all(['A22', 'G7', 'G8', 'G10', 'G11', 'G12', 'G13'], HTTP),
  ['C5', 'it sets no limit itself: that of the HTTP server decides, which the application chooses'],
  ...all(['B19', 'D19', 'F8'], CORS),
  ...all(['A12', 'G16'], DISCOVERY),
  ...all(['A2', 'F4'], 'there is no option for the document of the root form'),
  ['C44', 'cannot be seen from outside'],
]);

/** Why no library of the kind can be set up so. */
export function lacks(needs: Needs): string | undefined {
  const reasons: readonly (readonly [unknown, string])[] = [
    [needs.issuers?.length === 0, 'the application names the authorization server in its code'],
    [needs.dpop, 'DPoP is not a feature of it'],
    [needs.clientCertificates, 'certificate-bound tokens are not a feature of it'],
    [needs.scopeHierarchy, 'scopes that include others are not a feature of it'],
    [needs.stepUpScopes === 'IncludeGranted', 'the scopes of a step-up cannot be chosen'],
    [needs.rootDocument, 'there is no option for the document of the root form'],
    [needs.mirrorsIssuerMetadata, 'there is no option for a copy of the issuer’s metadata'],
    [needs.signedMetadata, 'signed metadata is not a feature of it'],
    [needs.resourceNames, 'names in several languages are not a feature of it'],
    [needs.audiencePolicy === 'Sole', 'tokens of several audiences cannot be excluded'],
    [needs.identityAssertion, 'a signed assertion is not a feature of it'],
    [needs.failuresPerMinute, 'a limit of failures is not a feature of it'],
    [needs.transport, PROXY],
  ];
  return reasons.find(([wanted]) => Boolean(wanted))?.[1];
}

export interface Program {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** How its clock is moved: a Node process with moved-clock.ts in it, or one that reads its standard input. */
  readonly clock: 'messages' | 'input';
}

/** What moved_clock.py writes. */
const MOVED = 'clock moved, ';
/** Importing a library takes seconds on a machine that does other things (milliseconds). */
const START_TIMEOUT_MS = 60_000;

/** Starts the program with the path of a JSON file: what it shall be like. @throws Refused if it ends instead */
export async function startInProcess(setup: Setup, { program, args, env, clock }: Program): Promise<Running> {
  const directory = await mkdtemp(join(tmpdir(), 'conformance-'));
  const file = (name: string) => join(directory, name);
  const [port = 0] = await freePorts(1);
  await writeFile(file('tls.crt'), setup.certificate.cert);
  await writeFile(file('tls.key'), setup.certificate.key);
  await writeFile(file('ca.crt'), setup.issuers.map(({ ca }) => ca).join('\n'));
  const issuers = setup.issuers.map((issuer) => ({
    ...issuer,
    // Known to who sets the server up: as Keycloak has it.
    jwksUri: issuer.jwksUri ?? `${issuer.issuer}/protocol/openid-connect/certs`,
  }));
  const configuration = {
    ...setup,
    identity: IDENTITY,
    issuers,
    port,
    certificate: file('tls.crt'),
    key: file('tls.key'),
  };
  await writeFile(file('config.json'), JSON.stringify(configuration));

  const trust = { SSL_CERT_FILE: file('ca.crt'), NODE_EXTRA_CA_CERTS: file('ca.crt') };
  const child = spawn(program, [...args, file('config.json')], {
    stdio: clock === 'messages' ? ['ignore', 'pipe', 'pipe', 'ipc'] : ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...trust, ...env },
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const stop = async () => {
    await end(child);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const listening = async () => {
      if (child.exitCode !== null) throw new Refused(log);
      return accepts(port);
    };
    await waitFor(listening, `${program} to listen`, START_TIMEOUT_MS, 50);
  } catch (error) {
    await stop();
    throw error;
  }
  const advance = async (milliseconds: number) => {
    const before = log.split(MOVED).length;
    const done = clock === 'messages' ? once(child, 'message') : undefined;
    if (clock === 'messages') child.send({ advance: milliseconds });
    else child.stdin?.write(`${milliseconds}\n`);
    await (done ?? waitFor(() => log.split(MOVED).length > before, 'its clock to be moved'));
  };
  return { address: { host: '127.0.0.1', port }, log: () => log, stop, advance };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
