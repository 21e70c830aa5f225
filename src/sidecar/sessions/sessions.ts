// Which principal owns an MCP session (legacy era): ids from the server's responses, in bounded memory.
import type { Clock } from '../../base/clock.ts';
import { LinkedList, type ListNode } from '../../base/linked-list.ts';
import { OwnerCounts, type Owner } from './ownership.ts';

/** Sessions remembered at most: some 50 MB if each belongs to another principal. */
const MAX_SESSIONS = 65_536;
/** A session without a request for this long is forgotten (milliseconds). */
const IDLE_MS = 24 * 60 * 60_000;
/** Sessions that are checked for idleness when another begins: two, so that checking overtakes beginning. */
const SWEPT_FOR_EACH = 2;
/** When a session of a principal is evicted, at most this many recently used ones are passed over. */
const SECOND_CHANCES = 16;

/** MCP 2025-11-25, "Session Management": visible ASCII. The bound on the length is the sidecar's own. */
const SESSION_ID = /^[\x21-\x7E]{1,256}$/;

export function isSessionId(id: string): boolean {
  return SESSION_ID.test(id);
}

interface SessionsOptions {
  readonly size?: number;
  readonly idleMs?: number;
}

interface Session {
  readonly owner: Owner<string>;
  /** Its nodes in the list of all ids, and in that of its owner. */
  readonly node: ListNode<string>;
  readonly nodeOfOwner: ListNode<string>;
  /** Milliseconds since the epoch. */
  usedAt: number;
  /** Whether it was used since it was last considered for eviction. */
  isInUse: boolean;
}

/**
 * Owners by session id. An owner is the digest of issuer, subject and client (`Principal.owner`), not of a token: a
 * refreshed token belongs to the same principal.
 *
 * When the limit is exceeded, the owner with the most sessions loses one that was not used recently: an attacker who
 * begins sessions without end evicts no session of an owner with fewer (RESOURCE_SERVER G13, D24). Among owners with as
 * many, the one that has had so many for longest loses one. A look-up changes two members of an object and no order; the
 * rest happens when a session begins or ends, at the same cost however many there are.
 */
export class Sessions {
  readonly #clock: Clock;
  readonly #size: number;
  readonly #idleMs: number;
  readonly #sessions = new Map<string, Session>();
  /** Ids, the one that was checked for idleness longest ago first. */
  readonly #ids = new LinkedList<string>();
  readonly #counts = new OwnerCounts<string>();

  constructor(clock: Clock, { size = MAX_SESSIONS, idleMs = IDLE_MS }: SessionsOptions = {}) {
    this.#clock = clock;
    this.#size = size;
    this.#idleMs = idleMs;
  }

  /** Sessions remembered now. */
  get size(): number {
    return this.#sessions.size;
  }

  /** The owner of a session, which counts as used now; `undefined` for an unknown one. */
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

  /** Binds a session to an owner. @returns false, and changes nothing, if it belongs to another */
  bind(id: string, owner: string): boolean {
    const current = this.ownerOf(id);
    if (current !== undefined) return current === owner;
    this.#sweep();
    this.#begin(ownText(id), owner);
    if (this.#sessions.size > this.#size) this.#evictOne(id);
    return true;
  }

  /** The session is over. */
  end(id: string): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    this.#sessions.delete(id);
    this.#ids.remove(session.node);
    this.#counts.remove(session.owner, session.nodeOfOwner);
  }

  #begin(id: string, principal: string): void {
    const { owner, node: nodeOfOwner } = this.#counts.add(principal, id);
    const node = this.#ids.push(id);
    this.#sessions.set(id, { owner, node, nodeOfOwner, usedAt: this.#clock(), isInUse: false });
  }

  #isIdle({ usedAt }: Session, now: number): boolean {
    return now - usedAt >= this.#idleMs;
  }

  #sweep(): void {
    const now = this.#clock();
    for (let checked = 0; checked < SWEPT_FOR_EACH; checked++) {
      const node = this.#ids.first;
      const session = node && this.#sessions.get(node.item);
      if (node === undefined || session === undefined) return;
      if (this.#isIdle(session, now)) this.end(node.item);
      else this.#ids.moveToEnd(node);
    }
  }

  /** @param begun the new session, which is not evicted itself */
  #evictOne(begun: string): void {
    const ids = this.#counts.largest?.items;
    for (let chances = 0; ; chances++) {
      const node = ids?.first;
      const session = node && this.#sessions.get(node.item);
      if (ids === undefined || node === undefined || session === undefined) return;
      const isSpared = node.item === begun || (session.isInUse && chances < SECOND_CHANCES);
      if (!isSpared) return this.end(node.item);
      session.isInUse = false;
      ids.moveToEnd(node);
    }
  }
}

/** A copy: an id cut out of a response head would keep all of that head in memory. */
function ownText(id: string): string {
  return Buffer.from(id, 'latin1').toString('latin1');
}
