// Keep-alive connections to the one server on loopback: each belongs to one owner for its life. Decides nothing about requests.
import { connect } from 'node:net';
import { isFieldName } from '../http/response-parser.ts';
import { boundedMemo } from '../http/memo.ts';
import { IdleConnections } from './idle-connections.ts';
import { KeepAlive, MAX_IDLE_MS } from './keep-alive.ts';
import {
  Connection,
  type ConnectionEvents,
  type Exchange,
  type ExchangeEvents,
  type Siblings,
} from './upstream-connection.ts';

/**
 * A connection serves no more requests than this. Where all requests of an owner have the same id, nothing else ends one on
 * which the server is an answer behind and which is never idle.
 */
const MAX_REQUESTS = 100;
/**
 * With so many connections, an idle one is closed for each that is opened: what is beyond are requests under way. A server
 * with 1,024 open files keeps a quarter of them for everything else.
 */
export const MAX_WITH_IDLE = 768;
/** How often idle connections are looked at (milliseconds). */
const SWEEP_MS = 100;
/** Names of response fields that are remembered as valid ones. */
const MAX_FIELD_NAMES = 1024;

/** A pool of connections to one address. */
export class Upstream implements ConnectionEvents {
  readonly host: string;
  readonly port: number;
  readonly onSurplus: () => void;
  readonly #idle = new IdleConnections();
  /** Those that have a connection. */
  readonly #owners = new Map<string, Siblings>();
  readonly #keepAlive = new KeepAlive();
  readonly #isFieldName = boundedMemo(MAX_FIELD_NAMES, isFieldName);
  #connections = 0;
  #isClosed = false;
  #sweeper: NodeJS.Timeout | undefined;
  #probing: Promise<boolean> | undefined;

  /** @param onSurplus called when the server has sent bytes that no request had asked for; their connection is closed */
  constructor(address: { host: string; port: number }, onSurplus: () => void = () => undefined) {
    this.host = address.host;
    this.port = address.port;
    this.onSurplus = onSurplus;
  }

  /** Connections, busy and idle. */
  get connections(): number {
    return this.#connections;
  }

  /**
   * Starts an exchange on an idle connection of the owner's or a new one. Nothing is ever sent a second time.
   * @param owner `Principal.owner`: what the server sends on a connection can reach no other
   */
  start(owner: string, events: ExchangeEvents): Exchange {
    const connection = this.#takeIdle(owner) ?? this.#connect(owner);
    return connection.begin(events);
  }

  /** Whether the server accepts connections now. One probe at a time: every peer may ask, and it costs the server. */
  probe(timeoutMs: number): Promise<boolean> {
    this.#probing ??= this.#tryConnect(timeoutMs).finally(() => (this.#probing = undefined));
    return this.#probing;
  }

  #tryConnect(timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect({ host: this.host, port: this.port, timeout: timeoutMs });
      const settle = (reachable: boolean) => {
        socket.destroy();
        resolve(reachable);
      };
      socket.once('connect', () => settle(true));
      socket.once('timeout', () => settle(false));
      socket.once('error', () => settle(false));
    });
  }

  /** Closes idle connections; busy ones end with their exchange. */
  close(): void {
    this.#isClosed = true;
    for (let next = this.#idle.oldest; next !== undefined; next = this.#idle.oldest) this.#idle.close(next);
    this.#stopSweeping();
  }

  #takeIdle(owner: string): Connection | undefined {
    const idle = this.#owners.get(owner)?.idle;
    for (;;) {
      const connection = idle?.at(-1);
      if (connection === undefined) return undefined;
      // The others have been idle for longer.
      if (performance.now() - connection.idleSince >= this.#keepAlive.reusableMs) return undefined;
      this.#idle.remove(connection);
      if (connection.isOpen) return connection;
      connection.destroy();
    }
  }

  #connect(owner: string): Connection {
    if (this.#connections >= MAX_WITH_IDLE && this.#idle.oldest !== undefined)
      this.#idle.close(this.#idle.oldest);
    let siblings = this.#owners.get(owner);
    if (siblings === undefined) this.#owners.set(owner, (siblings = { owner, idle: [], open: 0 }));
    siblings.open++;
    this.#connections++;
    const socket = connect({ host: this.host, port: this.port, noDelay: true });
    return new Connection(socket, siblings, this.#isFieldName, this);
  }

  // --- what connections say ---

  onIdle(connection: Connection): void {
    if (this.#isClosed || connection.requests >= MAX_REQUESTS) return connection.destroy();
    connection.idleSince = performance.now();
    this.#idle.add(connection);
    this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_MS).unref();
  }

  onIdleClosed(connection: Connection): void {
    this.#idle.remove(connection);
    this.#keepAlive.onClosed(performance.now() - connection.idleSince);
  }

  onLost(): void {
    this.#keepAlive.onLost(performance.now());
  }

  onClose(connection: Connection): void {
    this.#idle.remove(connection);
    const { siblings } = connection;
    this.#connections--;
    if (--siblings.open === 0) this.#owners.delete(siblings.owner);
  }

  // --- idle connections grow old ---

  /** Those that the server has closed by now are read first: what is open after that was open now. */
  #sweep(): void {
    const now = performance.now();
    setImmediate(() => {
      const { oldest } = this.#idle;
      if (oldest === undefined) return this.#stopSweeping();
      this.#keepAlive.onOpen(now - oldest.idleSince, now);
      this.#closeOld(now);
    });
  }

  #closeOld(now: number): void {
    for (;;) {
      const { oldest } = this.#idle;
      if (oldest === undefined || now - oldest.idleSince < MAX_IDLE_MS) return;
      this.#idle.close(oldest);
    }
  }

  #stopSweeping(): void {
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }
}
