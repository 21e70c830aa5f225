// Whose turn it is for a new version: one row a situation, and whole rollouts in which anything may happen at any time.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { limitOf, type MaxConcurrent } from '../../../src/operator/max-concurrent.ts';
import type { Member, Progress } from '../../../src/operator/members.ts';
import { waveOf } from '../../../src/operator/waves.ts';

const NEWEST = 'new';
const TEN_PERCENT: MaxConcurrent = { unit: 'percent', value: 10 };
const only = (value: number): MaxConcurrent => ({ unit: 'servers', value });

function member(key: string, changes: Partial<Member> = {}): Member {
  const [namespace = ''] = key.split('/');
  const isWaiting = changes.isWaiting ?? true;
  return {
    key,
    namespace,
    revision: isWaiting ? 'old' : NEWEST,
    isWaiting,
    progress: 'done',
    replaced: 'Ready',
    isEvidence: true,
    isRefused: false,
    ...changes,
  };
}

/** `count` servers of a namespace, all alike. */
const many = (namespace: string, count: number, changes: Partial<Member> = {}) =>
  Array.from({ length: count }, (_, index) =>
    member(`${namespace}/${String(index).padStart(3, '0')}`, changes),
  );
const has = (progress: Progress, changes: Partial<Member> = {}) => ({
  isWaiting: false,
  progress,
  ...changes,
});

interface Row {
  readonly situation: string;
  readonly members: readonly Member[];
  readonly maxConcurrent?: MaxConcurrent;
  readonly granted?: readonly string[];
  readonly turns: readonly string[];
  readonly isHeld?: boolean;
}

