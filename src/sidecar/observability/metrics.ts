// The sidecar's metrics in Prometheus form: names, labels, and pre-bound counters for the hot path.
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { addGauge, addProcessGauges } from '../../base/gauges.ts';

export type RouteLabel = 'mcp' | 'metadata' | 'other';

/** Called once for every finished request. */
type RecordRequest = (route: RouteLabel, method: string, status: number, seconds: number) => void;

export interface SidecarMetrics {
  readonly registry: Registry;
  readonly recordRequest: RecordRequest;
  readonly denials: Counter<'reason'>;
  readonly verifications: Counter<'outcome'>;
  readonly keyFetches: Counter<'issuer' | 'outcome'>;
  readonly introspections: Counter<'issuer' | 'outcome'>;
  readonly reloads: Counter<'kind' | 'outcome'>;
  readonly droppedHeaders: Counter;
  readonly surplusAnswers: Counter;
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

/** Methods with their own label value; all others are `other`, because label sets must be bounded. */
const METHODS = new Set(['POST', 'GET', 'DELETE', 'OPTIONS', 'HEAD']);

/** Metrics in a new registry: nothing here is global. */
export function createMetrics(gauges: Gauges): SidecarMetrics {
  const registry = new Registry();
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter({ name, help, labelNames, registers: [registry] });
  defineGauges(registry, gauges);
  return {
    registry,
    recordRequest: requestRecorder(registry),
    denials: counter('mcp_sidecar_denials_total', 'Denied requests, by kind of denial.', ['reason']),
    verifications: counter(
      'mcp_sidecar_token_verifications_total',
      'Token verifications that were not served from the cache, by outcome.',
      ['outcome'],
    ),
    keyFetches: counter('mcp_sidecar_key_fetches_total', 'JWKS fetches from an issuer, by outcome.', [
      'issuer',
      'outcome',
    ]),
    introspections: counter(
      'mcp_sidecar_introspections_total',
      'Token introspection requests to an issuer, by outcome.',
      ['issuer', 'outcome'],
    ),
    reloads: counter(
      'mcp_sidecar_reloads_total',
      'Reloads of configuration and certificate files, by outcome.',
      ['kind', 'outcome'],
    ),
    droppedHeaders: counter(
      'mcp_sidecar_dropped_request_headers_total',
      'Header fields of clients that the MCP server did not get.',
      [],
    ),
    surplusAnswers: counter(
      'mcp_sidecar_surplus_answers_total',
      'Connections that were closed because the MCP server sent bytes that no request had asked for.',
      [],
    ),
  };
}

/** Counter and histogram of requests; their labels are bound once, because this runs for every request. */
function requestRecorder(registry: Registry): RecordRequest {
  const requests = new Counter({
    name: 'mcp_sidecar_requests_total',
    help: 'Completed requests, by route, method and status.',
    labelNames: ['route', 'method', 'status'],
    registers: [registry],
  });
  const durations = new Histogram({
    name: 'mcp_sidecar_request_duration_seconds',
    help: 'Time from the request head to the end of the response, open streams included.',
    labelNames: ['route'],
    buckets: DURATION_BUCKETS,
    registers: [registry],
  });
  const observers = {
    mcp: durations.labels('mcp'),
    metadata: durations.labels('metadata'),
    other: durations.labels('other'),
  };
  const bound = new Map<string, Counter.Internal>();
  return (route, method, status, seconds) => {
    const key = `${route} ${METHODS.has(method) ? method : 'other'} ${status}`;
    let requestsOfKind = bound.get(key);
    if (requestsOfKind === undefined) {
      requestsOfKind = requests.labels(...(key.split(' ') as [string, string, string])); // joined above
      bound.set(key, requestsOfKind);
    }
    requestsOfKind.inc();
    observers[route].observe(seconds);
  };
}

function defineGauges(registry: Registry, gauges: Gauges): void {
  addGauge(registry, 'mcp_sidecar_requests_in_flight', 'Requests in flight.', gauges.requestsInFlight);
  addGauge(
    registry,
    'mcp_sidecar_upstream_connections',
    'Open connections to the MCP server.',
    gauges.upstreamConnections,
  );
  addGauge(registry, 'mcp_sidecar_cached_tokens', 'Verified tokens in the cache.', gauges.cachedTokens);
  addGauge(registry, 'mcp_sidecar_sessions', 'MCP sessions bound to a principal.', gauges.sessions);
  addProcessGauges(registry);
  new Gauge({
    name: 'mcp_sidecar_keys_loaded_timestamp_seconds',
    help: 'Time of the last successful JWKS fetch from an issuer.',
    labelNames: ['issuer'] as const,
    registers: [registry],
    collect() {
      this.reset(); // the series of an issuer that was removed must end
      for (const { issuer, seconds } of gauges.keysLoadedAt()) this.set({ issuer }, seconds);
    },
  });
}
