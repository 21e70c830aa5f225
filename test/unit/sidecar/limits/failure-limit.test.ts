// Failed authentications by address: how many, for how long, and in how much memory. And lines of the log, likewise.
import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, it } from 'node:test';
import { pino } from 'pino';
import { DenialLog } from '../../../../src/sidecar/observability/denial-log.ts';
import { FailureLimit } from '../../../../src/sidecar/limits/failure-limit.ts';

describe('failures of one address', () => {
  it('pass up to the limit, then wait for their share of a minute', () => {
    let now = 0;
    const limit = new FailureLimit(6, () => now);
    for (let i = 0; i < 6; i++) assert.equal(limit.count('192.0.2.1'), undefined);
    assert.equal(limit.count('192.0.2.1'), 10);
    now += 4_000;
    assert.equal(limit.count('192.0.2.1'), 6);
    now += 6_000;
    assert.equal(limit.count('192.0.2.1'), undefined);
    assert.equal(limit.count('192.0.2.1'), 10);
  });

  it('are never more than the limit at once, however long it was quiet', () => {
    let now = 0;
    const limit = new FailureLimit(3, () => now);
    limit.count('a');
    now += 86_400_000;
    assert.deepEqual(
      [1, 2, 3, 4].map(() => limit.count('a') === undefined),
      [true, true, true, false],
    );
  });

  it('do not count for another', () => {
    const limit = new FailureLimit(1, () => 0);
    for (const address of ['192.0.2.1', '192.0.2.2', '2001:db8:0:1::1', '2001:db8:0:2::1', '']) {
      assert.equal(limit.count(address), undefined, address);
      assert.notEqual(limit.count(address), undefined, address);
    }
  });

  for (const [name, a, b] of [
    ['one /64', '2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff'],
    ['one /64, shortened elsewhere', '2001:db8::1', '2001:db8:0:0:1::'],
    ['IPv4 in IPv6', '::ffff:192.0.2.1', '192.0.2.1'],
    ['an address with its interface', 'fe80::1%eth0', 'fe80::1%eth1'],
  ] as const) {
    it(`count together: ${name}`, () => {
      const limit = new FailureLimit(1, () => 0);
      limit.count(a);
      assert.notEqual(limit.count(b), undefined);
      assert.equal(limit.size, 1);
    });
  }

  it('of a million addresses take the memory of a few', () => {
    const limit = new FailureLimit(1, () => 0, 1_000);
    for (let i = 0; i < 100_000; i++) limit.count(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
    assert.equal(limit.size, 1_000);
  });

  it('are not forgiven by a clock that is set back, nor held for ever', () => {
    let now = 1_000_000;
    const limit = new FailureLimit(60, () => now);
    for (let i = 0; i < 60; i++) limit.count('a');
    now = 0;
    assert.equal(limit.count('a'), 1);
    now = 1_000;
    assert.equal(limit.count('a'), undefined);
  });
});

describe('the log of refusals', () => {
  function logAt(level: string) {
    const lines: Record<string, unknown>[] = [];
    const stream = new Writable({
      write: (chunk: Buffer, _, done) => {
        lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
        done();
      },
    });
    const world = { now: 0, lines, log: undefined as unknown as DenialLog };
    world.log = new DenialLog(pino({ level }, stream), () => world.now);
    return world;
  }
  const entry = (kind: string) => ({ kind, status: 401 });

  it('has a line for each while they are few', () => {
    const world = logAt('info');
    for (let i = 0; i < 40; i++) world.log.write(entry('no_credentials'), false);
    assert.equal(world.lines.length, 40);
  });

  it('holds back a flood, and says afterwards how much', () => {
    const world = logAt('info');
    for (let i = 0; i < 10_000; i++) world.log.write(entry('no_credentials'), false);
    assert.equal(world.lines.length, 50);
    world.now += 1_000;
    world.log.write(entry('no_credentials'), false);
    assert.equal(world.lines.at(-1)?.suppressed, 9_950);
    world.log.write(entry('no_credentials'), false);
    assert.equal(world.lines.at(-1)?.suppressed, undefined);
  });

  it('of one kind does not drown another', () => {
    const world = logAt('info');
    for (let i = 0; i < 1_000; i++) world.log.write(entry('no_credentials'), false);
    world.log.write(entry('invalid_token'), false);
    assert.equal(world.lines.at(-1)?.kind, 'invalid_token');
  });

  it('has every refusal of somebody with a good token', () => {
    const world = logAt('info');
    for (let i = 0; i < 1_000; i++) world.log.write({ kind: 'insufficient_scope', status: 403 }, true);
    assert.equal(world.lines.length, 1_000);
  });

  it('has every refusal at level debug', () => {
    const world = logAt('debug');
    for (let i = 0; i < 1_000; i++) world.log.write(entry('no_credentials'), false);
    assert.equal(world.lines.length, 1_000);
  });

  it('warns of what is our trouble', () => {
    const world = logAt('info');
    world.log.write({ kind: 'keys_unavailable', status: 503 }, false);
    assert.equal(world.lines[0]?.level, 40);
  });
});
