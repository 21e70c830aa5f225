// Sends requests that could be read in two ways, cut in several ways, with a second request behind each; and says what
// became of them, by the word of a server that reads strictly.
import assert from 'node:assert/strict';
import { RawConnection } from '../kit/raw.ts';
import { TestBed, TRANSPORT } from '../support/sidecar.ts';
import { waitFor } from '../kit/wait.ts';
import { BODY, bytesOf, HOST, type Shape } from './payloads.ts';
import { RecordingServer, TAG, tagOf, type RecordedMessage } from './recording-server.ts';

/** Bodies are validated, or go by unread with the framing that they came with: both have to hold. */
const MODES = ['Enforced', 'Off'] as const;
type Mode = (typeof MODES)[number];

/** What one TLS record after the other carries: each is a read of its own to the sidecar. */
const CUTS: Readonly<Record<string, (bytes: string) => string[]>> = {
  whole: (bytes) => [bytes],
  'cut after each CR': (bytes) => bytes.split(/(?<=\r)/),
  'byte by byte, but for the token': (bytes) => bytes.split(/(?<!Bearer \S*)/),
};

export interface Outcome {
  /** Of final answers, in their order. */
  readonly statuses: readonly number[];
  readonly closed: boolean;
  /** Which of the two requests were answered by the server behind, in the order of the answers. */
  readonly answered: readonly string[];
  /** What reached the server of each, whole. */
  readonly first: readonly RecordedMessage[];
  readonly second: readonly RecordedMessage[];
}

export class FramingBed {
  readonly server: RecordingServer;
  readonly #beds: Readonly<Record<Mode, TestBed>>;
  #count = 0;
  /** Answers of the server behind that came to a client. */
  answered = 0;

  private constructor(server: RecordingServer, beds: Readonly<Record<Mode, TestBed>>) {
    this.server = server;
    this.#beds = beds;
  }

  static async start(): Promise<FramingBed> {
    const server = await RecordingServer.start();
    const [enforced, off] = await Promise.all(
      MODES.map((messageChecks) =>
        TestBed.start({
          config: () => ({ upstream: { url: server.url }, transport: { ...TRANSPORT, messageChecks } }),
        }),
      ),
    );
    return new FramingBed(server, { Enforced: enforced as TestBed, Off: off as TestBed });
  }

  async stop(): Promise<void> {
    await Promise.all(MODES.map((mode) => this.#beds[mode].stop()));
    await this.server.close();
  }

  /** Each way of cutting it, with the bodies validated and unread. */
  async check(shape: Shape, reading: 'served' | 'refused'): Promise<void> {
    const wrong: string[] = [];
    await Promise.all(
      MODES.flatMap((mode) =>
        Object.entries(CUTS).map(async ([way, cut]) => {
          const outcome = await this.send(mode, shape, cut);
          try {
            (reading === 'served' ? assertServed : assertRefused)(outcome);
          } catch (error) {
            if (!(error instanceof assert.AssertionError)) throw error;
            wrong.push(`${way}, messageChecks ${mode}: ${error.message}\n${JSON.stringify(outcome)}`);
          }
        }),
      ),
    );
    assert.deepEqual(wrong, []);
  }

  async send(mode: Mode, shape: Shape, cut: (bytes: string) => string[]): Promise<Outcome> {
    const bed = this.#beds[mode];
    const tag = `c${this.#count++}`;
    const identity = (name: string) => [`Authorization: Bearer ${bed.issuer.token()}`, `${TAG}: ${name}`];
    const second = bytesOf({ requestLine: 'POST /mcp?second HTTP/1.1', host: [HOST] }, identity(`${tag}s`));
    const connection = await RawConnection.open(bed);
    connection.socket.setNoDelay(true);
    for (const piece of [...cut(bytesOf(shape, identity(tag))), second]) {
      await new Promise((resolve) => connection.socket.write(piece, 'latin1', resolve));
      if (connection.closed) break;
    }
    const bodies = () => [...connection.received.matchAll(/"answer":"(\w*)"/g)].map(([, name]) => name ?? '');
    await waitFor(() => connection.closed || bodies().length >= 2, 'the end').catch(() => undefined);
    connection.destroy();
    this.answered += bodies().length;
    const of = (name: string) => this.server.messages.filter((message) => tagOf(message) === name);
    return {
      statuses: connection.statuses.filter((status) => status >= 200),
      closed: connection.closed,
      answered: bodies().map((name) => (name === tag ? 'first' : name === `${tag}s` ? 'second' : name)),
      first: of(tag),
      second: of(`${tag}s`),
    };
  }
}

function assertRefused({ statuses, closed, first, second }: Outcome): void {
  assert.ok(closed, 'the connection stays open');
  assert.ok(statuses.length <= 1, `several answers: ${statuses.join(', ')}`);
  assert.ok(
    statuses.every((status) => status >= 400 && status < 600),
    `status ${statuses[0]}`,
  );
  assert.equal(first.length, 0, 'the request went on');
  assert.equal(second.length, 0, 'what followed went on');
}

function assertServed({ statuses, answered, first, second }: Outcome): void {
  assert.deepEqual(statuses, [200, 200].slice(0, statuses.length));
  assert.deepEqual(answered, ['first', 'second'].slice(0, answered.length));
  assert.ok(statuses.length > 0);
  assert.equal(first.length, 1, 'how often the request went on');
  assert.equal(first[0]?.body, BODY);
  assert.equal(second.length, statuses.length - 1, 'how often what followed went on');
}
