// Two installations of the operator as processes, on a real API server: one manages, the other says that it does not.
import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Client } from '../../src/kube/client.ts';
import type { ServerObject } from '../../src/operator/kinds.ts';
import { freePorts } from '../kit/free-ports.ts';
import { startApiServer, type ApiServer } from '../support/api-server.ts';
import { newServer } from '../unit/operator/operator.ts';
import {
  connect,
  CONFIG_MAPS,
  createNamespace,
  eventually,
  installCrd,
  never,
  SERVERS,
  write,
} from './connect.ts';

const ROOT = join(import.meta.dirname, '../..');
const EXPIRY_SECONDS = 4;

interface Installation {
  readonly url: string;
  readonly child: ChildProcess;
  /** What it has logged, a line an entry. */
  readonly lines: string[];
}

describe('two installations', { timeout: 180_000 }, () => {
  let server: ApiServer;
  let client: Client;
  let close: () => Promise<void>;
  let directory: string;
  const running: Installation[] = [];

  before(async () => {
    server = await startApiServer();
    ({ client, close } = connect(server));
    for (const name of ['demo', 'mcp-a', 'mcp-b', 'mcp-c', 'mcp-d']) await createNamespace(client, name);
    await installCrd(client);
    directory = mkdtempSync(join(tmpdir(), 'installations-'));
    writeFileSync(join(directory, 'config'), server.config.exportConfig(), { mode: 0o600 });
  });
  afterEach(async () => {
    for (const { child } of running.splice(0)) await end(child, 'SIGTERM');
  });
  after(async () => {
    await close();
    await server.stop();
    rmSync(directory, { recursive: true });
  });

  async function install(
    namespace: string,
    podName: string,
    env: NodeJS.ProcessEnv = {},
  ): Promise<Installation> {
    const [port = 0] = await freePorts(1);
    const place = {
      POD_NAMESPACE: namespace,
      POD_NAME: podName,
      SIDECAR_IMAGE: 'sidecar:1',
      HEALTH_PORT: String(port),
    };
    const child = spawn(process.execPath, [join(ROOT, 'src/operator/main.ts')], {
      env: {
        ...place,
        KUBECONFIG: join(directory, 'config'),
        CLAIM_EXPIRY_SECONDS: String(EXPIRY_SECONDS),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const one: Installation = { url: `http://127.0.0.1:${port}`, child, lines: [] };
    child.stdout?.setEncoding('utf8').on('data', (text: string) => one.lines.push(...text.split('\n')));
    running.push(one);
    await eventually('it is ready', async () => (await standing(one)) !== undefined);
    return one;
  }

  /** What /readyz says; undefined while it is not ready. */
  async function standing({ url }: Installation): Promise<string | undefined> {
    try {
      const response = await fetch(`${url}/readyz`);
      return response.status === 200 ? (await response.text()).trim() : undefined;
    } catch {
      return undefined; // it does not listen yet
    }
  }
  const says = (one: Installation, expected: RegExp) =>
    eventually(`${one.url} says ${expected}`, async () => expected.test((await standing(one)) ?? ''));
  const logged = (one: Installation, text: string) =>
    eventually(`it logs: ${text}`, () => one.lines.some((line) => line.includes(text)));

  /** `helm test` of an installation: how it ends, and what it says. */
  function helmTest({ url }: Installation): Promise<{ readonly code: number; readonly text: string }> {
    return new Promise((resolve) => {
      const file = join(ROOT, 'src/operator/helm-test.ts');
      execFile(process.execPath, [file], { env: { OPERATOR_URL: url } }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : 1, text: stdout + stderr }),
      );
    });
  }

  const authorityOf = async (name: string, namespace: string) =>
    (await client.get(CONFIG_MAPS, { name, namespace }, { signal: never })).data?.['ca.crt'];
  const versions = async () =>
    Promise.all(
      ['echo-ca', 'echo-sidecar'].map(
        async (name) =>
          (await client.get(CONFIG_MAPS, { name, namespace: 'demo' }, { signal: never })).metadata
            .resourceVersion,
      ),
    );
  const conditions = async () => {
    const found = await client.get(SERVERS, { name: 'echo', namespace: 'demo' }, { signal: never });
    return (found as unknown as ServerObject).status?.conditions ?? [];
  };

  it('do not fight, say so, and change places when the first is gone', async () => {
    await client.apply(SERVERS, newServer(), write);
    const first = await install('mcp-a', 'one-7d4b9-abcde');
    await says(first, /^ok$/);
    await eventually('it is accepted', async () =>
      (await conditions()).some(({ type, status }) => type === 'Accepted' && status === 'True'),
    );
    assert.equal((await helmTest(first)).code, 0);
    const before = await versions();

    const second = await install('mcp-b', 'two-7d4b9-abcde');
    await says(
      second,
      /^standing down: other installations manage 1 namespace\(s\): demo \(mcp-a\/protected-mcp-operator\)$/,
    );
    await logged(second, 'standing down: another installation manages this namespace');
    await logged(first, 'another installation watches this namespace');
    await eventually('the condition', async () =>
      (await conditions()).some(({ type }) => type === 'Contested'),
    );
    // Twice the time after which it would take over, had it no answer: the claim's version moves, the children's do not.
    const seen = new Set<string | undefined>();
    await eventually('it asked, and was answered, twice', async () => {
      const { data } = await client.get(
        CONFIG_MAPS,
        { name: 'protected-mcp-operator', namespace: 'demo' },
        { signal: never },
      );
      seen.add(data?.['answer']);
      return seen.size > 2;
    });
    assert.deepEqual(await versions(), before);
    assert.equal(await authorityOf('echo-ca', 'demo'), await authorityOf('protected-mcp-ca', 'mcp-a'));
    const test = await helmTest(second);
    assert.equal(test.code, 1);
    assert.match(test.text, /Operator reconciles nothing, or not everything: standing down/);
    assert.match(
      await (await fetch(`${second.url}/metrics`)).text(),
      /^mcp_operator_namespaces_of_others 1$/m,
    );

    await end(first.child, 'SIGKILL');
    await says(second, /^ok$/);
    await eventually(
      'its authority is delivered',
      async () => (await authorityOf('echo-ca', 'demo')) === (await authorityOf('protected-mcp-ca', 'mcp-b')),
    );
    assert.equal((await helmTest(second)).code, 0);
    await client.delete(SERVERS, { name: 'echo', namespace: 'demo' }, { signal: never });
  });

  it('of one namespace and one Lease: the second release stands by, and says so', async () => {
    const first = await install('mcp-c', 'one-7d4b9-abcde');
    await says(first, /^ok$/);
    const second = await install('mcp-c', 'another-6c9f8-fghij');
    await says(
      second,
      /^standing by: Lease mcp-c\/protected-mcp-operator is held by one-7d4b9-abcde_\S+ of another release/,
    );
    await logged(second, 'standing by: another release holds the lease');
    const test = await helmTest(second);
    assert.equal(test.code, 1);
    assert.match(test.text, /standing by: Lease/);
    assert.match(await (await fetch(`${second.url}/metrics`)).text(), /^mcp_operator_standby 1$/m);
    assert.equal((await helmTest(first)).code, 0);
  });

  it('and replicas of one release are told apart: a second replica is good', async () => {
    const first = await install('mcp-d', 'one-7d4b9-abcde');
    await says(first, /^ok$/);
    const replica = await install('mcp-d', 'one-7d4b9-fghij');
    await says(replica, /^ok: standing by for one-7d4b9-abcde_/);
    assert.equal((await helmTest(replica)).code, 0);
    assert.match(await (await fetch(`${replica.url}/metrics`)).text(), /^mcp_operator_standby 0$/m);
  });
});

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}
