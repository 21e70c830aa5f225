// G19: probes and metrics are for the cluster; the public port has the endpoint and its metadata.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';

const PATHS = [
  ...[
    '/',
    '/healthz',
    '/health',
    '/readyz',
    '/livez',
    '/metrics',
    '/status',
    '/ready',
    '/live',
    '/debug/pprof/',
  ],
  ...['/favicon.ico', '/robots.txt', '/admin', '/config', '/version', '/server-status', '/actuator', '/.env'],
];

export const G19: Case = {
  id: 'G19',
  level: 'MUST°',
  rule: 'Probes, metrics and everything else but the endpoint and its metadata are 404 on the public port',
  source: 'RFC 9110 section 15.5.5; Kubernetes, probes on a port of their own',
  async run(bench) {
    await bench.accepts(bench.token());
    await each(PATHS, async (path) => {
      for (const method of ['GET', 'POST']) {
        for (const headers of [{}, { Authorization: `Bearer ${bench.token()}` }]) {
          assert.equal((await bench.call({ method, path, headers })).status, 404, method);
        }
      }
      assert.equal(bench.forwarded.length, 1);
    });
  },
};