const ROWS: readonly Row[] = [
  { situation: 'no server has a turn where there is none', members: [], turns: [] },
  {
    situation: 'no server has a turn where all have the newest',
    members: many('a', 5, has('done')),
    turns: [],
  },
  { situation: 'one of nine has, though that is more than 10 %', members: many('a', 9), turns: ['a/000'] },
  { situation: 'one of 19 has: percentages are rounded down', members: many('a', 19), turns: ['a/000'] },
  { situation: 'two of 20 have', members: many('a', 20), turns: ['a/000', 'a/001'] },
  {
    situation: 'all have with 100 %',
    members: many('a', 3),
    maxConcurrent: { unit: 'percent', value: 100 },
    turns: ['a/000', 'a/001', 'a/002'],
  },
  {
    situation: 'a number counts as it is',
    members: many('a', 5),
    maxConcurrent: only(2),
    turns: ['a/000', 'a/001'],
  },
  {
    situation: 'a number above all is all',
    members: many('a', 2),
    maxConcurrent: only(50),
    turns: ['a/000', 'a/001'],
  },
  {
    situation: 'servers without pods do not raise the bound',
    members: [...many('a', 19), ...many('b', 100, { progress: 'idle' })],
    turns: ['a/000'],
  },
  {
    situation: 'nor do servers that never worked',
    members: [...many('a', 19), ...many('b', 100, { progress: 'failing', replaced: 'Nothing' })],
    turns: ['a/000'],
  },
  {
    situation: 'nor do new ones that do not',
    members: [...many('a', 19), ...many('b', 100, has('failing', { replaced: 'Nothing' }))],
    turns: ['a/000'],
  },
  {
    situation: 'where none serves, one has a turn',
    members: many('b', 100, { progress: 'idle' }),
    turns: ['b/000'],
  },
  {
    situation: 'none has while as many as may are on their way',
    members: [...many('a', 9), member('b/0', has('under-way'))],
    turns: [],
  },
  {
    situation: 'none has while one that was ready fails',
    members: [...many('a', 9), member('b/0', has('failing'))],
    turns: [],
    isHeld: true,
  },
  {
    situation: 'one that scaled to zero with the newest takes no place',
    members: [...many('a', 9), member('b/0', has('idle'))],
    turns: ['a/000'],
  },
  {
    situation: 'it is not held while another is on its way',
    members: [...many('a', 18), member('b/0', has('failing')), member('b/1', has('under-way'))],
    turns: ['a/000'],
  },
  {
    situation: 'a turn that was given keeps its place until it is used',
    members: many('a', 10),
    granted: ['a/005'],
    turns: ['a/005'],
  },
  {
    situation: 'but not when its objects cannot be applied',
    members: [...many('a', 9), member('a/bad', { isRefused: true })],
    granted: ['a/bad'],
    turns: ['a/000'],
  },
  {
    situation: 'namespaces take turns',
    members: [...many('a', 10), ...many('b', 10), ...many('c', 10)],
    turns: ['a/000', 'b/000', 'c/000'],
  },
  {
    situation: 'namespaces take turns also where there is one place: who had one comes after the others',
    members: [...many('a', 1, has('done')), member('a/001'), member('b/000')],
    turns: ['b/000'],
  },
  {
    situation: 'a namespace has no more than its part of the places',
    members: [...many('a', 10), ...many('b', 10, has('done'))],
    turns: ['a/000'],
  },
  {
    situation: 'what a namespace has beyond its part does not count: others go on',
    members: [...many('a', 10, has('failing')), ...many('b', 10), ...many('c', 10)],
    turns: ['b/000', 'c/000'],
  },
  {
    situation: 'first are those whose version works nowhere',
    members: [...many('a', 9), member('z/0', { revision: 'bad', progress: 'failing' })],
    turns: ['z/0'],
  },
  {
    situation: 'last are those in trouble with a version that works elsewhere',
    members: [member('a/0', { progress: 'failing' }), ...many('b', 3)],
    turns: ['b/000'],
  },
  {
    situation: 'last are those without pods: they show nothing',
    members: [member('a/0', { progress: 'idle' }), ...many('b', 3)],
    turns: ['b/000'],
  },
  {
    situation: 'those in trouble come all the same',
    members: [member('a/0', { progress: 'failing' }), ...many('b', 3, has('done'))],
    turns: ['a/0'],
  },
  {
    situation: 'one that was not ready before and fails takes no place, once the version works',
    members: [
      member('a/0', has('failing', { replaced: 'Unready' })),
      member('b/0', has('done')),
      ...many('c', 3),
    ],
    turns: ['c/000'],
  },
  {
    situation: 'it takes one before that',
    members: [member('a/0', has('failing', { replaced: 'Unready' })), ...many('c', 3)],
    turns: [],
    isHeld: true,
  },
  {
    situation: 'it takes one while it is on its way',
    members: [
      member('a/0', has('under-way', { replaced: 'Unready' })),
      member('b/0', has('done')),
      ...many('c', 3),
    ],
    turns: [],
  },
  {
    situation: 'a new server takes no place',
    members: [member('a/0', has('failing', { replaced: 'Nothing' })), ...many('c', 3)],
    turns: ['c/000'],
  },
  {
    situation: 'the failures of one namespace take no place of others, once the version works in another',
    members: [member('a/0', has('failing')), member('b/0', has('done')), ...many('c', 3)],
    turns: ['c/000'],
  },
  {
    situation: 'it has no more turns itself',
    members: [member('a/0', has('failing')), member('b/0', has('done')), ...many('a', 3)],
    turns: [],
    isHeld: true,
  },
  {
    situation: 'that it works in the same namespace shows nothing',
    members: [member('a/0', has('failing')), member('a/1', has('done')), ...many('c', 3)],
    turns: [],
    isHeld: true,
  },
  {
    situation: 'that a server of its own sidecar works shows nothing',
    members: [
      member('a/0', has('failing')),
      member('b/0', has('done', { isEvidence: false })),
      ...many('c', 3),
    ],
    turns: [],
    isHeld: true,
  },
  {
    situation: 'that a server without pods has it shows nothing',
    members: [member('a/0', has('failing')), member('b/0', has('idle')), ...many('c', 3)],
    turns: [],
    isHeld: true,
  },
  {
    situation: 'the failures of two namespaces hold the others',
    members: [
      ...many('a', 1, has('failing')),
      ...many('b', 1, has('failing')),
      ...many('c', 1, has('done')),
      ...many('d', 3),
    ],
    turns: [],
    isHeld: true,
  },
];

