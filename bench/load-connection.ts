// One keep-alive client connection: writes fixed bytes, reads one answer at a time with as little work as will do.
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { ANSWER_TEXT } from './canned.ts';
import type { Address } from './messages.ts';

const READ_BUFFER_BYTES = 16 * 1024;
const LAST_CHUNK = Buffer.from('0\r\n\r\n');

export interface ConnectionOptions {
  readonly address: Address;
  /** PEM of the certificate to trust. */
  readonly ca: string;
  readonly onAnswer: (status: number) => void;
  readonly onFailure: (error: Error) => void;
  /** The answer has no end: it counts as soon as its first event is there. */
  readonly endless?: boolean;
}

export class LoadConnection {
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  /** Bytes of the answer's head, or of its last chunk, that came apart. */
  #pending: Buffer | undefined;
  #status = 0;
  /** Bytes of the body to come; -1 for a chunked one, `undefined` before the head. */
  #remaining: number | undefined;
  #checked = false;

  private constructor(options: ConnectionOptions, onConnect: () => void) {
    this.#options = options;
    const { port, tls } = options.address;
    const onread = {
      buffer: Buffer.allocUnsafe(READ_BUFFER_BYTES),
      callback: (length: number, buffer: Uint8Array) => {
        this.#read(Buffer.from(buffer.buffer, buffer.byteOffset, length));
        return true;
      },
    };
    // One buffer for all reads: what is kept beyond a call is copied.
    const tcp = { host: '127.0.0.1', port, noDelay: true, onread };
    this.#socket = tls
      ? connectTls({ ...tcp, ca: options.ca, servername: 'localhost', minVersion: 'TLSv1.3' }, onConnect)
      : connectTcp(tcp, onConnect);
    this.#socket.on('error', (error) => options.onFailure(error));
    this.#socket.on('close', () => options.onFailure(new Error('the target closed a connection')));
  }

  static open(options: ConnectionOptions): Promise<LoadConnection> {
    return new Promise((resolve, reject) => {
      let opened = false;
      const onFailure = (error: Error) => (opened ? options.onFailure(error) : reject(error));
      const connection = new LoadConnection({ ...options, onFailure }, () => {
        opened = true;
        resolve(connection);
      });
    });
  }

  send(request: Buffer): void {
    this.#socket.write(request);
  }

  close(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }

  #read(received: Buffer): void {
    let bytes = received;
    if (this.#pending !== undefined) {
      bytes = Buffer.concat([this.#pending, bytes]);
      this.#pending = undefined;
    }
    if (this.#remaining === undefined) {
      const headEnd = bytes.indexOf('\r\n\r\n', 0, 'latin1');
      if (headEnd < 0) {
        this.#pending = Buffer.from(bytes);
        return;
      }
      const head = bytes.toString('latin1', 0, headEnd);
      this.#status = Number(head.slice(9, 12));
      const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
      this.#remaining = length === undefined ? -1 : Number(length);
      bytes = bytes.subarray(headEnd + 4);
    }
    this.#readBody(bytes, this.#remaining);
  }

  #readBody(bytes: Buffer, remaining: number): void {
    // Looked at once for each connection: the answers are all the same.
    if (!this.#checked && bytes.length > 0) {
      this.#checked = true;
      if (this.#status === 200 && !bytes.toString('latin1').includes(ANSWER_TEXT)) {
        return this.#options.onFailure(
          new Error('the target delivered something other than the server answered'),
        );
      }
    }
    if (remaining >= 0) {
      this.#remaining = remaining - bytes.length;
      if (this.#remaining === 0) this.#finish();
    } else if (this.#options.endless) {
      if (bytes.length > 0) this.#finish();
    } else if (bytes.length >= LAST_CHUNK.length && bytes.compare(LAST_CHUNK, 0, 5, bytes.length - 5) === 0) {
      this.#finish();
    } else {
      this.#pending = Buffer.from(bytes.subarray(-LAST_CHUNK.length + 1));
    }
  }

  #finish(): void {
    this.#remaining = undefined;
    this.#options.onAnswer(this.#status);
  }
}
