// The operator's metrics: their names are what dashboards and alerts are made of.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import {
  addGauges,
  countRequests,
  createMetrics,
  type OperatorMetrics,
} from '../../../src/operator/metrics.ts';
import { PODS } from '../../../src/operator/kinds.ts';
import type { MemoryApiServer } from '../../support/memory-api-server.ts';
import { startApi } from './operator.ts';

const WAVE = {
  turns: new Set<string>(),
  failing: ['demo/a', 'demo/b'],
  underWay: 3,
  done: 4,
  waiting: 5,
  isHeld: false,
};

let api: MemoryApiServer;
let metrics: OperatorMetrics;
const { signal } = new AbortController();

beforeEach(async () => {
  api = await startApi();
  metrics = createMetrics();
});
afterEach(() => api.close());

const lines = async () =>
  (await metrics.registry.metrics()).split('\n').filter((line) => !line.startsWith('#'));

describe('the metrics', () => {
  it('count requests by method and outcome, a watch once and as such', async () => {
    const client = api.client((transport) => countRequests(transport, metrics.requests));
    await client.list(PODS, { signal });
    await client.list(PODS, { signal });
    await assert.rejects(client.get(PODS, { name: 'none', namespace: 'demo' }, { signal }));
    const end = new AbortController();
    const watch = await client.watch(PODS, { resourceVersion: '0', timeoutSeconds: 60, signal: end.signal });
    end.abort();
    await assert.rejects(watch.next());
    const found = (await lines()).filter((line) => line.startsWith('mcp_operator_api_requests_total'));
    assert.deepEqual(found.toSorted(), [
      'mcp_operator_api_requests_total{method="GET",outcome="failed"} 1',
      'mcp_operator_api_requests_total{method="GET",outcome="ok"} 2',
      'mcp_operator_api_requests_total{method="WATCH",outcome="ok"} 1',
    ]);
  });

  it('are read when they are scraped', async () => {
    let servers = 1;
    let isLeader = false;
    const others = { isStandby: () => !isLeader, namespacesOfOthers: () => 4 };
    addGauges(metrics.registry, {
      servers: () => servers,
      queueDepth: () => 3,
      isLeader: () => isLeader,
      isAuthorityLost: () => false,
      ...others,
      wave: () => WAVE,
    });
    assert.ok((await lines()).includes('mcp_operator_servers 1'));
    assert.ok((await lines()).includes('mcp_operator_leader 0'));
    servers = 2;
    isLeader = true;
    const found = await lines();
    for (const line of [
      'mcp_operator_servers 2',
      'mcp_operator_leader 1',
      'mcp_operator_queue_depth 3',
      'mcp_operator_standby 0',
      'mcp_operator_namespaces_of_others 4',
    ])
      assert.ok(found.includes(line), line);
  });

  it('say how far a rollout of the sidecar is, and whether it is held', async () => {
    let wave = WAVE;
    addGauges(metrics.registry, {
      servers: () => 14,
      queueDepth: () => 0,
      isLeader: () => true,
      isAuthorityLost: () => false,
      isStandby: () => false,
      namespacesOfOthers: () => 0,
      wave: () => wave,
    });
    const name = 'mcp_operator_sidecar_rollout';
    const found = await lines();
    for (const [state, count] of Object.entries({ done: 4, under_way: 3, failing: 2, waiting: 5 }))
      assert.ok(found.includes(`${name}_servers{state="${state}"} ${count}`), state);
    assert.ok(found.includes(`${name}_held 0`));
    wave = { ...WAVE, isHeld: true };
    assert.ok((await lines()).includes(`${name}_held 1`));
  });

  it('have a name with the prefix, a help text and a unit where there is one', async () => {
    addGauges(metrics.registry, {
      servers: () => 0,
      queueDepth: () => 0,
      isLeader: () => false,
      isAuthorityLost: () => false,
      isStandby: () => false,
      namespacesOfOthers: () => 0,
      wave: () => WAVE,
    });
    const all = await metrics.registry.getMetricsAsJSON();
    assert.ok(all.length >= 8);
    for (const { name, help } of all) {
      assert.match(name, /^(mcp_operator|process)_[a-z_]+$/);
      assert.match(help, /^[A-Z0-9].*\.$/, name);
    }
  });

  it('are those of one registry: two operators of one process do not mix', async () => {
    createMetrics().reconciles.inc({ outcome: 'ok' });
    assert.ok(!(await lines()).some((line) => line.startsWith('mcp_operator_reconciles_total{')));
  });
});
