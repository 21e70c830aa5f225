// Keep-alive connections to the one server on loopback, one exchange at a time on each. Decides nothing about requests.
import { connect, type Socket } from 'node:net';
import { boundedMemo } from '../http/memo.ts';
import {
  isFieldName,
  ResponseParser,
  ResponseSyntaxError,
  type ResponseHead,
} from '../http/response-parser.ts';

/** An idle connection is closed after this, before the server does it (Node, uvicorn: 5 s) while a request is on its way. */
const MAX_IDLE_MS = 3_000;
const MAX_IDLE_CONNECTIONS = 256;
const CONNECT_TIMEOUT_MS = 5_000;
/** Names of response fields that are remembered as valid ones. */
const MAX_FIELD_NAMES = 1024;

/** Stable: the values of the `reason` log field. */
type UpstreamErrorCode = 'unreachable' | 'reset' | 'malformed_response';

/** The server gave no usable answer. Never says what a client sent. */
export class UpstreamError extends Error {
  readonly code: UpstreamErrorCode;

  constructor(code: UpstreamErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UpstreamError';
    this.code = code;
  }
}

/** What an exchange hears, in this order: head, body chunks, end; or an error at any point, and then nothing more. */
export interface ExchangeEvents {
  onHead(head: ResponseHead): void;
  onBody(chunk: Buffer): void;
  onEnd(): void;
  /** All that arrived in one read has been handed over: a good moment to write it on. */
  onReadEnd(): void;
  /** The connection takes more of the request body. */
  onDrain(): void;
  onError(error: UpstreamError): void;
  /** One of these methods threw: a defect here, not of the server. May follow the end. */
  onUnexpected(error: unknown): void;
}

/** One request on its way. Once the exchange is over its methods do nothing: the connection may be another's. */
export interface Exchange {
  /** Writes bytes of the request. @returns false when the connection wants a pause (`onDrain` follows) */
  write(data: string | Buffer, encoding?: 'latin1'): boolean;
  /** The whole request was written: only then may the connection serve another. */
  finish(): void;
  /** Stop and start reading the response. */
  pause(): void;
  resume(): void;
  /** Gives up: the server sees its connection closed. */
  abort(): void;
}

/** A pool of connections to one address. */
export class Upstream {
  readonly host: string;
  readonly port: number;
  readonly #idle: Connection[] = [];
  readonly #open = new Set<Connection>();
  readonly #isFieldName = boundedMemo(MAX_FIELD_NAMES, isFieldName);
  #sweep: NodeJS.Timeout | undefined;
  #probing: Promise<boolean> | undefined;

  constructor(address: { host: string; port: number }) {
    this.host = address.host;
    this.port = address.port;
  }

  /** Connections, busy and idle. */
  get connections(): number {
    return this.#open.size;
  }

