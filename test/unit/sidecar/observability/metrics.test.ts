// Metrics: what is read at each scrape says what is so now.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createMetrics } from '../../../../src/sidecar/observability/metrics.ts';

const zero = () => 0;

function metricsOf(loaded: readonly { issuer: string; seconds: number }[]) {
  const gauges = {
    requestsInFlight: zero,
    upstreamConnections: zero,
    cachedTokens: zero,
    sessions: zero,
    keysLoadedAt: () => loaded,
  };
  return createMetrics(gauges);
}

it('the series of an issuer that was removed ends', async () => {
  const loaded = [
    { issuer: 'https://old', seconds: 1 },
    { issuer: 'https://new', seconds: 2 },
  ];
  const { registry } = metricsOf(loaded);
  assert.match(await registry.metrics(), /keys_loaded_timestamp_seconds\{issuer="https:\/\/old"\} 1/);
  loaded.shift();
  const text = await registry.metrics();
  assert.match(text, /keys_loaded_timestamp_seconds\{issuer="https:\/\/new"\} 2/);
  assert.doesNotMatch(text, /https:\/\/old/);
});

it('methods that clients make up share one label', async () => {
  const { registry, recordRequest } = metricsOf([]);
  for (const method of ['POST', 'BREW', 'PROPFIND']) recordRequest('mcp', method, 200, 0.001);
  const text = await registry.metrics();
  assert.match(text, /requests_total\{route="mcp",method="POST",status="200"\} 1/);
  assert.match(text, /requests_total\{route="mcp",method="other",status="200"\} 2/);
  assert.match(text, /duration_seconds_count\{route="mcp"\} 3/);
});
