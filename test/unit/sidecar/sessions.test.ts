// Whose session is whose: bounded in number and in time.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isSessionId, Sessions } from '../../../src/sidecar/sessions.ts';

const HOUR = 3_600_000;

describe('an id', () => {
  const ids: Record<string, [id: string, good: boolean]> = {
    'one character': ['!', true],
    'a UUID': ['6ba7b810-9dad-11d1-80b4-00c04fd430c8', true],
    '256 characters': ['~'.repeat(256), true],
    'an empty one': ['', false],
    '257 characters': ['a'.repeat(257), false],
    'a blank': ['a b', false],
    'a tab': ['a\tb', false],
    'a control character': ['a\u0001', false],
    'a DEL': ['a\u007f', false],
    'a letter beyond ASCII': ['\u00e9', false],
    'a line end': ['a\n', false],
  };
  for (const [name, [id, good]] of Object.entries(ids)) it(name, () => assert.equal(isSessionId(id), good));
});

describe('sessions', () => {
  it('belong to who began them, until they end', () => {
    const sessions = new Sessions(() => 0);
    assert.equal(sessions.ownerOf('s'), undefined);
    assert.equal(sessions.bind('s', 'alice'), true);
    assert.equal(sessions.bind('s', 'alice'), true);
    assert.equal(sessions.bind('s', 'bob'), false);
    assert.equal(sessions.ownerOf('s'), 'alice');
    sessions.end('s');
    assert.equal(sessions.ownerOf('s'), undefined);
    assert.equal(sessions.bind('s', 'bob'), true);
  });

  it('are bounded, and those in use stay', () => {
    const sessions = new Sessions(() => 0, { size: 1_000 });
    sessions.bind('kept', 'alice');
    for (let i = 0; i < 1_000_000; i++) {
      sessions.bind(`s${i}`, 'bob');
      if (i % 500 === 0) assert.equal(sessions.ownerOf('kept'), 'alice', `after ${i}`);
      if (sessions.size > 2_000) assert.fail(`${sessions.size} sessions`);
    }
    assert.equal(sessions.ownerOf('s0'), undefined);
    assert.equal(sessions.ownerOf('s999999'), 'bob');
  });

  it('a million of them take a few megabytes', () => {
    const sessions = new Sessions(() => 0);
    for (let i = 0; i < 1_000_000; i++) sessions.bind(`${i}`.padStart(36, '0'), 'owner');
    assert.ok(sessions.size <= 65_536);
  });

  it('are forgotten when nobody uses them', () => {
    let now = 0;
    const sessions = new Sessions(() => now, { idleMs: HOUR });
    sessions.bind('used', 'alice');
    sessions.bind('idle', 'alice');
    for (let i = 0; i < 10; i++) {
      now += HOUR / 2;
      assert.equal(sessions.ownerOf('used'), 'alice', `after ${i}`);
    }
    assert.equal(sessions.ownerOf('idle'), undefined);
    assert.ok(sessions.size <= 2);
  });

  it('all are forgotten after a long time in which nobody came', () => {
    let now = 0;
    const sessions = new Sessions(() => now, { idleMs: HOUR });
    sessions.bind('s', 'alice');
    now = 3 * HOUR;
    assert.equal(sessions.ownerOf('s'), undefined);
    assert.equal(sessions.size, 0);
  });

  it('one that was ended does not come back from the older generation', () => {
    const sessions = new Sessions(() => 0, { size: 2 });
    sessions.bind('s', 'alice');
    sessions.bind('a', 'bob');
    sessions.bind('b', 'bob');
    assert.equal(sessions.ownerOf('s'), 'alice');
    sessions.end('s');
    assert.equal(sessions.ownerOf('s'), undefined);
  });
});
