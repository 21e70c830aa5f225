// Whose MCP session is whose (legacy era): ids learned from the server's answers, bound to principals, in bounded memory.
import type { Clock } from '../../base/clock.ts';
import { Queue, type Place } from './linked-list.ts';
import { Shares, type Owner } from './ownership.ts';

/** Sessions that are remembered at most: some 50 MB if each is another principal's. */
const MAX_SESSIONS = 65_536;
/** A session that was not used for this long is forgotten (milliseconds). */
const IDLE_MS = 24 * 60 * 60_000;
/** Sessions that are looked at, whether they are idle, for each one that begins: they are found sooner than others come. */
const SWEPT_FOR_EACH = 2;
/** When a principal has to give up a session, so many that were used lately are passed over at most. */
const SECOND_CHANCES = 16;

/** MCP 2025-11-25, "Session Management": visible ASCII. The length is ours to bound. */
const SESSION_ID = /^[\x21-\x7E]{1,256}$/;

export function isSessionId(id: string): boolean {
  return SESSION_ID.test(id);
}

export interface SessionsOptions {
  readonly size?: number;
  readonly idleMs?: number;
}

interface Session {
  readonly owner: Owner<string>;
  /** Among all ids, and among those of its owner. */
  readonly place: Place<string>;
  readonly placeAtOwner: Place<string>;
  /** Milliseconds since the epoch. */
  usedAt: number;
  /** Whether it was used since somebody last looked for one to forget. */
  isInUse: boolean;
}

/**
 * Owners by session id. An owner is the digest of issuer, subject and client (`Principal.owner`), never of a token: a
 * refreshed token is the same principal's.
 *
 * When there is no room for another, whoever has the most gives one up, and of theirs one that was not used lately: who
 * begins sessions without end pushes out nobody who has fewer (RESOURCE_SERVER G13, D24). Of several who have as many, it is
 * the one who has had so many for longest. To look a session up changes two members of an object and no order; everything
 * else is done when a session begins or ends, and costs the same however many there are.
 */
export class Sessions {
  readonly #clock: Clock;
  readonly #size: number;
  readonly #idleMs: number;
  readonly #sessions = new Map<string, Session>();
  /** Ids in the order in which they came, or were last looked at. */
  readonly #ids = new Queue<string>();
  readonly #shares = new Shares<string>();

  constructor(clock: Clock, { size = MAX_SESSIONS, idleMs = IDLE_MS }: SessionsOptions = {}) {
    this.#clock = clock;
    this.#size = size;
    this.#idleMs = idleMs;
  }

  /** Sessions remembered now. */
  get size(): number {
    return this.#sessions.size;
  }

  /** The owner of a session; to ask is to use it. `undefined` for one that is not known. */
  ownerOf(id: string): string | undefined {
    const session = this.#sessions.get(id);
    if (session === undefined) return undefined;
    const now = this.#clock();
    if (this.#isIdle(session, now)) {
      this.end(id);
      return undefined;
    }
    session.usedAt = now;
    session.isInUse = true;
    return session.owner.name;
  }

  /** Binds a session. @returns false, and changes nothing, if it is somebody else's */
  bind(id: string, owner: string): boolean {
    const current = this.ownerOf(id);
    if (current !== undefined) return current === owner;
    this.#sweep();
    this.#begin(ownText(id), owner);
    if (this.#sessions.size > this.#size) this.#forgetOne(id);
    return true;
  }

  /** The session is over. */
  end(id: string): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    this.#sessions.delete(id);
    this.#ids.remove(session.place);
    this.#shares.remove(session.owner, session.placeAtOwner);
  }

  #begin(id: string, principal: string): void {
    const { owner, place: placeAtOwner } = this.#shares.add(principal, id);
    const place = this.#ids.push(id);
    this.#sessions.set(id, { owner, place, placeAtOwner, usedAt: this.#clock(), isInUse: false });
  }

  #isIdle({ usedAt }: Session, now: number): boolean {
    return now - usedAt >= this.#idleMs;
  }

  #sweep(): void {
    const now = this.#clock();
    for (let looks = 0; looks < SWEPT_FOR_EACH; looks++) {
      const place = this.#ids.first;
      const session = place && this.#sessions.get(place.item);
      if (place === undefined || session === undefined) return;
      if (this.#isIdle(session, now)) this.end(place.item);
      else this.#ids.moveBack(place);
    }
  }

  /** @param begun the one that needs the room */
  #forgetOne(begun: string): void {
    const ids = this.#shares.largest?.things;
    for (let chances = 0; ; chances++) {
      const place = ids?.first;
      const session = place && this.#sessions.get(place.item);
      if (ids === undefined || place === undefined || session === undefined) return;
      const isSpared = place.item === begun || (session.isInUse && chances < SECOND_CHANCES);
      if (!isSpared) return this.end(place.item);
      session.isInUse = false;
      ids.moveBack(place);
    }
  }
}

/** A copy: an id cut out of a response head would keep all of that head in memory. */
function ownText(id: string): string {
  return Buffer.from(id, 'latin1').toString('latin1');
}
