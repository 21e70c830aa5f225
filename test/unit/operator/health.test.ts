// The operator's own port: what Kubernetes and Prometheus get.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { createHealth, type HealthSources } from '../../../src/operator/health.ts';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function get(path: string, sources: Partial<HealthSources> = {}): Promise<Response> {
  server = createHealth({
    notLive: () => undefined,
    notReady: () => undefined,
    metrics: () => Promise.resolve('a 1\n'),
    metricsContentType: 'text/plain; version=0.0.4',
    ...sources,
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);
}

describe('the health port', () => {
  const blocked = { notLive: () => 'event loop blocked' };
  const standby = { standing: () => 'standing by: x' };
  const unsynced = { notReady: () => 'caches not synced' };
  const broken = { metrics: () => Promise.reject(new Error('secret detail')) };
  const rows: readonly [name: string, path: string, Partial<HealthSources>, status: number, body: RegExp][] =
    [
      ['is live', '/livez', {}, 200, /^ok\n$/],
      ['says why it is not live', '/livez', blocked, 503, /^event loop blocked\n$/],
      ['is ready', '/readyz', {}, 200, /^ok\n$/],
      ['is ready to stand by, and says so', '/readyz', standby, 200, /^standing by: x\n$/],
      ['is live while it stands by', '/livez', standby, 200, /^ok\n$/],
      ['says why it is not ready', '/readyz', unsynced, 503, /^caches not synced\n$/],
      ['is live while it is not ready: a restart would not help', '/livez', unsynced, 200, /^ok\n$/],
      ['has metrics', '/metrics', {}, 200, /^a 1\n$/],
      ['answers metrics that fail without their error', '/metrics', broken, 500, /^failed\n$/],
      ['has nothing else', '/', {}, 404, /\/livez.*\/readyz.*\/metrics/],
      ['compares paths exactly', '/livez/', {}, 404, /not found/],
    ];
  for (const [name, path, sources, status, body] of rows) {
    it(name, async () => {
      const response = await get(path, sources);
      assert.equal(response.status, status);
      assert.equal(response.headers.get('cache-control'), 'no-store');
      assert.match(await response.text(), body);
    });
  }

  it('gives metrics their content type', async () => {
    assert.equal((await get('/metrics')).headers.get('content-type'), 'text/plain; version=0.0.4');
  });
});
