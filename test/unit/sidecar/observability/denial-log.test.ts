// Denials in the log: a flood is summed up, and what an audit needs is never suppressed.
import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, it } from 'node:test';
import { pino } from 'pino';
import { DenialLog } from '../../../../src/sidecar/observability/denial-log.ts';

describe('the log of denials', () => {
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
    for (let i = 0; i < 40; i++) world.log.writeLimited(entry('no_credentials'));
    assert.equal(world.lines.length, 40);
  });

  it('suppresses a flood, and says afterwards how much', () => {
    const world = logAt('info');
    for (let i = 0; i < 10_000; i++) world.log.writeLimited(entry('no_credentials'));
    assert.equal(world.lines.length, 50);
    world.now += 1_000;
    world.log.writeLimited(entry('no_credentials'));
    assert.equal(world.lines.at(-1)?.suppressed, 9_950);
    world.log.writeLimited(entry('no_credentials'));
    assert.equal(world.lines.at(-1)?.suppressed, undefined);
  });

  it('of one kind does not drown another', () => {
    const world = logAt('info');
    for (let i = 0; i < 1_000; i++) world.log.writeLimited(entry('no_credentials'));
    world.log.writeLimited(entry('invalid_token'));
    assert.equal(world.lines.at(-1)?.kind, 'invalid_token');
  });

  it('has every denial of an authenticated client', () => {
    const world = logAt('info');
    for (let i = 0; i < 1_000; i++) world.log.writeAlways({ kind: 'insufficient_scope', status: 403 });
    assert.equal(world.lines.length, 1_000);
  });

  it('has every denial at level debug', () => {
    const world = logAt('debug');
    for (let i = 0; i < 1_000; i++) world.log.writeLimited(entry('no_credentials'));
    assert.equal(world.lines.length, 1_000);
  });

  it('warns where the client is not at fault', () => {
    const world = logAt('info');
    world.log.writeLimited({ kind: 'keys_unavailable', status: 503 });
    assert.equal(world.lines[0]?.level, 40);
  });
});
