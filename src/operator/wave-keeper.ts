// Keeps the waves going: looks at all servers when something has changed, wakes those whose turn has come, and says when nothing
// moves. What it remembers follows from the cluster, and is found again by one that has just started. The rules are waves.ts.
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from '../base/log.ts';
import type { EventContent } from '../kube/events.ts';
import { objectKey, type KubeObject } from '../kube/object.ts';
import type { Scheduler } from '../kube/scheduler.ts';
import type { Cache } from './cache.ts';
import type { MaxConcurrent } from './max-concurrent.ts';
import { memberOf, type Member } from './members.ts';
import type { Deployment, ServerObject } from './kinds.ts';
import { waveOf, type Wave } from './waves.ts';

/** Changes within this time are looked at together (milliseconds): each look is at all servers. */
const LOOK_MS = 250;
/**
 * In which a server gets ready with the newest version, or counts as one that does not (milliseconds): longer than the deadline of
 * a Deployment, which begins anew with each change that a user makes.
 */
const PATIENCE_MS = 15 * 60_000;
/** In which a turn is used, which takes one reconcile that succeeds, or is another's (milliseconds). */
const TURN_MS = 2 * 60_000;
/** That an event names. */
const MAX_NAMES = 8;

interface WaveKeeperOptions {
  readonly cache: Pick<Cache, 'servers' | 'deployment'>;
  /** Whether another installation manages the namespace: its servers have no turn here. */
  readonly isOfAnother: (namespace: string) => boolean;
  /** The newest revision. */
  readonly revision: string;
  readonly maxConcurrent: MaxConcurrent;
  /** Called with the key of each server whose turn has come. */
  readonly enqueue: (key: string) => void;
  /** What events about all servers are about: the operator's own pod. */
  readonly operator: KubeObject;
  readonly record: (regarding: KubeObject, event: EventContent) => void;
  readonly log: Logger;
  readonly scheduler: Scheduler;
  readonly stop: AbortSignal;
}

interface Known {
  readonly server: ServerObject;
  readonly live: Deployment | undefined;
  readonly member: Member | undefined;
}

const NOTHING: Wave = { turns: new Set(), failing: [], underWay: 0, done: 0, waiting: 0, isHeld: false };

export class WaveKeeper {
  readonly #options: WaveKeeperOptions;
  /** What was found of a server the last time, while it is the same. */
  #known = new Map<string, Known>();
  /** Since when a server is known to have been on its way with the newest version; of one rollout, whatever came of it since. */
  readonly #since = new Map<string, number>();
  /** Since when a server has a turn that it did not use yet. */
  readonly #turnSince = new Map<string, number>();
  #wave = NOTHING;
  #isDue = false;
  /** What was said of it last. */
  #said: readonly string[] | undefined;

  constructor(options: WaveKeeperOptions) {
    this.#options = options;
  }

  /** As it was at the last look. */
  get wave(): Wave {
    return this.#wave;
  }

  /** Whether a server that has an earlier version may have the newest one now. */
  hasTurn(key: string): boolean {
    return this.#wave.turns.has(key);
  }

  /** Something may have changed. */
  changed(): void {
    if (this.#isDue || this.#options.stop.aborted) return;
    this.#isDue = true;
    const cancel = this.#options.scheduler.after(LOOK_MS, () => {
      this.#options.stop.removeEventListener('abort', cancel);
      this.#isDue = false;
      this.look();
    });
    this.#options.stop.addEventListener('abort', cancel, { once: true });
  }

  /** Looks at all servers. */
  look(): void {
    const { maxConcurrent, enqueue } = this.#options;
    const before = this.#wave;
    const members = this.#members();
    this.#wave = waveOf(members, { maxConcurrent, granted: before.turns });
    for (const key of this.#wave.turns) if (!before.turns.has(key)) enqueue(key);
    this.#rememberTurns(members);
    this.#say(before);
  }

  #members(): Member[] {
    const { cache, isOfAnother, revision } = this.#options;
    const now = new Map<string, Known>();
    for (const server of cache.servers.list()) {
      if (isOfAnother(server.metadata.namespace ?? '')) continue;
      const live = cache.deployment(server);
      const key = objectKey(server);
      const known = this.#known.get(key);
      const isSame = known?.server === server && known.live === live;
      now.set(key, isSame ? known : { server, live, member: memberOf(server, live, revision) });
    }
    this.#known = now;
    return this.#withPatience([...now.values()].flatMap(({ member }) => member ?? []));
  }

  /** For as long as they wait, also when the turn is another's by now. */
  #rememberTurns(members: readonly Member[]): void {
    const waiting = new Set(members.filter(({ isWaiting }) => isWaiting).map(({ key }) => key));
    for (const key of this.#turnSince.keys()) if (!waiting.has(key)) this.#turnSince.delete(key);
    for (const key of this.#wave.turns)
      if (!this.#turnSince.has(key)) this.#turnSince.set(key, this.#options.scheduler.now());
  }

  /** Who changes a server without end must not keep its place without end, and unsaid. */
  #withPatience(members: readonly Member[]): Member[] {
    if (!members.some(({ isWaiting }) => isWaiting)) this.#since.clear();
    const now = this.#options.scheduler.now();
    return members.map((member) => {
      const turnSince = this.#turnSince.get(member.key) ?? now;
      if (member.isWaiting && now - turnSince >= TURN_MS) return { ...member, isRefused: true };
      if (member.isWaiting || member.progress !== 'under-way') return member;
      const since = this.#since.get(member.key) ?? now;
      this.#since.set(member.key, since);
      return now - since < PATIENCE_MS ? member : { ...member, progress: 'failing' };
    });
  }

  /** Once for each set of servers that fail: what one of them does must not repeat it without end. */
  #say(before: Wave): void {
    const { log, revision } = this.#options;
    const { isHeld, failing, waiting, turns } = this.#wave;
    if (isHeld && !isDeepStrictEqual(failing, this.#said)) {
      this.#said = failing;
      log.warn({ revision, waiting, failing: failing.slice(0, MAX_NAMES) }, 'rollout of the sidecar held');
      this.#recordHeld();
    }
    if (this.#said !== undefined && waiting > 0 && turns.size > 0) {
      this.#said = undefined;
      log.info({ revision, waiting }, 'rollout of the sidecar goes on');
    }
    if (before.waiting > 0 && waiting === 0) {
      this.#said = undefined;
      log.info(
        { revision, failing: failing.slice(0, MAX_NAMES) },
        'rollout of the sidecar has reached all servers',
      );
    }
  }

  #recordHeld(): void {
    const { operator, record } = this.#options;
    const { failing, waiting } = this.#wave;
    const event = { type: 'Warning', reason: 'RolloutHeld', action: 'Rollout' } as const;
    const names = failing.slice(0, MAX_NAMES).join(', ');
    const rest = failing.length > MAX_NAMES ? ` and ${failing.length - MAX_NAMES} more` : '';
    record(operator, {
      ...event,
      note:
        `The newest version of the sidecar is held: ${names}${rest} did not get ready with it, and ${waiting} server(s) keep ` +
        `the one before. Correct or roll back the release, or mend or pause these servers.`,
    });
    for (const key of failing.slice(0, MAX_NAMES)) {
      const server = this.#options.cache.servers.get(key);
      if (server !== undefined)
        record(server, {
          ...event,
          note: `Does not get ready with the newest version of the sidecar: ${waiting} other server(s) wait. See condition Progressing.`,
        });
    }
  }
}