describe('the turns', () => {
  for (const { situation, members, maxConcurrent = TEN_PERCENT, granted = [], turns, isHeld = false } of ROWS)
    it(situation, () => {
      const wave = waveOf(members, { maxConcurrent, granted: new Set(granted) });
      assert.deepEqual([...wave.turns], turns);
      assert.equal(wave.isHeld, isHeld);
    });

  it('do not depend on the order in which servers are listed', () => {
    const members = [...many('a', 20), ...many('b', 3), ...many('c', 7, has('done'))];
    const rules = { maxConcurrent: TEN_PERCENT, granted: new Set<string>() };
    assert.deepEqual([...waveOf(members.toReversed(), rules).turns], [...waveOf(members, rules).turns]);
  });

  it('count who is where', () => {
    const members = [
      ...many('a', 4),
      ...many('b', 2, has('done')),
      ...many('c', 1, has('failing')),
      ...many('d', 3, has('under-way')),
      ...many('e', 1, has('idle')),
    ];
    const { waiting, done, failing, underWay } = waveOf(members, {
      maxConcurrent: TEN_PERCENT,
      granted: new Set(),
    });
    assert.deepEqual(
      { waiting, done, failing, underWay },
      { waiting: 4, done: 3, failing: ['c/000'], underWay: 3 },
    );
  });
});

/** A cluster in which releases come, operators restart, and pods take their time. */
class Cluster {
  readonly maxConcurrent: MaxConcurrent;
  members: Member[];
  newest = 'old';
  granted: ReadonlySet<string> = new Set();
  readonly #works: (key: string, revision: string) => boolean;

  constructor(
    keys: readonly string[],
    maxConcurrent: MaxConcurrent,
    works: (key: string, revision: string) => boolean,
  ) {
    this.maxConcurrent = maxConcurrent;
    this.#works = works;
    this.members = keys.map((key) =>
      member(key, {
        isWaiting: false,
        revision: 'old',
        replaced: 'Nothing',
        progress: works(key, 'old') ? 'done' : 'failing',
      }),
    );
  }

  get limit(): number {
    return limitOf(this.maxConcurrent, this.members.length);
  }

  release(revision: string): void {
    this.newest = revision;
    this.restart();
    this.members = this.members.map((one) => ({ ...one, isWaiting: one.revision !== revision }));
  }

  /** Another operator knows what the cluster says. */
  restart(): void {
    this.granted = new Set();
  }

  look(): void {
    const { maxConcurrent, granted } = this;
    this.granted = waveOf(this.members, { maxConcurrent, granted }).turns;
  }

  /** The operator applies the newest version to one whose turn it is. */
  apply(pick: number): void {
    const key = [...this.granted][pick % Math.max(1, this.granted.size)];
    this.members = this.members.map((one) =>
      one.key === key && one.isWaiting
        ? {
            ...one,
            isWaiting: false,
            revision: this.newest,
            progress: 'under-way',
            replaced:
              one.progress === 'done'
                ? 'Ready'
                : one.progress === 'failing' && one.replaced === 'Nothing'
                  ? 'Nothing'
                  : 'Unready',
          }
        : one,
    );
  }

  /** A rollout comes to its end. */
  end(pick: number): void {
    const underWay = this.members.filter(({ progress }) => progress === 'under-way');
    const { key } = underWay[pick % Math.max(1, underWay.length)] ?? {};
    this.members = this.members.map((one) =>
      one.key === key ? { ...one, progress: this.#works(one.key, one.revision) ? 'done' : 'failing' } : one,
    );
  }

  /** Until nothing happens any more. */
  settle(): void {
    for (let quiet = 0; quiet < 2;) {
      const before = JSON.stringify(this.members);
      this.look();
      for (let pick = this.granted.size; pick > 0; pick--) this.apply(pick);
      for (let pick = this.members.length; pick > 0; pick--) this.end(pick);
      quiet = before === JSON.stringify(this.members) ? quiet + 1 : 0;
    }
  }

  unfinished(): Member[] {
    return this.members.filter(({ progress }) => progress === 'under-way' || progress === 'failing');
  }
}

const keys = fc
  .uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.nat(99)), {
    minLength: 1,
    maxLength: 60,
    selector: ([namespace, index]) => `${namespace}/${index}`,
  })
  .map((all) => all.map(([namespace, index]) => `${namespace}/${index}`));
const rule = fc.oneof(
  fc.integer({ min: 1, max: 100 }).map((value): MaxConcurrent => ({ unit: 'percent', value })),
  fc.integer({ min: 1, max: 10 }).map(only),
);
/** What happens, in any order, as numbers: which, and to which server. */
const steps = fc.array(fc.tuple(fc.constantFrom('look', 'apply', 'end', 'restart'), fc.nat(1000)), {
  maxLength: 300,
});

