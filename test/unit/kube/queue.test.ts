// One run at a time for a key, nothing lost, backoff, drain. Time is the test's.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ApiError } from '../../../src/kube/errors.ts';
import { WorkQueue, type QueueOptions, type QueueRun } from '../../../src/kube/queue.ts';
import { FakeScheduler, settle } from './fake-scheduler.ts';

function started(run: QueueOptions['run'], options: Partial<QueueOptions> = {}) {
  const scheduler = new FakeScheduler();
  const runs: QueueRun[] = [];
  const queue = new WorkQueue({ run, scheduler, onRun: (one) => runs.push(one), ...options });
  queue.start();
  return { queue, scheduler, runs };
}

/** Work that waits until the test ends it. */
function held() {
  const open: { key: string; signal: AbortSignal; end: (error?: Error) => void }[] = [];
  const run: QueueOptions['run'] = (key, signal) =>
    new Promise((resolve, reject) => {
      open.push({ key, signal, end: (error) => (error ? reject(error) : resolve()) });
    });
  return { open, run };
}

describe('a queue', () => {
  it('runs a key once for many adds', async () => {
    const keys: string[] = [];
    const scheduler = new FakeScheduler();
    const queue = new WorkQueue({ run: (key) => Promise.resolve(void keys.push(key)), scheduler });
    for (let index = 0; index < 100; index++) queue.add('a');
    assert.deepEqual([keys.length, queue.depth], [0, 1], 'nothing runs before the start');
    queue.start();
    await settle();
    assert.deepEqual(keys, ['a']);
  });

  it('runs a key once more when it is added while it runs', async () => {
    const { open, run } = held();
    const { queue } = started(run);
    queue.add('a');
    for (let index = 0; index < 3; index++) queue.add('a');
    assert.deepEqual([open.length, queue.depth], [1, 0]);
    open[0]?.end();
    await settle();
    open[1]?.end();
    await settle();
    assert.equal(open.length, 2);
    assert.equal(await queue.drain(0), true, 'nothing runs any more');
  });

  it('lets namespaces take turns', async () => {
    const keys: string[] = [];
    const scheduler = new FakeScheduler();
    const run = (key: string) => Promise.resolve(void keys.push(key));
    const queue = new WorkQueue({ run, scheduler, workers: 1 });
    for (let index = 0; index < 300; index++) queue.add(`busy/${index}`);
    for (const key of ['quiet/a', 'other/a', 'quiet/b']) queue.add(key);
    assert.equal(queue.depth, 303);
    queue.start();
    while (keys.length < 303) await settle();
    assert.deepEqual(keys.slice(0, 7), [
      'busy/0',
      'quiet/a',
      'other/a',
      'busy/1',
      'quiet/b',
      'busy/2',
      'busy/3',
    ]);
  });

  it('keeps a quarter of its workers from one namespace, however slow its runs are', async () => {
    const { open, run } = held();
    const { queue } = started(run, { workers: 8 });
    for (let index = 0; index < 300; index++) queue.add(`slow/${index}`);
    assert.equal(open.length, 6);
    for (const key of ['a/1', 'b/1', 'c/1']) queue.add(key);
    assert.deepEqual(
      open.slice(6).map(({ key }) => key),
      ['a/1', 'b/1'],
    );
    open[0]?.end();
    await settle();
    assert.equal(open.at(-1)?.key, 'c/1', 'a worker that is free goes to the one that has none');
    for (const { end } of open) end();
    assert.equal(await queue.drain(1_000), true);
  });

  it('runs as many keys at once as it has workers, first come, first served', async () => {
    const { open, run } = held();
    const { queue } = started(run, { workers: 2 });
    for (const key of ['a', 'b', 'c', 'd']) queue.add(key);
    assert.equal(queue.depth, 2);
    assert.deepEqual(
      open.map(({ key }) => key),
      ['a', 'b'],
    );
    open[1]?.end();
    await settle();
    assert.deepEqual(
      open.map(({ key }) => key),
      ['a', 'b', 'c'],
    );
    assert.equal(queue.depth, 1);
  });

  it('doubles the wait with each failure up to a minute, and forgets it after a success', async () => {
    let fails = true;
    const run = () => (fails ? Promise.reject(new Error('no')) : Promise.resolve());
    const { queue, scheduler, runs } = started(run);
    queue.add('a');
    for (let index = 0; index < 16; index++) await scheduler.advance(60_000);
    const waits = runs.map(({ retryMs }) => retryMs).slice(0, 16);
    assert.deepEqual(
      waits,
      [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 10240, 20480, 40960, 60_000, 60_000],
    );
    fails = false;
    await scheduler.advance(60_000);
    assert.deepEqual([queue.failures('a'), scheduler.pending], [0, []]);
    fails = true;
    queue.add('a');
    await settle();
    assert.equal(runs.at(-1)?.retryMs, 5);
  });

  it('waits as long as the server asks', async () => {
    const error = new ApiError('get X', { status: 429, retryAfterMs: 3_000 });
    const { queue, runs } = started(() => Promise.reject(error));
    queue.add('a');
    await settle();
    assert.deepEqual([runs[0]?.retryMs, runs[0]?.error], [3_000, error]);
  });

  it('survives work that throws before it returns a promise', async () => {
    const { queue, runs } = started(() => {
      throw new Error('at once');
    });
    queue.add('a');
    await settle();
    assert.equal(runs[0]?.retryMs, 5);
  });

  it('comes back after the time that a run asks for, without counting it as a failure', async () => {
    const { queue, scheduler, runs } = started(() => Promise.resolve({ requeueAfterMs: 30_000 }));
    queue.add('a');
    await scheduler.advance(29_999);
    assert.equal(runs.length, 1);
    await scheduler.advance(1);
    assert.deepEqual([runs.length, queue.failures('a'), runs[1]?.error], [2, 0, undefined]);
  });

  it('takes the earliest of several times, and drops it when the key runs before', async () => {
    const { queue, scheduler, runs } = started(() => Promise.resolve());
    queue.addAfter('a', 500);
    queue.addAfter('a', 100);
    queue.addAfter('a', 300);
    assert.deepEqual(scheduler.pending, [100]);
    queue.add('a');
    await scheduler.advance(1_000);
    assert.equal(runs.length, 1);
  });

  it('reports how long a key waited and ran', async () => {
    const { open, run } = held();
    const { queue, scheduler, runs } = started(run, { workers: 1 });
    queue.add('a');
    queue.add('b');
    await scheduler.advance(10);
    open[0]?.end();
    await settle();
    await scheduler.advance(7);
    open[1]?.end();
    await settle();
    assert.deepEqual(runs, [
      { key: 'a', waitedMs: 0, ranMs: 10 },
      { key: 'b', waitedMs: 10, ranMs: 7 },
    ]);
  });
});

