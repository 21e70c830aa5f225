// Keycloak in the cluster and `npm run demo`: from nothing to a tool call with a real user's token, through faults, to nothing.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { NAMESPACE, ROOT, SCOPE, SERVER } from '../../scripts/demo/names.ts';
import { runRealmJob } from '../../scripts/demo/keycloak.ts';
import { checkPorts, fetchToken, forwardPorts, type Forwards } from '../../scripts/demo/set-up.ts';
import { LoginError } from '../../src/local/login/authorization-code.ts';
import { kubectl } from '../cluster/cluster.ts';
import { run } from '../cluster/run.ts';
import { authorities, callDirectly, callThroughForward, Demo } from './support/demo.ts';
import { waitFor } from './support/wait.ts';
import { LIST_TOOLS, refusal, type Condition } from './support/world.ts';

const NEVER = new AbortController().signal;
/** Keycloak starts in 25 s where nothing else runs. */
const BACK_TIMEOUT_MS = 600_000;
const KEYCLOAK_POD = '--selector=app.kubernetes.io/name=keycloak';
const quiet = () => undefined;

const get = async (...args: string[]) =>
  JSON.parse(await kubectl(['get', '--namespace', NAMESPACE, '--output=json', ...args]));

async function conditions(): Promise<Record<string, string>> {
  const all = ((await get('pmcp', SERVER)).status?.conditions ?? []) as Condition[];
  return Object.fromEntries(all.map(({ type, status }) => [type, status]));
}

const restarts = async () =>
  (await get('pod', KEYCLOAK_POD)).items[0]?.status.containerStatuses?.[0]?.restartCount as number;

after(async () => {
  if (process.env.E2E_KEEP) return;
  await kubectl(['delete', 'namespace', NAMESPACE, '--ignore-not-found', '--wait=false']);
});