  /** Starts an exchange on an idle connection or a new one. Nothing is ever sent a second time. */
  start(events: ExchangeEvents): Exchange {
    const connection = this.#takeIdle() ?? this.#connect();
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
    clearInterval(this.#sweep);
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }

  /** The most recently used first: the others grow old and are closed. */
  #takeIdle(): Connection | undefined {
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined || connection.usable) return connection;
      connection.destroy();
    }
  }

  #connect(): Connection {
    const socket = connect({ host: this.host, port: this.port, noDelay: true });
    const connection = new Connection(socket, this.#isFieldName, {
      onIdle: () => this.#park(connection),
      onClose: () => {
        this.#open.delete(connection);
        const at = this.#idle.indexOf(connection);
        if (at >= 0) this.#idle.splice(at, 1);
      },
    });
    this.#open.add(connection);
    return connection;
  }

  #park(connection: Connection): void {
    if (this.#idle.length >= MAX_IDLE_CONNECTIONS) return connection.destroy();
    this.#idle.push(connection);
    this.#sweep ??= setInterval(() => this.#closeOld(), 1_000).unref();
  }

  #closeOld(): void {
    while (this.#idle[0] !== undefined && !this.#idle[0].usable) this.#idle.shift()?.destroy();
    if (this.#idle.length > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }
}

interface ConnectionOwner {
  onIdle(): void;
  onClose(): void;
}

/** What one request has of a connection, until its exchange is over. */
class ConnectionExchange implements Exchange {
  readonly events: ExchangeEvents;
  #connection: Connection | undefined;
  #isRequestSent = false;

  constructor(connection: Connection, events: ExchangeEvents) {
    this.#connection = connection;
    this.events = events;
  }

  /** Whether the whole request was written while the exchange was going on. */
  get isRequestSent(): boolean {
    return this.#isRequestSent;
  }

  write(data: string | Buffer, encoding?: 'latin1'): boolean {
    return this.#connection === undefined || this.#connection.write(data, encoding);
  }

  finish(): void {
    if (this.#connection !== undefined) this.#isRequestSent = true;
  }

  pause(): void {
    this.#connection?.pause();
  }

  resume(): void {
    this.#connection?.resume();
  }

  abort(): void {
    this.#connection?.abort();
  }

  /** The exchange is over: from here on nothing reaches the connection. */
  release(): void {
    this.#connection = undefined;
  }
}

/** One socket, its parser, and the exchange that uses it now. */
class Connection {
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #parser: ResponseParser;
  #exchange: ConnectionExchange | undefined;
  #keepAlive = false;
  #idleSince = 0;

  constructor(socket: Socket, isName: (name: string) => boolean, owner: ConnectionOwner) {
    this.#socket = socket;
    this.#owner = owner;
    const events = {
      onHead: (head: ResponseHead) => this.#onHead(head),
      onBody: (chunk: Buffer) => this.#exchange?.events.onBody(chunk),
      onEnd: () => this.#onEnd(),
    };
    this.#parser = new ResponseParser(events, isName);
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => this.#onConnectTimeout());
    socket.once('connect', () => socket.setTimeout(0));
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('drain', () => this.#exchange?.events.onDrain());
    socket.on('end', () => this.#onSocketEnd());
    socket.on('error', (cause: NodeJS.ErrnoException) => this.#fail(connectionError(cause)));
    socket.on('close', () => {
      this.#fail(
        new UpstreamError('reset', 'the server closed the connection before its answer was complete'),
      );
      owner.onClose();
    });
  }

  get usable(): boolean {
    return !this.#socket.destroyed && this.#socket.writable && Date.now() - this.#idleSince < MAX_IDLE_MS;
  }

  begin(events: ExchangeEvents): Exchange {
    this.#exchange = new ConnectionExchange(this, events);
    this.#parser.reset();
    return this.#exchange;
  }

  write(data: string | Buffer, encoding?: 'latin1'): boolean {
    return typeof data === 'string' ? this.#socket.write(data, encoding) : this.#socket.write(data);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  abort(): void {
    this.#release();
    this.#socket.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #onHead(head: ResponseHead): void {
    this.#keepAlive = head.keepAlive;
    this.#exchange?.events.onHead(head);
  }

  #onEnd(): void {
    const exchange = this.#release();
    exchange?.events.onEnd();
    // An answer before the whole request was sent leaves the connection in the middle of a body: not for reuse.
    if (!this.#keepAlive || exchange?.isRequestSent !== true || this.#socket.destroyed) return this.destroy();
    // A reader that was slow to the last must not leave the next exchange unread.
    this.#socket.resume();
    this.#idleSince = Date.now();
    this.#owner.onIdle();
  }

  #onData(chunk: Buffer): void {
    const exchange = this.#exchange;
    try {
      this.#parser.feed(chunk);
      exchange?.events.onReadEnd();
    } catch (error) {
      this.#onThrown(error, exchange);
    }
  }

  #onSocketEnd(): void {
    const exchange = this.#exchange;
    try {
      if (exchange !== undefined) this.#parser.end();
    } catch (error) {
      this.#onThrown(error, exchange);
    }
    this.destroy();
  }

  /** @param exchange the one during which it was thrown; it may have ended since */
  #onThrown(error: unknown, exchange: ConnectionExchange | undefined): void {
    if (error instanceof ResponseSyntaxError) {
      this.#fail(new UpstreamError('malformed_response', error.message, { cause: error }));
    } else {
      if (exchange === undefined) throw error;
      this.#release();
      exchange.events.onUnexpected(error);
    }
    this.destroy();
  }

  #onConnectTimeout(): void {
    this.#fail(new UpstreamError('unreachable', `no connection within ${CONNECT_TIMEOUT_MS / 1000} s`));
    this.destroy();
  }

  #fail(error: UpstreamError): void {
    this.#release()?.events.onError(error);
  }

  /** The exchange that was going on; its handle is of no effect any more. */
  #release(): ConnectionExchange | undefined {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    exchange?.release();
    return exchange;
  }
}

function connectionError(cause: NodeJS.ErrnoException): UpstreamError {
  if (cause.syscall === 'connect') return new UpstreamError('unreachable', cause.message, { cause });
  return new UpstreamError('reset', cause.message, { cause });
}
