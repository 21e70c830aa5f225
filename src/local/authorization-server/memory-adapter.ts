// Where the authorization server keeps codes, sessions and grants: memory, gone with the process. No persistence.
import type { Adapter, AdapterPayload } from 'oidc-provider';
import { systemClock, type Clock } from '../../base/clock.ts';

interface Entry {
  payload: AdapterPayload;
  expires: number;
}

/** Entries are dropped when they are read too late, and all the late ones whenever the store has doubled. */
export class MemoryStore {
  readonly #entries = new Map<string, Entry>();
  readonly #clock: Clock;
  #sweepAt = 1000;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): AdapterPayload | undefined {
    const entry = this.#entries.get(key);
    if (entry && entry.expires <= this.#clock()) this.#entries.delete(key);
    return this.#entries.get(key)?.payload;
  }

  set(key: string, payload: AdapterPayload, seconds: number | undefined): void {
    const expires = seconds === undefined ? Infinity : this.#clock() + seconds * 1000;
    this.#entries.set(key, { payload, expires });
    if (this.#entries.size > this.#sweepAt) this.#sweep();
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  find(prefix: string, matches: (payload: AdapterPayload) => boolean): AdapterPayload | undefined {
    for (const key of this.#entries.keys()) {
      const payload = key.startsWith(prefix) ? this.get(key) : undefined;
      if (payload && matches(payload)) return payload;
    }
    return undefined;
  }

  deleteWhere(prefix: string, matches: (payload: AdapterPayload) => boolean): void {
    for (const [key, { payload }] of this.#entries) {
      if (key.startsWith(prefix) && matches(payload)) this.#entries.delete(key);
    }
  }

  #sweep(): void {
    const now = this.#clock();
    for (const [key, { expires }] of this.#entries) if (expires <= now) this.#entries.delete(key);
    this.#sweepAt = Math.max(1000, this.#entries.size * 2);
  }
}

/** oidc-provider's view of the store: one adapter for each of its models. */
export function memoryAdapter(store: MemoryStore): (model: string) => Adapter {
  return (model) => {
    const prefix = `${model}:`;
    const find = (id: string) => Promise.resolve(store.get(prefix + id));
    const findBy = (field: 'uid' | 'userCode', value: string) =>
      Promise.resolve(store.find(prefix, (payload) => payload[field] === value));
    return {
      find,
      findByUid: (uid) => findBy('uid', uid),
      findByUserCode: (userCode) => findBy('userCode', userCode),
      upsert: (id, payload, seconds) => Promise.resolve(store.set(prefix + id, payload, seconds)),
      destroy: (id) => Promise.resolve(store.delete(prefix + id)),
      consume: async (id) => {
        const payload = await find(id);
        if (payload) payload.consumed = Math.floor(Date.now() / 1000);
      },
      revokeByGrantId: (grantId) =>
        Promise.resolve(store.deleteWhere(prefix, (payload) => payload.grantId === grantId)),
    };
  };
}
