// A store and its reflector on an API server whose lists, events and answers overtake each other in every order: when all
// has arrived, the store holds what the API server does.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ApiError } from '../../../src/kube/errors.ts';
import { Reflector } from '../../../src/kube/reflector.ts';
import { Store } from '../../../src/kube/store.ts';
import type { WatchEvent } from '../../../src/kube/watch-stream.ts';
import { FakeScheduler, settle } from './fake-scheduler.ts';
import { CONFIG_MAPS, type ConfigMap } from './objects.ts';
import { silent } from './wire.ts';

type Step =
  | { readonly do: 'write'; readonly name: string; readonly own: boolean }
  | { readonly do: 'delete'; readonly name: string }
  /** The next event arrives. */
  | { readonly do: 'event' }
  /** The answer to one of our writes arrives, in any order. */
  | { readonly do: 'answer'; readonly index: number }
  | { readonly do: 'bookmark' }
  /** The watch ends; it goes on where it was. */
  | { readonly do: 'end' }
  /** The watch has expired; the list comes from a replica that is so many versions behind. */
  | { readonly do: 'expire'; readonly behind: number };

/** An API server whose every message waits for its turn. */
class ModelServer {
  readonly answers: ConfigMap[] = [];
  readonly #opaque: boolean;
  readonly #objects = new Map<string, ConfigMap>();
  readonly #history: { readonly version: number; readonly event: WatchEvent<ConfigMap> }[] = [];
  #version = 1;
  /** Up to which version the open watch was served; undefined while none is open. */
  #served: number | undefined;
  #wake: ((event: WatchEvent<ConfigMap> | 'end' | 'expired') => void) | undefined;
  #behind = 0;

  constructor(opaque: boolean) {
    this.#opaque = opaque;
  }

  write(name: string, own: boolean): void {
    const uid = this.#objects.get(name)?.metadata.uid ?? `uid-${this.#version + 1}`;
    const object = this.#versioned({ name, namespace: 'demo', uid });
    this.#emit(this.#objects.has(name) ? 'MODIFIED' : 'ADDED', object);
    this.#objects.set(name, object);
    if (own) this.answers.push(object);
  }

  delete(name: string): void {
    const found = this.#objects.get(name);
    if (found === undefined) return;
    this.#objects.delete(name);
    this.#emit('DELETED', this.#versioned(found.metadata));
  }

