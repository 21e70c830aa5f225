// One connection to the server: its socket, its parser, and the exchange that uses it now. Decides nothing about reuse.
import type { Socket } from 'node:net';
import type { ListNode } from '../../base/linked-list.ts';
import { ResponseParser, ResponseSyntaxError, type ResponseHead } from '../http/response-parser.ts';

const CONNECT_TIMEOUT_MS = 5_000;

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

/** Whether the connection that an answer came on may serve another request of its owner. */
export type AnswerEnd = 'reusable' | 'spent';

/** What an exchange hears, in this order: head, body chunks, end; or an error at any point, and then nothing more. */
export interface ExchangeEvents {
  onHead(head: ResponseHead): void;
  onBody(chunk: Buffer): void;
  onEnd(): AnswerEnd;
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

/** What the connections of one owner share. */
export interface Siblings {
  readonly owner: string;
  /** The last used at the end. */
  readonly idle: Connection[];
  /** Busy ones included. */
  open: number;
}

/** What the pool hears of its connections. */
export interface ConnectionEvents {
  /** Its answer is complete, and nothing came behind it: it may serve another request. */
  onIdle(connection: Connection): void;
  /** The server closed it while it was idle. */
  onIdleClosed(connection: Connection): void;
  /** The server closed it, used before, without a byte of the answer to the request on it. */
  onLost(): void;
  /** The server sent bytes that no request had asked for. */
  onSurplus(): void;
  onClose(connection: Connection): void;
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

/** Serves requests of one owner, one at a time. */
export class Connection {
  readonly siblings: Siblings;
  /** Where it stands among the idle ones; theirs to change. */
  place: ListNode<Connection> | undefined;
  /** When its last answer was complete; the pool's to set (milliseconds, of the pool's clock). */
  idleSince = 0;
  readonly #socket: Socket;
  readonly #events: ConnectionEvents;
  readonly #parser: ResponseParser;
  #exchange: ConnectionExchange | undefined;
  #requests = 0;
  #keepAlive = false;
  /** Whether a byte came since the last request began. */
  #isAnswering = false;
  #mayServeAgain = false;

  constructor(
    socket: Socket,
    siblings: Siblings,
    isName: (name: string) => boolean,
    events: ConnectionEvents,
  ) {
    this.#socket = socket;
    this.siblings = siblings;
    this.#events = events;
    const parserEvents = {
      onHead: (head: ResponseHead) => this.#onHead(head),
      onBody: (chunk: Buffer) => this.#exchange?.events.onBody(chunk),
      onEnd: () => this.#onEnd(),
    };
    this.#parser = new ResponseParser(parserEvents, isName);
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => this.#onConnectTimeout());
    socket.once('connect', () => socket.setTimeout(0));
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('drain', () => this.#exchange?.events.onDrain());
    socket.on('end', () => this.#onSocketEnd());
    socket.on('error', (cause: NodeJS.ErrnoException) => this.#onSocketError(cause));
    socket.on('close', () => {
      this.#breakOff();
      events.onClose(this);
    });
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed && this.#socket.writable;
  }

  /** How many requests it has begun to serve. */
  get requests(): number {
    return this.#requests;
  }

  begin(events: ExchangeEvents): Exchange {
    this.#exchange = new ConnectionExchange(this, events);
    this.#requests++;
    this.#isAnswering = false;
    this.#mayServeAgain = false;
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
    const end = exchange?.events.onEnd();
    // An answer before the whole request was sent leaves the connection in the middle of a body: not for reuse.
    this.#mayServeAgain = this.#keepAlive && end !== 'spent' && exchange?.isRequestSent === true;
  }

  #onData(chunk: Buffer): void {
    const exchange = this.#exchange;
    this.#isAnswering = true;
    try {
      this.#parser.feed(chunk);
      exchange?.events.onReadEnd();
    } catch (error) {
      return this.#onThrown(error, exchange);
    }
    if (this.#exchange === undefined) this.#afterAnswer();
  }

  /** All that was read is used up: bytes behind the answer would have been an error. */
  #afterAnswer(): void {
    if (!this.#mayServeAgain || !this.isOpen) return this.destroy();
    // A reader that was slow to the last must not leave the next exchange unread.
    this.#socket.resume();
    this.#events.onIdle(this);
  }

  #onSocketEnd(): void {
    const exchange = this.#exchange;
    try {
      if (exchange !== undefined) this.#parser.end();
    } catch (error) {
      this.#onThrown(error, exchange);
    }
    this.#onClosedByServer();
    this.destroy();
  }

  #onSocketError(cause: NodeJS.ErrnoException): void {
    if (cause.syscall !== 'connect') this.#onClosedByServer();
    this.#fail(connectionError(cause));
  }

  #onClosedByServer(): void {
    if (this.place !== undefined) this.#events.onIdleClosed(this);
    else if (this.#exchange !== undefined && this.#requests > 1 && !this.#isAnswering) this.#events.onLost();
  }

  /** @param exchange the one during which it was thrown; it may have ended since */
  #onThrown(error: unknown, exchange: ConnectionExchange | undefined): void {
    if (error instanceof ResponseSyntaxError) {
      if (this.#exchange === undefined) this.#events.onSurplus();
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

  #breakOff(): void {
    if (this.#exchange === undefined) return;
    this.#fail(new UpstreamError('reset', 'the server closed the connection before its answer was complete'));
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
