// A TLS connection on which a test says exactly which bytes are sent: what no HTTP client would send.
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { waitFor } from './wait.ts';

export class RawConnection {
  readonly socket: TLSSocket;
  /** All that came, one character a byte. */
  received = '';
  /** Whether the connection is closed, by whomever. */
  closed = false;

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => (this.received += text));
    socket.on('close', () => (this.closed = true));
    socket.on('error', () => undefined); // a reset shows as closed
  }

  /** @param server whose `tls` says where it is and what to trust */
  static async open(
    server: { readonly tls: ConnectionOptions },
    options: ConnectionOptions = {},
  ): Promise<RawConnection> {
    const socket = connect({ ...server.tls, ...options });
    await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    return new RawConnection(socket);
  }

  send(bytes: string): void {
    this.socket.write(bytes, 'latin1');
  }

  /** Status codes of all responses so far, interim ones included. */
  get statuses(): number[] {
    return [...this.received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
  }

  /** Waits until so many responses have begun, or the connection is closed. */
  async waitForStatuses(count: number): Promise<number[]> {
    await waitFor(() => this.closed || this.statuses.length >= count, `${count} responses`);
    return this.statuses;
  }

  async waitForClose(): Promise<void> {
    await waitFor(() => this.closed, 'the connection to be closed');
  }

  destroy(): void {
    this.socket.destroy();
  }
}