describe('npm run demo', () => {
  it('goes from nothing to a tool call, with the operator that is there', async () => {
    const output = await run(process.execPath, ['scripts/demo/main.ts', '--once'], { cwd: ROOT });
    assert.match(output, /operator: there already/);
    assert.match(output, /tools\/list: echo\n/);
    assert.match(output, /tools\/call echo: "hello hello hello "/);
    process.stdout.write(`${output.split('\n').findLast((line) => line.includes('tools/call')) ?? ''}\n`);
  });

  it('leaves a server that is ready in every respect', async () => {
    assert.deepEqual(await conditions(), {
      Accepted: 'True',
      CertificateReady: 'True',
      KeysAvailable: 'True',
      ConfigurationCurrent: 'True',
      Isolated: 'True',
      Progressing: 'False',
      Available: 'True',
      Ready: 'True',
    });
  });

  it('runs its pods where `restricted` is enforced', async () => {
    const { items } = await get('pod');
    assert.ok(items.length >= 4, 'Keycloak, the server, and two Jobs');
    const other = [
      'run',
      'other',
      '--namespace',
      NAMESPACE,
      '--image=mcp-echo-server:0.1.0',
      '--dry-run=server',
    ];
    assert.match(await refusal(kubectl(other)), /violates PodSecurity "restricted/);
  });

  it('can be run again, keeps its ports open until Ctrl-C, and then frees them', async () => {
    const demo = await Demo.start();
    try {
      assert.match(demo.output, /Keycloak: kubectl applies/);
      const answer = await callThroughForward(await authorities(), undefined);
      assert.equal(answer.status, 401);
      await assert.rejects(
        checkPorts(),
        /port 8001 is already in use.*\nport 8443 is already in use.*\n.*npm run demo/,
      );
    } finally {
      assert.equal(await demo.interrupt(), 0);
    }
    await checkPorts();
  });
});

describe('a client outside the cluster', () => {
  let ca: string;
  let forwards: Forwards;
  before(async () => {
    ca = await authorities();
    forwards = await forwardPorts(quiet);
  });
  after(() => forwards.stop());

  it("calls tools with the token of Keycloak's user", async () => {
    const token = await fetchToken(ca);
    assert.match((await callThroughForward(ca, token, LIST_TOOLS)).body, /"name":"echo"/);
    assert.match((await callThroughForward(ca, token)).body, /hello hello /);
  });

  it('is refused with a token that was not asked for with the scope, and is told the scope', async () => {
    const refused = await callThroughForward(ca, await fetchToken(ca, 'openid'));
    assert.equal(refused.status, 401);
    const challenge = refused.headers['www-authenticate'] ?? '';
    assert.match(challenge, /error="invalid_token"/);
    assert.match(challenge, new RegExp(`scope="${SCOPE}"`));
  });

  it('finds nothing to do when the realm Job runs a second time', async () => {
    assert.match(await runRealmJob(quiet, NEVER), /no changes, \d+ parts up to date/);
  });

  it('goes on calling while the container of Keycloak restarts, and logs in again as before', async () => {
    const token = await logIn(ca);
    const before = await restarts();
    const keys = keyId(token);
    await kubectl(['exec', '--namespace', NAMESPACE, 'deployment/keycloak', '--', 'sh', '-c', 'kill 1']);
    assert.deepEqual(await failuresUntil(ca, token, async () => (await restarts()) > before), []);
    assert.deepEqual(await failuresUntil(ca, token, isReady), []);
    assert.equal((await conditions())['KeysAvailable'], 'True');
    const again = await logIn(ca);
    assert.equal((await callDirectly(ca, again)).status, 200);
    assert.equal(keyId(again), keys, 'the database and its keys were kept');
  });

  it('goes on calling when the pod of Keycloak is lost, and logs in after the realm Job made the realm again', async () => {
    const token = await logIn(ca);
    await kubectl(['delete', 'pod', '--namespace', NAMESPACE, KEYCLOAK_POD]);
    assert.deepEqual(await failuresUntil(ca, token, isReady), []);
    assert.equal((await conditions())['KeysAvailable'], 'True');

    assert.match(await runRealmJob(quiet, NEVER), /^created realm my-realm/m);
    const fresh = await logIn(ca);
    // New keys: sidecars ask for them when they see the first token, at most every ten seconds.
    await waitFor(async () => (await callDirectly(ca, fresh)).status === 200, 'the new keys', 60_000);
    await waitFor(async () => (await conditions())['Ready'] === 'True', 'Ready');
  });
});

const isReady = async () => ((await get('deployment', 'keycloak')).status.readyReplicas ?? 0) === 1;

/** A login when the way to Keycloak may be a broken one: the first connection finds that out. */
async function logIn(ca: string): Promise<string> {
  let token = '';
  const attempt = async () => (token = await fetchToken(ca)) !== '';
  await waitFor(() => attempt().catch(isUnreachable), 'a login', BACK_TIMEOUT_MS);
  return token;
}

function isUnreachable(error: unknown): false {
  if (error instanceof LoginError && error.code === 'ERR_UNREACHABLE') return false;
  throw error;
}

/** Calls one after the other until Keycloak is back, or the token has had its time. @returns what failed */
async function failuresUntil(ca: string, token: string, isBack: () => Promise<boolean>): Promise<string[]> {
  const failed: string[] = [];
  const expiresAt = expiry(token) - 5_000;
  const callAndLook = async () => {
    const { status, body } = await callDirectly(ca, token);
    if (status !== 200 && Date.now() < expiresAt) failed.push(`${status} ${body}`);
    return isBack();
  };
  await waitFor(callAndLook, 'Keycloak to be back', BACK_TIMEOUT_MS);
  return failed;
}

function keyId(token: string): string {
  const header = Buffer.from(token.split('.')[0] ?? '', 'base64url').toString();
  return (JSON.parse(header) as { kid: string }).kid;
}

/** Keycloak's access tokens are good for five minutes. */
function expiry(token: string): number {
  const claims = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
  return (JSON.parse(claims) as { exp: number }).exp * 1000;
}

describe('what the demo made', () => {
  it('is removed with its namespace', { skip: Boolean(process.env.E2E_KEEP) }, async () => {
    await kubectl(['delete', 'namespace', NAMESPACE, '--timeout=180s']);
    const everywhere = [
      'clusterroles',
      'clusterrolebindings',
      'persistentvolumes',
      'validatingwebhookconfigurations',
    ];
    const names = await kubectl(['get', everywhere.join(','), '--output=name']);
    assert.doesNotMatch(names, /keycloak/);
  });
});
