// The operator's metrics in Prometheus form. Bounded labels: kinds and outcomes, never names.
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { addGauge, addProcessGauges } from '../base/gauges.ts';
import type { ApiTransport } from '../kube/transport.ts';
import type { Wave } from './waves.ts';

export interface OperatorMetrics {
  readonly registry: Registry;
  readonly reconciles: Counter<'outcome'>;
  readonly reconcileDuration: Histogram;
  readonly writes: Counter<'kind'>;
  readonly refusals: Counter<'reason'>;
  readonly authorityRestores: Counter;
  readonly requests: Counter<'method' | 'outcome'>;
}

interface OperatorGauges {
  readonly servers: () => number;
  readonly queueDepth: () => number;
  readonly isLeader: () => boolean;
  readonly isAuthorityLost: () => boolean;
  readonly isStandby: () => boolean;
  readonly namespacesOfOthers: () => number;
  readonly wave: () => Wave;
}

/** Adds the gauges, which are read at each scrape. */
export function addGauges(registry: Registry, gauges: OperatorGauges): void {
  addGauge(registry, 'mcp_operator_servers', 'ProtectedMcpServers in the cache.', gauges.servers);
  addGauge(registry, 'mcp_operator_queue_depth', 'Servers waiting to be reconciled.', gauges.queueDepth);
  addGauge(registry, 'mcp_operator_leader', '1 while this replica leads.', () => Number(gauges.isLeader()));
  addGauge(
    registry,
    'mcp_operator_authority_lost',
    '1 while there is no authority to issue certificates with.',
    () => Number(gauges.isAuthorityLost()),
  );
  addGauge(registry, 'mcp_operator_standby', '1 while another release holds the Lease of this one.', () =>
    Number(gauges.isStandby()),
  );
  addGauge(
    registry,
    'mcp_operator_namespaces_of_others',
    'Namespaces with servers that another installation of the operator manages.',
    gauges.namespacesOfOthers,
  );
  addWaveGauges(registry, gauges.wave);
  addProcessGauges(registry);
}

function addWaveGauges(registry: Registry, wave: OperatorGauges['wave']): void {
  new Gauge({
    name: 'mcp_operator_sidecar_rollout_servers',
    help: 'Servers by how far the newest version of the sidecar is: done, under_way, failing, or waiting with one before.',
    labelNames: ['state'] as const,
    registers: [registry],
    collect() {
      const { done, underWay, failing, waiting } = wave();
      this.set({ state: 'done' }, done);
      this.set({ state: 'under_way' }, underWay);
      this.set({ state: 'failing' }, failing.length);
      this.set({ state: 'waiting' }, waiting);
    },
  });
  addGauge(
    registry,
    'mcp_operator_sidecar_rollout_held',
    '1 while servers wait for the newest version of the sidecar and those that have it do not get ready.',
    () => Number(wave().isHeld),
  );
}

/** Makes a registry of its own: nothing here is global. */
export function createMetrics(): OperatorMetrics {
  const registry = new Registry();
  const registers = [registry];
  return {
    registry,
    reconciles: new Counter({
      name: 'mcp_operator_reconciles_total',
      help: 'Reconciles, by outcome.',
      labelNames: ['outcome'] as const,
      registers,
    }),
    reconcileDuration: new Histogram({
      name: 'mcp_operator_reconcile_duration_seconds',
      help: 'Duration of one reconcile, in seconds.',
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
      registers,
    }),
    writes: new Counter({
      name: 'mcp_operator_writes_total',
      help: 'Writes to the API server that changed an object, by kind.',
      labelNames: ['kind'] as const,
      registers,
    }),
    refusals: new Counter({
      name: 'mcp_operator_refusals_total',
      help: 'Reconciles of servers that nothing can be made of, by reason.',
      labelNames: ['reason'] as const,
      registers,
    }),
    authorityRestores: new Counter({
      name: 'mcp_operator_authority_restores_total',
      help: 'Times that the Secret of the authority was put back after it was deleted or changed.',
      registers,
    }),
    requests: new Counter({
      name: 'mcp_operator_api_requests_total',
      help: 'Requests to the API server, by method and outcome.',
      labelNames: ['method', 'outcome'] as const,
      registers,
    }),
  };
}

/** The same transport, with its requests counted. A stream is a watch, and counts when it is opened. */
export function countRequests(transport: ApiTransport, requests: OperatorMetrics['requests']): ApiTransport {
  const counted = async <T>(method: string, answer: Promise<T>): Promise<T> => {
    try {
      const result = await answer;
      requests.inc({ method, outcome: 'ok' });
      return result;
    } catch (error) {
      requests.inc({ method, outcome: 'failed' });
      throw error;
    }
  };
  return {
    call: (request) => counted(request.method, transport.call(request)),
    stream: (request) => counted('WATCH', transport.stream(request)),
  };
}
