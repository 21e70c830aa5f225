// What a reload does to the keys that are held: kept with their source, replaced with another, stopped with their issuer.
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { pino } from 'pino';
import { IssuerError } from '../../../../src/sidecar/issuers/issuer-error.ts';
import { KeyRing, type TrustedIssuer } from '../../../../src/sidecar/issuers/key-ring.ts';
import { createMetrics } from '../../../../src/sidecar/observability/metrics.ts';
import { signingKey } from '../../../kit/issuer.ts';

const A = 'https://a.test';
const B = 'https://b.test';
const key = await signingKey('k1');
const trusted = (issuer: string, jwks: TrustedIssuer['config']['jwks'] = {}, ca?: string): TrustedIssuer => ({
  config: { issuer, jwks },
  ca,
});

/** Fetches that are under way end when `release` is called; null: they end at once. */
let gate: PromiseWithResolvers<void> | undefined;
let fetched: string[];
let lines: Record<string, unknown>[];
let isUp: boolean;

function ringOf(...issuers: TrustedIssuer[]): KeyRing {
  return new KeyRing(issuers, {
    clock: () => 1_800_000_000_000,
    fetchText: (url) => {
      const { origin } = new URL(url);
      return Promise.resolve(JSON.stringify({ issuer: origin, jwks_uri: `${origin}/certs` }));
    },
    fetchJson: async (url) => {
      fetched.push(url);
      await gate?.promise;
      if (!isUp) throw new IssuerError('unreachable', `GET ${url}: connect ECONNREFUSED`);
      return { keys: [key.jwk] };
    },
    logger: pino(
      { level: 'debug' },
      { write: (line: string) => lines.push(JSON.parse(line) as object as never) },
    ),
    stop: new AbortController().signal,
    onAttempt: () => undefined,
  });
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => {
  gate = undefined;
  fetched = [];
  lines = [];
  isUp = true;
});

describe('a changed configuration', () => {
  it('keeps the keys of an issuer whose source stays, without a fetch', async () => {
    const ring = ringOf(trusted(A));
    ring.start();
    await settled();
    const before = ring.get(A);
    await ring.replace([trusted(A), trusted(B)]);
    assert.equal(ring.get(A), before);
    assert.equal(before?.stop.signal.aborted, false);
    assert.deepEqual(fetched, [`${A}/certs`, `${B}/certs`]);
  });

  for (const [what, changed] of [
    ['key endpoint', trusted(A, { uri: 'https://internal.test/certs' })],
    ['CA bundle', trusted(A, {}, 'another bundle')],
  ] as const) {
    it(`replaces the keys of an issuer with another ${what}`, async () => {
      const ring = ringOf(trusted(A));
      ring.start();
      await settled();
      const before = ring.get(A);
      await ring.replace([changed]);
      assert.notEqual(ring.get(A), before);
      assert.equal(before?.stop.signal.aborted, true);
      assert.equal(ring.get(A)?.keys.available, true);
      assert.equal(fetched.length, 2);
    });
  }

  it('stops the keys of an issuer that is gone, and holds nothing of it', async () => {
    const ring = ringOf(trusted(A), trusted(B));
    ring.start();
    await settled();
    const gone = ring.get(B);
    await ring.replace([trusted(A)]);
    assert.equal(gone?.stop.signal.aborted, true);
    assert.equal(ring.get(B), undefined);
    assert.deepEqual([...ring.keys.keys()], [A]);
    assert.deepEqual(
      ring.statuses.map(({ issuer }) => issuer),
      [A],
    );
  });

  it('refreshes the old keys until the new ones were fetched', async () => {
    const ring = ringOf(trusted(A));
    ring.start();
    await settled();
    const before = ring.get(A);
    gate = Promise.withResolvers<void>();
    const replacing = ring.replace([trusted(A, { uri: 'https://internal.test/certs' })]);
    await settled();
    assert.equal(before?.stop.signal.aborted, false);
    gate.resolve();
    await replacing;
    assert.equal(before?.stop.signal.aborted, true);
  });

  it('that overtakes another keeps what both hold, and stops what the later one dropped', async () => {
    const ring = ringOf(trusted(A));
    ring.start();
    await settled();
    const kept = ring.get(A);
    gate = Promise.withResolvers<void>();
    const first = ring.replace([trusted(A), trusted(B)]);
    const dropped = ring.get(B);
    const second = ring.replace([trusted(A)]);
    gate.resolve();
    await Promise.all([first, second]);
    assert.equal(kept?.stop.signal.aborted, false);
    assert.equal(dropped?.stop.signal.aborted, true);
  });
});

describe('what is said of a failure', () => {
  it('is a code and a text, at /status, in readiness and in the log', async () => {
    isUp = false;
    const ring = ringOf(trusted(A));
    ring.start();
    await settled();
    const message = `GET ${A}/certs: connect ECONNREFUSED`;
    assert.deepEqual(ring.statuses[0]?.lastError, { code: 'unreachable', message });
    assert.deepEqual(ring.problems, [`No signing keys for ${A}: ${message}`]);
    const line = lines.find(({ msg }) => msg === 'JWKS fetch failed');
    assert.equal(line?.['reason'], 'unreachable');
    assert.equal(line?.['err'], message);
    assert.equal(line?.['issuer'], A);
  });
});

it('the time of the last fetch leaves the metrics with its issuer', async () => {
  const ring = ringOf(trusted(A), trusted(B));
  ring.start();
  await settled();
  const zero = () => 0;
  const { registry } = createMetrics({
    requestsInFlight: zero,
    upstreamConnections: zero,
    cachedTokens: zero,
    sessions: zero,
    keysLoadedAt: () => ring.loadedAt,
  });
  const series = async () =>
    (await registry.metrics())
      .split('\n')
      .filter((line) => line.startsWith('mcp_sidecar_keys_loaded_timestamp_seconds{'));
  const line = (issuer: string) => `mcp_sidecar_keys_loaded_timestamp_seconds{issuer="${issuer}"} 1800000000`;
  assert.deepEqual(await series(), [line(A), line(B)]);
  await ring.replace([trusted(A)]);
  assert.deepEqual(await series(), [line(A)]);
});
