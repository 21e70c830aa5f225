// A thousand resources on simulated nodes: how long, how many requests, how much memory; and that a second pass writes nothing.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { kubectl, simulate } from '../cluster/cluster.ts';
import { waitFor } from './support/wait.ts';
import { OPERATOR, OPERATOR_NAMESPACE, restartOperator } from './support/operator.ts';
import { World } from './support/world.ts';

/** SCALE_SERVERS=100 for a shorter look. */
const SERVERS = Number(process.env.SCALE_SERVERS ?? 1_000);
const NODES = 10;
/** Resources in one `kubectl create`. */
const BATCH = 250;
/** A look at a thousand objects costs the API server more than the operator does (milliseconds). */
const LOOK_MS = 10_000;
/** What one server of this test is made of, pods aside. */
const CHILDREN = ['serviceaccount', 'configmap', 'secret', 'service', 'networkpolicy', 'deployment'] as const;
const SELECTOR = '--selector=app.kubernetes.io/managed-by=protected-mcp-operator';

let world: World;
let peakMiB = 0;
let polling: NodeJS.Timeout;
before(async () => {
  world = await World.create();
  await simulate(NODES);
  await restartOperator(); // counters from zero
  polling = setInterval(() => void memory().catch(() => undefined), LOOK_MS);
});
after(async () => {
  clearInterval(polling);
  // Simulated pods end only while their simulator runs.
  await kubectl(['delete', 'namespace', world.namespace, '--timeout=600s']).finally(async () => {
    await simulate(0);
    await world.issuer.close();
  });
});

describe(`${SERVERS} servers`, { timeout: 900_000 }, () => {
  it('reach their desired objects', async () => {
    const requestsBefore = await metric('mcp_operator_api_requests_total');
    const startedAt = Date.now();
    for (let from = 0; from < SERVERS; from += BATCH) await create(from, Math.min(from + BATCH, SERVERS));
    const createdAt = Date.now();
    await waitFor(async () => (await withStatus()) === SERVERS, 'all statuses', 600_000, LOOK_MS);
    const seconds = (Date.now() - startedAt) / 1000;
    const requests = (await metric('mcp_operator_api_requests_total')) - requestsBefore;
    for (const kind of CHILDREN) assert.ok((await count(kind)) >= SERVERS, kind);
    await memory();
    print(
      `created in ${((createdAt - startedAt) / 1000).toFixed(0)} s, all as desired after ${seconds.toFixed(0)} s`,
    );
    print(`${(requests / SERVERS).toFixed(1)} API requests per server, peak memory ${peakMiB} MiB`);
    assert.ok(peakMiB < 400, `${peakMiB} MiB`);
  });

  it('are not written again by a second pass, of an operator that has just started', async () => {
    // Pods that are still becoming ready would be news, not a second look at the same.
    let before = -1;
    const isQuiet = async () => before === (before = await metric('mcp_operator_writes_total'));
    await waitFor(isQuiet, 'the first pass to come to rest', 240_000, LOOK_MS);
    const known = await statuses();
    await restartOperator();
    const startedAt = Date.now();
    await waitFor(
      async () => (await metric('mcp_operator_reconciles_total')) >= SERVERS,
      'a second pass',
      240_000,
      LOOK_MS,
    );
    const writes = await metric('mcp_operator_writes_total');
    const requests = await metric('mcp_operator_api_requests_total');
    print(
      `second pass: ${((Date.now() - startedAt) / 1000).toFixed(0)} s, ${writes} writes, ${(requests / SERVERS).toFixed(1)} API requests per server`,
    );
    const changed = [...(await statuses())].filter(([name, status]) => known.get(name) !== status);
    const [name = '', status] = changed[0] ?? [];
    assert.equal(status, known.get(name), `${changed.length} statuses changed, among them ${name}`);
    assert.equal(writes, 0);
  });
});

async function create(from: number, to: number): Promise<void> {
  const items = Array.from({ length: to - from }, (_, index) =>
    world.echo(
      (spec) => {
        spec.podTemplate = {
          nodeSelector: { type: 'kwok' },
          tolerations: [{ key: 'kwok.x-k8s.io/node', operator: 'Exists', effect: 'NoSchedule' }],
        };
      },
      `echo-${from + index}`,
    ),
  );
  await kubectl(['create', '--filename=-'], {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
  });
}

async function count(kind: string): Promise<number> {
  const names = await world.kubectl('get', kind, '--output=name', ...(kind === 'pmcp' ? [] : [SELECTOR]));
  return names.split('\n').filter(Boolean).length;
}

async function withStatus(): Promise<number> {
  const generations = await world.kubectl(
    'get',
    'pmcp',
    '--output=jsonpath={.items[*].status.observedGeneration}',
  );
  return generations.split(' ').filter(Boolean).length;
}

/** Every server's status as the API server has it, as text. */
async function statuses(): Promise<Map<string, string>> {
  const list = JSON.parse(await world.kubectl('get', 'pmcp', '--output=json')) as {
    items: { metadata: { name: string }; status: unknown }[];
  };
  return new Map(list.items.map(({ metadata, status }) => [metadata.name, JSON.stringify(status, null, 2)]));
}

async function metrics(): Promise<string> {
  const path = `/api/v1/namespaces/${OPERATOR_NAMESPACE}/services/${OPERATOR}:8080/proxy/metrics`;
  return kubectl(['get', '--raw', path]);
}

/** The sum of a metric over its labels. */
async function metric(name: string, label = ''): Promise<number> {
  const lines = (await metrics())
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .filter((line) => line.includes(label));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

async function memory(): Promise<void> {
  peakMiB = Math.max(peakMiB, Math.round((await metric('process_resident_memory_bytes')) / 2 ** 20));
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
