// From a cluster, or from none, to a server that is Ready and a Keycloak whose users can log in. Idempotent.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as cluster from '../../test/cluster/cluster.ts';
import { fetchAccessToken } from '../../src/local/login/authorization-code.ts';
import { portProblems } from '../../src/local/ports.ts';
import { applyKeycloak, keycloakAuthority, realmReady } from './keycloak.ts';
import { CA_FILE, CLIENT_ID, ISSUER, NAMESPACE, PASSWORD, ROOT, SCOPE, SERVER, USER } from './names.ts';
import { ensureOperator } from './operator.ts';
import { PortForward } from './port-forward.ts';
import { DemoError, type Report } from './report.ts';
import { ensureServer, serverAuthority } from './server.ts';

/** Public port 8001 of the sidecar, and Keycloak's. */
const FORWARDS = [
  { namespace: NAMESPACE, service: SERVER, port: 8001 },
  { namespace: NAMESPACE, service: 'keycloak', port: 8443 },
] as const;

interface SetUp {
  /** PEM: the authorities of the server and of Keycloak; also in CA_FILE. */
  readonly ca: string;
}

export async function setUp(report: Report, stop: AbortSignal): Promise<SetUp> {
  await ensureCluster(report);
  report('images: building them, and putting them on the node');
  await cluster.load();
  await applyKeycloak(report, stop);
  await ensureOperator(report, stop);
  await realmReady(report, stop);
  await ensureServer(report, stop);
  const ca = [await serverAuthority(), await keycloakAuthority()].join('\n');
  await mkdir(dirname(join(ROOT, CA_FILE)), { recursive: true });
  await writeFile(join(ROOT, CA_FILE), ca);
  return { ca };
}

async function ensureCluster(report: Report): Promise<void> {
  const provider = cluster.provider();
  if ((await provider.status()).up) return report(`cluster: ${provider.name}, there already`);
  report(`cluster: ${provider.name}, none yet: npm run cluster -- up`);
  await provider.up();
}

export interface Forwards {
  stop(): Promise<void>;
}

/** Opens both ports on this machine; `stop` them at the end. */
export async function forwardPorts(report: Report): Promise<Forwards> {
  await checkPorts();
  const forwards: PortForward[] = [];
  const stop = async () => void (await Promise.all(forwards.map((forward) => forward.stop())));
  try {
    for (const target of FORWARDS) forwards.push(await PortForward.start(target, report));
  } catch (error) {
    await stop();
    throw error;
  }
  return { stop };
}

/** The issuer and the resource name these ports, so no others will do. @throws DemoError when one is taken */
export async function checkPorts(): Promise<void> {
  const needed = FORWARDS.map(({ port, service }) => ({ port, what: `${service} in the cluster` }));
  const problems = await portProblems(needed);
  if (problems.length === 0) return;
  throw new DemoError(
    [...problems, 'Does another `npm run demo` or `npm start` run? End it first.'].join('\n'),
  );
}

/** The user's access token, by the authorization-code flow; needs `forwardPorts`. */
export async function fetchToken(ca: string, scope = `openid ${SCOPE}`): Promise<string> {
  const user = { user: USER, password: PASSWORD };
  const answer = await fetchAccessToken({ issuer: ISSUER, clientId: CLIENT_ID, ...user, scope, ca });
  return answer.access_token;
}