  /** @returns whether there was one, and a watch to send it to */
  event(): boolean {
    const next = this.#history.find(({ version }) => version > (this.#served ?? Infinity));
    if (next === undefined || this.#wake === undefined) return false;
    this.#served = next.version;
    this.#wake(next.event);
    return true;
  }

  bookmark(): void {
    if (this.#served !== undefined)
      this.#wake?.({ type: 'BOOKMARK', resourceVersion: this.#text(this.#served) });
  }

  end(): void {
    this.#wake?.('end');
  }

  expire(behind: number): void {
    this.#behind = behind;
    this.#wake?.('expired');
  }

  /** Name, uid and version of each object that exists. */
  get world(): string[] {
    return [...this.#objects.values()].map(described).toSorted();
  }

  list = (): Promise<{ items: ConfigMap[]; resourceVersion: string }> => {
    const version = Math.max(1, this.#version - this.#behind);
    this.#behind = 0;
    const then = new Map<string, ConfigMap>();
    for (const { event } of this.#history.filter((entry) => entry.version <= version)) {
      if (event.type === 'BOOKMARK') continue;
      const { name = '' } = event.object.metadata;
      if (event.type === 'DELETED') then.delete(name);
      else then.set(name, event.object);
    }
    return Promise.resolve({ items: [...then.values()], resourceVersion: this.#text(version) });
  };

  watch = (_: unknown, options: { resourceVersion: string; signal: AbortSignal }) => {
    this.#served = Number(options.resourceVersion.replace(/^v/, ''));
    options.signal.addEventListener('abort', () => this.end(), { once: true });
    return Promise.resolve(this.#events());
  };

  async *#events(): AsyncGenerator<WatchEvent<ConfigMap>, void, undefined> {
    try {
      for (;;) {
        const next = await new Promise<WatchEvent<ConfigMap> | 'end' | 'expired'>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
        if (next === 'end') return;
        if (next === 'expired') throw new ApiError('watch', { status: 410 });
        yield next;
      }
    } finally {
      this.#served = undefined;
      this.#wake = undefined;
    }
  }

  #versioned(metadata: ConfigMap['metadata']): ConfigMap {
    this.#version++;
    return {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { ...metadata, resourceVersion: this.#text(this.#version) },
    };
  }

  #emit(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: ConfigMap): void {
    this.#history.push({ version: this.#version, event: { type, object } });
  }

  #text(version: number): string {
    return `${this.#opaque ? 'v' : ''}${version}`;
  }
}

function described({ metadata }: ConfigMap): string {
  return `${metadata.name} ${metadata.uid} ${metadata.resourceVersion}`;
}

interface Watched {
  readonly api: ModelServer;
  readonly store: Store<ConfigMap>;
  readonly scheduler: FakeScheduler;
  readonly stop: () => Promise<void>;
}

async function watched(opaque: boolean): Promise<Watched> {
  const api = new ModelServer(opaque);
  const store = new Store<ConfigMap>();
  const scheduler = new FakeScheduler();
  const reflector = new Reflector<ConfigMap>({
    client: api as never, // as far as a reflector asks
    resource: CONFIG_MAPS,
    store,
    onChange: () => undefined,
    log: silent,
    scheduler,
    random: () => 0,
  });
  const abort = new AbortController();
  const run = reflector.run(abort.signal);
  await reflector.synced;
  await settle();
  return {
    api,
    store,
    scheduler,
    stop: () => {
      abort.abort();
      return run;
    },
  };
}

async function take({ api, store, scheduler }: Watched, step: Step): Promise<void> {
  switch (step.do) {
    case 'write':
      return api.write(step.name, step.own);
    case 'delete':
      return api.delete(step.name);
    case 'event':
      api.event();
      break;
    case 'answer': {
      const [answer] = api.answers.splice(step.index % Math.max(1, api.answers.length), 1);
      if (answer !== undefined) store.learn(answer);
      return;
    }
    case 'bookmark':
      api.bookmark();
      break;
    case 'end':
      api.end();
      break;
    case 'expire':
      api.expire(step.behind);
      break;
    default:
      step satisfies never;
  }
  await scheduler.advance(30_000); // the longest pause after a failure
}

/** Everything that is under way arrives. @param answersFirst whether our answers come before the last events */
async function settleAll(bed: Watched, answersFirst: boolean): Promise<void> {
  const answers = async () => {
    while (bed.api.answers.length > 0) await take(bed, { do: 'answer', index: 0 });
  };
  if (answersFirst) await answers();
  do await bed.scheduler.advance(1);
  while (bed.api.event());
  await answers();
}

const name = fc.constantFrom('a', 'b');
const act = <T extends Step['do']>(what: T) => ({ do: fc.constant(what) });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ ...act('write'), name, own: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ ...act('delete'), name }) },
  { weight: 5, arbitrary: fc.record(act('event')) },
  { weight: 4, arbitrary: fc.record({ ...act('answer'), index: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record(act('bookmark')) },
  { weight: 1, arbitrary: fc.record(act('end')) },
  { weight: 1, arbitrary: fc.record({ ...act('expire'), behind: fc.nat(6) }) },
);
const steps: fc.Arbitrary<Step[]> = fc.array(step, { maxLength: 40 });

describe('lists, events and answers in any order', () => {
  for (const opaque of [false, true]) {
    it(`leave the store as the API server is, with ${opaque ? 'opaque' : 'comparable'} versions`, async () => {
      const runs = fc.asyncProperty(steps, fc.boolean(), async (script, answersFirst) => {
        const bed = await watched(opaque);
        try {
          for (const step of script) await take(bed, step);
          await settleAll(bed, answersFirst);
          assert.deepEqual(bed.store.list().map(described).toSorted(), bed.api.world);
        } finally {
          await bed.stop();
        }
      });
      await fc.assert(runs, { numRuns: 150 });
    });
  }

  it('never make an object older, unless history began again', async () => {
    const runs = fc.asyncProperty(steps, async (script) => {
      const bed = await watched(false);
      const newest = new Map<string, number>();
      try {
        for (const step of script.filter(({ do: what }) => what !== 'expire')) {
          await take(bed, step);
          for (const { metadata } of bed.store.list()) {
            const version = Number(metadata.resourceVersion);
            assert.ok(
              version >= (newest.get(metadata.name ?? '') ?? 0),
              `${metadata.name} became ${version}`,
            );
            newest.set(metadata.name ?? '', version);
          }
        }
      } finally {
        await bed.stop();
      }
    });
    await fc.assert(runs, { numRuns: 100 });
  });

  it('a late answer does not bring back what was deleted', async () => {
    const bed = await watched(false);
    bed.api.write('a', true);
    bed.api.delete('a');
    await take(bed, { do: 'event' });
    await take(bed, { do: 'event' });
    await take(bed, { do: 'answer', index: 0 });
    assert.deepEqual(bed.store.keys(), []);
    await bed.stop();
  });
});