describe('a queue that is drained', () => {
  it('waits for what runs, and starts nothing more', async () => {
    const { open, run } = held();
    const { queue, scheduler } = started(run, { workers: 1 });
    for (const key of ['a', 'b']) queue.add(key);
    queue.addAfter('c', 10);
    const drained = queue.drain(25_000);
    queue.add('a');
    queue.add('d');
    open[0]?.end(new Error('no retry either'));
    assert.equal(await drained, true);
    await scheduler.advance(60_000);
    assert.deepEqual([open.map(({ key }) => key), scheduler.pending, queue.depth], [['a'], [], 0]);
  });

  it('aborts what runs for too long', async () => {
    const { open, run } = held();
    const { queue, scheduler } = started(run);
    queue.add('a');
    const drained = Promise.all([queue.drain(25_000), queue.drain(1)]);
    await scheduler.advance(24_999);
    assert.equal(open[0]?.signal.aborted, false);
    await scheduler.advance(1);
    assert.deepEqual(await drained, [false, false]);
    assert.equal(open[0]?.signal.aborted, true);
  });

  it('is done at once when nothing runs', async () => {
    assert.equal(await started(() => Promise.resolve()).queue.drain(0), true);
  });
});

describe('for any order of adds, failures and times', () => {
  interface Step {
    readonly key: string;
    readonly after: number;
    readonly takes: number;
    readonly fails: boolean;
  }
  const step: fc.Arbitrary<Step> = fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    after: fc.nat(20),
    takes: fc.nat(30),
    fails: fc.boolean(),
  });

  it('no key overlaps with itself, and each add is followed by a run that begins later and succeeds', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.integer({ min: 1, max: 4 }),
        async (steps, workers) => {
          const scheduler = new FakeScheduler();
          const plan = [...steps];
          const running = new Set<string>();
          const lastAdd = new Map<string, number>();
          const lastGood = new Map<string, number>();
          let order = 0;
          let most = 0;
          const queue = new WorkQueue({
            workers,
            scheduler,
            run: async (key) => {
              assert.ok(!running.has(key), `${key} runs twice`);
              running.add(key);
              most = Math.max(most, running.size);
              const begun = ++order;
              const { takes, fails } = plan.pop() ?? { takes: 1, fails: false };
              await new Promise<void>((resolve) => void scheduler.after(takes, resolve));
              running.delete(key);
              if (fails) throw new Error('no');
              lastGood.set(key, begun);
            },
          });
          queue.start();
          for (const { key, after, fails } of steps) {
            lastAdd.set(key, ++order);
            if (fails) queue.add(key);
            else queue.addAfter(key, after);
            if (after > 10) await scheduler.advance(after);
          }
          await scheduler.advance(300_000);
          for (const [key, added] of lastAdd) assert.ok((lastGood.get(key) ?? 0) > added, `${key} was lost`);
          assert.ok(most <= workers);
          assert.deepEqual([queue.depth, running.size, scheduler.pending], [0, 0, []]);
        },
      ),
      { numRuns: 60 },
    );
  });
});
