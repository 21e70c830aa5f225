// The sidecar's metrics in Prometheus form: names, labels, and pre-bound counters for the hot path.
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { addGauge, addProcessGauges } from '../../base/gauges.ts';

export type RouteLabel = 'mcp' | 'metadata' | 'other';

/** Called once for every finished request. */
export type RecordRequest = (route: RouteLabel, method: string, status: number, seconds: number) => void;

export interface SidecarMetrics {
  readonly registry: Registry;
  readonly recordRequest: RecordRequest;
  readonly denials: Counter<'reason'>;
  readonly verifications: Counter<'outcome'>;
  readonly keyFetches: Counter<'issuer' | 'outcome'>;
  readonly introspections: Counter<'issuer' | 'outcome'>;
  readonly reloads: Counter<'kind' | 'outcome'>;
}

export interface Gauges {
  readonly requestsInFlight: () => number;
  readonly upstreamConnections: () => number;
  readonly cachedTokens: () => number;
  readonly sessions: () => number;
  /** Seconds since the epoch of the last good key fetch, by issuer. */
  readonly keysLoadedAt: () => readonly { issuer: string; seconds: number }[];
}

/** From 0.5 ms, which a proxied call costs at least, to a minute, which tool calls may take (seconds). */
const DURATION_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60];

/** Methods that get a label of their own: the label set must be bounded. */
const METHODS = new Set(['POST', 'GET', 'DELETE', 'OPTIONS', 'HEAD']);

/** Makes a registry of its own: nothing here is global. */
export function createMetrics(gauges: Gauges): SidecarMetrics {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({
    name: 'mcp_sidecar_requests_total',
    help: 'Finished requests.',
    labelNames: ['route', 'method', 'status'] as const,
    registers,
  });
  const durations = new Histogram({
    name: 'mcp_sidecar_request_duration_seconds',
    help: 'Time from the request head to the end of the response. Streams count for as long as they are open.',
    labelNames: ['route'] as const,
    buckets: DURATION_BUCKETS,
    registers,
  });
  const observers = {
    mcp: durations.labels('mcp'),
    metadata: durations.labels('metadata'),
    other: durations.labels('other'),
  };
  const bound = new Map<string, Counter.Internal>();

  defineGauges(registry, gauges);
  return {
    registry,
    recordRequest: (route, method, status, seconds) => {
      const key = `${route} ${METHODS.has(method) ? method : 'other'} ${status}`;
      let counter = bound.get(key);
      if (counter === undefined) {
        counter = requests.labels(...(key.split(' ') as [string, string, string]));
        bound.set(key, counter);
      }
      counter.inc();
      observers[route].observe(seconds);
    },
    denials: new Counter({
      name: 'mcp_sidecar_denials_total',
      help: 'Requests refused, by reason.',
      labelNames: ['reason'] as const,
      registers,
    }),
    verifications: new Counter({
      name: 'mcp_sidecar_token_verifications_total',
      help: 'Token verifications that were not served from the cache, by outcome.',
      labelNames: ['outcome'] as const,
      registers,
    }),
    keyFetches: new Counter({
      name: 'mcp_sidecar_key_fetches_total',
      help: 'Attempts to fetch the keys of an issuer, by outcome.',
      labelNames: ['issuer', 'outcome'] as const,
      registers,
    }),
    introspections: new Counter({
      name: 'mcp_sidecar_introspections_total',
      help: 'Token introspection requests to an issuer, by outcome.',
      labelNames: ['issuer', 'outcome'] as const,
      registers,
    }),
    reloads: new Counter({
      name: 'mcp_sidecar_reloads_total',
      help: 'Configuration and certificate files read again after a change, by outcome.',
      labelNames: ['kind', 'outcome'] as const,
      registers,
    }),
  };
}

function defineGauges(registry: Registry, gauges: Gauges): void {
  addGauge(registry, 'mcp_sidecar_requests_in_flight', 'Requests being served.', gauges.requestsInFlight);
  addGauge(
    registry,
    'mcp_sidecar_upstream_connections',
    'Open connections to the MCP server.',
    gauges.upstreamConnections,
  );
  addGauge(
    registry,
    'mcp_sidecar_cached_tokens',
    'Verified tokens remembered by digest.',
    gauges.cachedTokens,
  );
  addGauge(registry, 'mcp_sidecar_sessions', 'MCP sessions whose owner is remembered.', gauges.sessions);
  addProcessGauges(registry);
  new Gauge({
    name: 'mcp_sidecar_keys_loaded_timestamp_seconds',
    help: 'When the signing keys of an issuer were last fetched.',
    labelNames: ['issuer'] as const,
    registers: [registry],
    collect() {
      // An issuer that is no longer configured must not leave a time behind that only grows older.
      this.reset();
      for (const { issuer, seconds } of gauges.keysLoadedAt()) this.set({ issuer }, seconds);
    },
  });
}
