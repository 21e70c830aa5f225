// Whose MCP session is whose (legacy era): ids learned from the server's answers, bound to principals, in bounded memory.
import type { Clock } from '../base/clock.ts';

/** Sessions of one generation; two are kept, so that at most twice this many are remembered. */
const GENERATION_SIZE = 32_768;
/** A session that was not used for this long, or for up to twice as long, is forgotten (milliseconds). */
const IDLE_MS = 24 * 60 * 60_000;

/** MCP 2025-11-25, "Session Management": visible ASCII. The length is ours to bound. */
const SESSION_ID = /^[\x21-\x7E]{1,256}$/;

export function isSessionId(id: string): boolean {
  return SESSION_ID.test(id);
}

export interface SessionsOptions {
  readonly size?: number;
  readonly idleMs?: number;
}

/**
 * Owners by session id. An owner is the digest of issuer, subject and client (`Principal.owner`), never of a token: a
 * refreshed token is the same principal's. Two generations, as in the token cache: no list to maintain, and what is in
 * use stays.
 */
export class Sessions {
  readonly #clock: Clock;
  readonly #size: number;
  readonly #idleMs: number;
  #young = new Map<string, string>();
  #old = new Map<string, string>();
  #turnedAt: number;

  constructor(clock: Clock, { size = GENERATION_SIZE, idleMs = IDLE_MS }: SessionsOptions = {}) {
    this.#clock = clock;
    this.#size = size;
    this.#idleMs = idleMs;
    this.#turnedAt = clock();
  }

  /** Sessions remembered now; one that is in both generations counts twice. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** The owner of a session; to ask is to use it. `undefined` for one that is not known. */
  ownerOf(id: string): string | undefined {
    this.#age();
    const young = this.#young.get(id);
    if (young !== undefined) return young;
    const old = this.#old.get(id);
    if (old !== undefined) this.#remember(id, old);
    return old;
  }

  /** Binds a session. @returns false, and changes nothing, if it is somebody else's */
  bind(id: string, owner: string): boolean {
    const current = this.ownerOf(id);
    if (current !== undefined) return current === owner;
    this.#remember(ownText(id), owner);
    return true;
  }

  /** The session is over. */
  end(id: string): void {
    this.#young.delete(id);
    this.#old.delete(id);
  }

  #remember(id: string, owner: string): void {
    if (this.#young.size >= this.#size) this.#turn();
    this.#young.set(id, owner);
  }

  #age(): void {
    const idle = this.#clock() - this.#turnedAt;
    if (idle < this.#idleMs) return;
    this.#turn();
    // Nobody came for two generations' time: nothing that is remembered was used in it.
    if (idle >= 2 * this.#idleMs) this.#turn();
  }

  #turn(): void {
    this.#old = this.#young;
    this.#young = new Map();
    this.#turnedAt = this.#clock();
  }
}

/** A copy: an id cut out of a response head would keep all of that head in memory. */
function ownText(id: string): string {
  return Buffer.from(id, 'latin1').toString('latin1');
}
