// Whose session is whose: bounded in number and in time.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isSessionId, Sessions } from '../../../../src/sidecar/sessions/sessions.ts';

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
    for (let i = 0; i < 100_000; i++) {
      sessions.bind(`s${i}`, 'bob');
      if (i % 100 === 0) assert.equal(sessions.ownerOf('s0'), 'bob', `after ${i}`);
      if (sessions.size > 1_000) assert.fail(`${sessions.size} sessions`);
    }
    assert.equal(sessions.ownerOf('s1'), undefined);
    assert.equal(sessions.ownerOf('s99999'), 'bob');
  });

  it('of who begins them without end push out nobody’s who has fewer', () => {
    const sessions = new Sessions(() => 0, { size: 1_000 });
    for (let i = 0; i < 300; i++) sessions.bind(`alice${i}`, 'alice');
    for (let i = 0; i < 100_000; i++) sessions.bind(`bob${i}`, 'bob');
    for (let i = 0; i < 300; i++) assert.equal(sessions.ownerOf(`alice${i}`), 'alice');
    assert.equal(sessions.size, 1_000);
  });

  it('of many who begin one each push out the oldest, when nobody has more', () => {
    const sessions = new Sessions(() => 0, { size: 3 });
    for (const who of ['a', 'b', 'c', 'd']) sessions.bind(`of ${who}`, who);
    assert.deepEqual(
      ['a', 'b', 'c', 'd'].map((who) => sessions.ownerOf(`of ${who}`)),
      [undefined, 'b', 'c', 'd'],
    );
  });

  it('of a newcomer find room at the cost of who has the most, however few that are', () => {
    const sessions = new Sessions(() => 0, { size: 4 });
    for (const id of ['a1', 'a2', 'a3', 'b1']) sessions.bind(id, id.slice(0, 1));
    for (const id of ['c1', 'c2']) sessions.bind(id, 'c');
    assert.deepEqual(
      ['a1', 'a2', 'a3', 'b1', 'c1', 'c2'].map((id) => sessions.ownerOf(id)),
      [undefined, undefined, 'a', 'b', 'c', 'c'],
    );
  });

  for (const size of [1, 2, 10, 16, 17, 100]) {
    it(`that are all in use cannot keep a new one out: ${size}`, () => {
      const sessions = new Sessions(() => 0, { size });
      for (let i = 0; i < size; i++) sessions.bind(`s${i}`, 'bob');
      for (let i = 0; i < size; i++) assert.equal(sessions.ownerOf(`s${i}`), 'bob');
      sessions.bind('new', 'bob');
      assert.equal(sessions.ownerOf('new'), 'bob');
      assert.equal(sessions.size, size);
    });
  }

  it('a million of them are 65,536', () => {
    const sessions = new Sessions(() => 0);
    for (let i = 0; i < 1_000_000; i++) sessions.bind(`${i}`.padStart(36, '0'), 'owner');
    assert.equal(sessions.size, 65_536);
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
    assert.equal(sessions.size, 1);
  });

  it('that are idle leave when others begin, and take nobody’s room', () => {
    let now = 0;
    const sessions = new Sessions(() => now, { size: 1_000, idleMs: HOUR });
    for (let i = 0; i < 900; i++) sessions.bind(`idle${i}`, 'alice');
    now = HOUR;
    for (let i = 0; i < 900; i++) sessions.bind(`new${i}`, 'bob');
    assert.equal(sessions.size, 900);
    assert.equal(sessions.ownerOf('new0'), 'bob');
  });

  it('that ended do not come back, and leave room', () => {
    const sessions = new Sessions(() => 0, { size: 2 });
    sessions.bind('s', 'alice');
    sessions.bind('a', 'bob');
    sessions.end('s');
    assert.equal(sessions.ownerOf('s'), undefined);
    sessions.bind('b', 'bob');
    assert.equal(sessions.ownerOf('a'), 'bob');
    assert.equal(sessions.ownerOf('s'), undefined);
  });

  it('follow these rules whatever happens in whatever order', () => {
    const ids = fc.constantFrom(...'abcdefgh');
    const owners = fc.constantFrom('alice', 'bob', 'carol');
    const steps = fc.array(fc.tuple(fc.constantFrom('bind', 'use', 'end', 'wait'), ids, owners), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(steps, (taken) => {
        let now = 0;
        const sessions = new Sessions(() => now, { size: 4, idleMs: 10 });
        const begun = new Map<string, string>();
        for (const [step, id, owner] of taken) {
          const known = sessions.ownerOf(id);
          if (known !== undefined) assert.equal(known, begun.get(id), 'it is whose it was');
          if (step === 'wait') now += 3;
          if (step === 'end') sessions.end(id);
          if (step === 'bind' && sessions.bind(id, owner)) begun.set(id, owner);
          if (step === 'bind')
            assert.notEqual(sessions.ownerOf(id), undefined, 'what has just begun is there');
          if (step === 'end') assert.equal(sessions.ownerOf(id), undefined);
          assert.ok(sessions.size <= 4);
        }
      }),
    );
  });
});