function play(cluster: Cluster, what: readonly (readonly [string, number])[], check: () => void): void {
  for (const [step, pick] of what) {
    if (step === 'look') cluster.look();
    if (step === 'apply') cluster.apply(pick);
    if (step === 'end') cluster.end(pick);
    if (step === 'restart') cluster.restart();
    check();
  }
}

describe('a rollout', () => {
  it('never has more servers on their way than it may, whatever happens when', () => {
    fc.assert(
      fc.property(keys, rule, steps, fc.boolean(), (all, maxConcurrent, what, isGood) => {
        const cluster = new Cluster(all, maxConcurrent, (_, revision) => isGood || revision !== NEWEST);
        cluster.release(NEWEST);
        play(cluster, what, () => assert.ok(cluster.unfinished().length <= cluster.limit));
      }),
    );
  });

  it('reaches every server when each gets ready', () => {
    fc.assert(
      fc.property(keys, rule, steps, (all, maxConcurrent, what) => {
        const cluster = new Cluster(all, maxConcurrent, () => true);
        cluster.release(NEWEST);
        play(cluster, what, () => undefined);
        cluster.settle();
        assert.ok(cluster.members.every(({ revision }) => revision === NEWEST));
      }),
    );
  });

  it('of a version that does not work reaches no more servers than may change at once, however often it is tried', () => {
    fc.assert(
      fc.property(keys, rule, steps, fc.integer({ min: 1, max: 4 }), (all, maxConcurrent, what, tries) => {
        const cluster = new Cluster(all, maxConcurrent, (_, revision) => !revision.startsWith('bad'));
        for (let round = 0; round < tries; round++) {
          cluster.release(`bad-${round}`);
          play(cluster, what, () => assert.ok(cluster.unfinished().length <= cluster.limit));
          cluster.settle();
          assert.ok(cluster.unfinished().length <= cluster.limit);
        }
        cluster.release(NEWEST);
        cluster.settle();
        assert.ok(
          cluster.members.every(({ revision, progress }) => revision === NEWEST && progress === 'done'),
        );
      }),
    );
  });

  it('is not stopped by servers that were broken before', () => {
    fc.assert(
      fc.property(keys, rule, steps, fc.func(fc.boolean()), (all, maxConcurrent, what, isBroken) => {
        const broken = new Set(all.filter((key) => isBroken(key)));
        const cluster = new Cluster(all, maxConcurrent, (key) => !broken.has(key));
        cluster.release(NEWEST);
        play(cluster, what, () => undefined);
        cluster.settle();
        const left = cluster.members.filter(({ key, isWaiting }) => isWaiting && !broken.has(key));
        assert.deepEqual(left, []);
      }),
    );
  });

  it('is not stopped by a namespace whose servers all fail with it, where two may change at once', () => {
    fc.assert(
      fc.property(keys, fc.integer({ min: 2, max: 10 }), steps, (all, value, what) => {
        const cluster = new Cluster(
          all,
          only(value),
          (key, revision) => revision === 'old' || !key.startsWith('a/'),
        );
        cluster.release(NEWEST);
        play(cluster, what, () => undefined);
        cluster.settle();
        const left = cluster.members.filter(({ isWaiting, namespace }) => isWaiting && namespace !== 'a');
        assert.deepEqual(left, []);
      }),
    );
  });

  it('of which the servers of two namespaces fail is stopped', () => {
    fc.assert(
      fc.property(rule, (maxConcurrent) => {
        const all = ['a', 'b', 'c'].flatMap((namespace) => many(namespace, 40).map(({ key }) => key));
        const cluster = new Cluster(
          all,
          maxConcurrent,
          (key, revision) => revision === 'old' || key.startsWith('c/'),
        );
        cluster.release(NEWEST);
        cluster.settle();
        assert.ok(cluster.unfinished().length <= cluster.limit + Math.ceil(cluster.limit / 3));
      }),
    );
  });

  it('goes on where it was after a rollback and another release', () => {
    fc.assert(
      fc.property(keys, rule, steps, (all, maxConcurrent, what) => {
        const cluster = new Cluster(all, maxConcurrent, (_, revision) => revision !== NEWEST);
        cluster.release(NEWEST);
        play(cluster, what, () => undefined);
        cluster.release('old');
        cluster.settle();
        assert.ok(
          cluster.members.every(({ revision, progress }) => revision === 'old' && progress === 'done'),
        );
      }),
    );
  });
});
