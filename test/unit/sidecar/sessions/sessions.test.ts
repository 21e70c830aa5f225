// Owners of sessions: bounded in number and in time, evicted fairly, and the same as a naive model after any sequence.
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
  it('belong to the principal that began them, until they end', () => {
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
    for (let i = 0; i < 20_000; i++) {
      sessions.bind(`s${i}`, 'bob');
      if (i % 100 === 0) assert.equal(sessions.ownerOf('s0'), 'bob', `after ${i}`);
      if (sessions.size > 1_000) assert.fail(`${sessions.size} sessions`);
    }
    assert.equal(sessions.ownerOf('s1'), undefined);
    assert.equal(sessions.ownerOf('s19999'), 'bob');
  });

  it('of an owner without end evict none of an owner with fewer', () => {
    const sessions = new Sessions(() => 0, { size: 1_000 });
    for (let i = 0; i < 300; i++) sessions.bind(`alice${i}`, 'alice');
    for (let i = 0; i < 20_000; i++) sessions.bind(`bob${i}`, 'bob');
    for (let i = 0; i < 300; i++) assert.equal(sessions.ownerOf(`alice${i}`), 'alice');
    assert.equal(sessions.size, 1_000);
  });

  it('of many owners with one each evict the oldest', () => {
    const sessions = new Sessions(() => 0, { size: 3 });
    for (const who of ['a', 'b', 'c', 'd']) sessions.bind(`of ${who}`, who);
    assert.deepEqual(
      ['a', 'b', 'c', 'd'].map((who) => sessions.ownerOf(`of ${who}`)),
      [undefined, 'b', 'c', 'd'],
    );
  });

  it('of a new owner evict those of the owner with the most, however few that are', () => {
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

  it('are 65,536 at most by default', () => {
    const sessions = new Sessions(() => 0);
    for (let i = 0; i < 70_000; i++) sessions.bind(`${i}`.padStart(36, '0'), 'owner');
    assert.equal(sessions.size, 65_536);
  });

  it('are forgotten when they are idle', () => {
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

  it('that are idle make room when others begin', () => {
    let now = 0;
    const sessions = new Sessions(() => now, { size: 1_000, idleMs: HOUR });
    for (let i = 0; i < 900; i++) sessions.bind(`idle${i}`, 'alice');
    now = HOUR;
    for (let i = 0; i < 900; i++) sessions.bind(`new${i}`, 'bob');
    assert.equal(sessions.size, 900);
    assert.equal(sessions.ownerOf('new0'), 'bob');
  });

  it('that are idle are found behind one that is in use', () => {
    let now = 0;
    const sessions = new Sessions(() => now, { idleMs: HOUR });
    for (const id of ['used', 'idle']) sessions.bind(id, 'alice');
    now = HOUR - 1;
    sessions.ownerOf('used');
    now = HOUR;
    sessions.bind('new', 'alice');
    assert.equal(sessions.size, 2);
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

  it('are evicted fairly: an owner loses one only while no other has more', () => {
    const owners = fc.array(fc.constantFrom('alice', 'bob', 'carol', 'dave'), { maxLength: 100 });
    fc.assert(
      fc.property(owners, fc.integer({ min: 1, max: 12 }), (binds, size) => {
        const sessions = new Sessions(() => 0, { size });
        const begun = new Map<string, string[]>();
        binds.forEach((owner, i) => {
          sessions.bind(`s${i}`, owner);
          begun.set(owner, [...(begun.get(owner) ?? []), `s${i}`]);
        });
        const kept = [...begun].map(([owner, ids]) => ({
          count: ids.filter((id) => sessions.ownerOf(id) === owner).length,
          begun: ids.length,
        }));
        assert.equal(sessions.size, Math.min(size, binds.length));
        const most = Math.max(0, ...kept.map(({ count }) => count));
        for (const owner of kept) {
          if (owner.count < owner.begun) assert.ok(most <= owner.count + 1, JSON.stringify(kept));
        }
      }),
    );
  });

  it('are what a naive model says, whatever happens in whatever order', () => {
    const ids = fc.constantFrom(...'abcdef');
    const owners = fc.constantFrom('alice', 'bob', 'carol');
    const steps = fc.array(fc.tuple(fc.constantFrom('bind', 'bind', 'use', 'end', 'wait'), ids, owners), {
      maxLength: 80,
    });
    fc.assert(
      fc.property(steps, (taken) => {
        const clock = { now: 0 };
        const sessions = new Sessions(() => clock.now, LIMITS);
        const model = new Model(clock);
        for (const [step, id, owner] of taken) {
          if (step === 'wait') clock.now += 5;
          if (step === 'end') for (const each of [sessions, model]) each.end(id);
          if (step === 'use') assert.equal(sessions.ownerOf(id), model.ownerOf(id));
          if (step === 'bind') assert.equal(sessions.bind(id, owner), model.bind(id, owner));
          assert.equal(sessions.size, model.sessions.length);
        }
        for (const id of 'abcdef') assert.equal(sessions.ownerOf(id), model.ownerOf(id), id);
      }),
      { numRuns: 2_000 },
    );
  });
});

const LIMITS = { size: 4, idleMs: 10 };

/** The rules of `Sessions` on one array, with a search for everything. */
class Model {
  /** In the order in which they are checked for idleness. */
  sessions: { id: string; owner: string; usedAt: number; isInUse: boolean; turn: number }[] = [];
  /** When the number of sessions of an owner last changed. */
  readonly #changed = new Map<string, number>();
  readonly #clock: { readonly now: number };
  #turn = 0;

  constructor(clock: { readonly now: number }) {
    this.#clock = clock;
  }

  ownerOf(id: string): string | undefined {
    const session = this.sessions.find((each) => each.id === id);
    if (session === undefined) return undefined;
    if (this.#clock.now - session.usedAt >= LIMITS.idleMs) return void this.end(id);
    Object.assign(session, { usedAt: this.#clock.now, isInUse: true });
    return session.owner;
  }

  bind(id: string, owner: string): boolean {
    const current = this.ownerOf(id);
    if (current !== undefined) return current === owner;
    for (let checked = 0; checked < 2; checked++) {
      const [first] = this.sessions;
      if (first === undefined) break;
      if (this.#clock.now - first.usedAt >= LIMITS.idleMs) this.end(first.id);
      else this.sessions.push(...this.sessions.splice(0, 1));
    }
    this.sessions.push({ id, owner, usedAt: this.#clock.now, isInUse: false, turn: ++this.#turn });
    this.#changed.set(owner, ++this.#turn);
    if (this.sessions.length > LIMITS.size) this.#evict(id);
    return true;
  }

  end(id: string): void {
    const session = this.sessions.find((each) => each.id === id);
    if (session === undefined) return;
    this.sessions = this.sessions.filter((each) => each !== session);
    this.#changed.set(session.owner, ++this.#turn);
  }

  #evict(begun: string): void {
    const owners = [...new Set(this.sessions.map(({ owner }) => owner))];
    const of = (name: string) => this.sessions.filter(({ owner }) => owner === name);
    const [largest] = owners.sort(
      (a, b) => of(b).length - of(a).length || this.#changed.get(a)! - this.#changed.get(b)!,
    );
    for (;;) {
      const [next] = of(largest!).sort((a, b) => a.turn - b.turn);
      if (next!.id !== begun && !next!.isInUse) return this.end(next!.id);
      Object.assign(next!, { isInUse: false, turn: ++this.#turn });
    }
  }
}
