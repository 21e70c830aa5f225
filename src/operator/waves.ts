// PURE: which servers get the newest version of the operator's own part next, so that a bad one reaches few. Everything follows
// from how the servers are now; the rules, and why: docs/adr/0045-a-new-sidecar-goes-out-in-waves.md.
import { limitOf, type MaxConcurrent } from './max-concurrent.ts';
import type { Member } from './members.ts';

export interface Wave {
  /** Keys of the servers whose turn it is, in the order of their turns. */
  readonly turns: ReadonlySet<string>;
  /** Keys of the servers that have the newest version and do not get ready with it. */
  readonly failing: readonly string[];
  /** How many have the newest version and are on their way with it. */
  readonly underWay: number;
  /** How many have it, and nothing more to do. */
  readonly done: number;
  /** How many have an earlier version. */
  readonly waiting: number;
  /** Whether servers wait and nothing moves, since those that have the newest version do not get ready. */
  readonly isHeld: boolean;
}

interface Rules {
  readonly maxConcurrent: MaxConcurrent;
  /** Keys of the servers whose turn it was a moment ago: what they do with it may be under way. */
  readonly granted: ReadonlySet<string>;
}

/** @param members every server that has a version */
export function waveOf(members: readonly Member[], rules: Rules): Wave {
  const having = members.filter(({ isWaiting }) => !isWaiting);
  const unfinished = having.filter(isUnfinished);
  const failing = unfinished.filter(isFailing);
  const turns = turnsOf(members, unfinished, rules);
  const waiting = members.length - having.length;
  return {
    turns,
    failing: failing.map(({ key }) => key),
    underWay: unfinished.length - failing.length,
    done: having.length - unfinished.length,
    waiting,
    isHeld: waiting > 0 && turns.size === 0 && failing.length === unfinished.length,
  };
}

function turnsOf(
  members: readonly Member[],
  unfinished: readonly Member[],
  { maxConcurrent, granted }: Rules,
): Set<string> {
  const counted = members.filter(isCounted);
  const places = new Places(limitOf(maxConcurrent, counted.length), counted);
  const counting = unfinished.filter((member) => counts(member, members));
  const forgiven = forgivenNamespace(counting.filter(isFailing), members);
  for (const member of counting) {
    if (isFailing(member) && member.namespace === forgiven) places.takeShare(member.namespace);
    else places.take(member.namespace);
  }
  const candidates = inOrder(members);
  const turns = candidates.filter(({ key, isRefused }) => granted.has(key) && !isRefused);
  for (const { namespace } of turns) places.take(namespace);
  for (const candidate of candidates) {
    if (turns.includes(candidate) || !places.isFree(candidate.namespace)) continue;
    places.take(candidate.namespace);
    turns.push(candidate);
  }
  return new Set(turns.map(({ key }) => key));
}

/** Places for servers that change, in all and for each namespace its share of them: more than that does not count. */
class Places {
  readonly #limit: number;
  readonly #members: number;
  readonly #size: ReadonlyMap<string, number>;
  readonly #own = new Map<string, number>();
  #taken = 0;

  constructor(limit: number, members: readonly Member[]) {
    this.#limit = limit;
    this.#members = members.length;
    this.#size = countBy(members, ({ namespace }) => namespace);
  }

  isFree(namespace: string): boolean {
    return this.#taken < this.#limit && this.#ownOf(namespace) < this.#shareOf(namespace);
  }

  take(namespace: string): void {
    if (this.#ownOf(namespace) < this.#shareOf(namespace)) this.#taken++;
    this.takeShare(namespace);
  }

  /** Of its namespace's share alone. */
  takeShare(namespace: string): void {
    this.#own.set(namespace, this.#ownOf(namespace) + 1);
  }

  #ownOf(namespace: string): number {
    return this.#own.get(namespace) ?? 0;
  }

  #shareOf(namespace: string): number {
    const size = this.#size.get(namespace) ?? 0;
    return size === 0 ? 1 : Math.max(1, Math.floor((this.#limit * size) / this.#members));
  }
}

/** Servers that cost nothing, without pods or with pods that never worked, must not raise the bound for others. */
function isCounted({ progress, replaced }: Member): boolean {
  return progress !== 'idle' && (progress !== 'failing' || replaced !== 'Nothing');
}

/**
 * Whether an unfinished server says something of the newest version. A new one had nothing to lose. One that was not ready
 * before does so until the version is known to work elsewhere.
 */
function counts({ replaced, progress }: Member, members: readonly Member[]): boolean {
  if (replaced === 'Nothing') return false;
  return replaced === 'Ready' || progress !== 'failing' || !worksOutside(undefined, members);
}

/**
 * One namespace alone never stops the others, once the newest version works in another: the one with the most servers that
 * fail. Two are taken for a fault of the version.
 */
function forgivenNamespace(failing: readonly Member[], members: readonly Member[]): string | undefined {
  const [most] = [...countBy(failing, ({ namespace }) => namespace)].toSorted(([, a], [, b]) => b - a);
  const namespace = most?.[0];
  return namespace !== undefined && worksOutside(namespace, members) ? namespace : undefined;
}

function worksOutside(namespace: string | undefined, members: readonly Member[]): boolean {
  return members.some(
    (one) => !one.isWaiting && one.isEvidence && one.progress === 'done' && one.namespace !== namespace,
  );
}

/** Those that wait: by rank, and within a rank the namespaces take turns. */
function inOrder(members: readonly Member[]): Member[] {
  const works = new Set(
    members.filter(({ progress }) => progress === 'done').map(({ revision }) => revision),
  );
  const having = countBy(
    members.filter(({ isWaiting }) => !isWaiting),
    ({ namespace }) => namespace,
  );
  const queued = new Map<string, number>();
  return members
    .filter(({ isWaiting }) => isWaiting)
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
    .map((member) => {
      const rank = rankOf(member, works);
      const place = `${rank} ${member.namespace}`;
      queued.set(place, (queued.get(place) ?? 0) + 1);
      // Those that had a turn count, or the first name of all would have the next one, too.
      return { member, rank, turn: (queued.get(place) ?? 0) + (having.get(member.namespace) ?? 0) };
    })
    .toSorted((a, b) => a.rank - b.rank || a.turn - b.turn)
    .map(({ member }) => member);
}

/**
 * First those that an earlier wave has left with a version that works nowhere. Last those with a trouble of their own, since
 * they would take the places of others, and those without pods, since they show nothing.
 */
function rankOf({ progress, revision, isRefused }: Member, works: ReadonlySet<string>): 0 | 1 | 2 {
  if (isRefused) return 2;
  if (progress === 'done') return 1;
  return progress === 'idle' || works.has(revision) ? 2 : 0;
}

function isUnfinished({ progress }: Member): boolean {
  return progress === 'under-way' || progress === 'failing';
}

function isFailing({ progress }: Member): boolean {
  return progress === 'failing';
}

function countBy<T>(items: readonly T[], of: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(of(item), (counts.get(of(item)) ?? 0) + 1);
  return counts;
}
