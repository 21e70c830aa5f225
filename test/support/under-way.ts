// Requests that are under way in every state that there is, what their clients see at last, and what the server had of them.
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { modern } from '../kit/messages.ts';
import { RawConnection } from '../kit/raw.ts';
import { openEventStream, RESULT } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';
import type { TestBed } from './sidecar.ts';

/** A request that was begun and is not over. */
export interface UnderWay {
  /** Sends a little of a body, which would be too slow otherwise. */
  readonly trickle: () => void;
  /** Does what the client has left to do: a body comes to its end. */
  readonly goOn: () => void;
  /** What the client sees at last: a status, or how its stream ended. */
  readonly outcome: Promise<string>;
}

/** What the server had of the request of one subject. */
interface AtServer {
  readonly res: ServerResponse;
  /** Its whole body. */
  isComplete: boolean;
  isClosed: boolean;
}

const EVENT = 'data: {"jsonrpc":"2.0","id":1,"result":{}}\n\n';
/** Long enough not to be too slow for a minute and more. */
const BODY = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'delete_everything', arguments: { padding: 'x'.repeat(20_000) } },
});
/** Longer than what is forwarded in one piece. */
const LONG_BODY = BODY.replace('x', 'x'.repeat(100_000));
export const ORIGIN = 'http://localhost:6274';

/** The server: remembers requests by their subject, and leaves open what a kind leaves open. */
export class Server {
  readonly #bySubject = new Map<string, AtServer>();

  constructor(bed: TestBed) {
    bed.upstream.script = (req, res) => this.#serve(req, res);
  }

  #serve(req: IncomingMessage, res: ServerResponse): void {
    const seen: AtServer = { res, isComplete: false, isClosed: false };
    const subject = decodeURIComponent(String(req.headers['x-mcp-subject']));
    this.#bySubject.set(subject, seen);
    req.on('end', () => (seen.isComplete = true));
    res.on('close', () => (seen.isClosed = true));
    if (subject.includes('stream') || subject.includes('subscription')) openEventStream(req, res);
    else if (subject.includes('waits')) req.resume();
    else req.resume().on('end', () => res.end(RESULT));
  }

  /** `nothing`, or how far the request of this subject has come. */
  had(subject: string): string {
    const seen = this.#bySubject.get(subject);
    if (seen === undefined) return 'nothing';
    return `${seen.isComplete ? 'all' : 'a part'}, ${seen.isClosed ? 'closed' : 'open'}`;
  }

  /** Answers, or ends the stream after an event. */
  finish(subject: string): void {
    const res = this.#bySubject.get(subject)?.res;
    if (res?.headersSent === true) res.end(EVENT);
    else res?.end(RESULT);
  }
}

/** How a kind of request is begun. */
export type Begin = (bed: TestBed, token: string, subject: string) => Promise<UnderWay>;

const headOf = (token: string, length: number | 'chunked', more = '') =>
  `POST /mcp HTTP/1.1\r\nHost: localhost:8001\r\nOrigin: ${ORIGIN}\r\nAuthorization: Bearer ${token}\r\n` +
  `Content-Type: application/json\r\n${more}` +
  `${length === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`}\r\n\r\n`;

const chunkOf = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;

/** The last status on a connection, once there are so many; `cut` where it was closed before. */
async function lastStatus(connection: RawConnection, count: number): Promise<string> {
  await waitFor(() => connection.closed || connection.statuses.length >= count, 'an answer', 30_000);
  const { statuses } = connection;
  connection.destroy();
  return statuses.length < count ? 'cut' : String(statuses.at(-1));
}

/** A body of which all but the end has come. */
const slowBody =
  (body: string, framing: 'length' | 'chunked', more = ''): Begin =>
  async (bed, token) => {
    const connection = await RawConnection.open(bed);
    const send = (text: string) => connection.send(framing === 'chunked' ? chunkOf(text) : text);
    connection.send(headOf(token, framing === 'chunked' ? 'chunked' : body.length, more));
    if (more !== '') await connection.waitForStatuses(1);
    let rest = body.slice(-2);
    send(body.slice(0, -2));
    const trickle = () => {
      send(rest.slice(0, 1));
      rest = rest.slice(1);
    };
    const goOn = () => {
      send(rest);
      if (framing === 'chunked') connection.send('0\r\n\r\n');
    };
    return { trickle, goOn, outcome: lastStatus(connection, more === '' ? 1 : 2) };
  };

/** Behind a request that the same client has not got its answer to. */
const pipelined: Begin = async (bed, token) => {
  const connection = await RawConnection.open(bed);
  const first = bed.issuer.token({ claims: { sub: 'the first of two, waits', exp: 4_000_000_000 } });
  connection.send(headOf(first, BODY.length) + BODY + headOf(token, BODY.length) + BODY.slice(0, -2));
  let rest = BODY.slice(-2);
  const trickle = () => {
    connection.send(rest.slice(0, 1));
    rest = rest.slice(1);
  };
  const goOn = () => connection.send(rest);
  return { trickle, goOn, outcome: lastStatus(connection, 2) };
};

const nothing = () => undefined;

const waitingCall: Begin = (bed, token) => {
  const headers = { Authorization: `Bearer ${token}`, Origin: ORIGIN };
  const outcome = bed.call({ headers }).then(
    ({ status }) => String(status),
    () => 'cut',
  );
  return Promise.resolve({ trickle: nothing, goOn: nothing, outcome });
};

const stream =
  (method: string, message?: { body: string; headers: Readonly<Record<string, string>> }): Begin =>
  async (bed, token) => {
    const headers = { ...message?.headers, Authorization: `Bearer ${token}`, Origin: ORIGIN };
    const res = await bed.open({ method, headers, ...(message && { body: message.body }) });
    let text = '';
    res.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const outcome = once(res, 'end').then(
      () =>
        text === '' ? 'ended' : text.includes('"resultType":"complete"') ? 'ended with result' : 'whole',
      () => 'cut',
    );
    return { trickle: nothing, goOn: nothing, outcome };
  };

/** With the checks of messages on. */
export const KINDS = {
  'slow body': slowBody(BODY, 'length'),
  'slow chunked body': slowBody(BODY, 'chunked'),
  'body after 100 Continue': slowBody(BODY, 'length', 'Expect: 100-continue\r\n'),
  'body behind a pipelined request': pipelined,
  'call that waits for its answer': waitingCall,
  'call answered by a stream': stream('POST'),
  'listening stream': stream('GET'),
  subscription: stream('POST', modern('subscriptions/listen', { notifications: {} })),
} satisfies Record<string, Begin>;

/** With the checks of messages off. */
export const UNREAD_KINDS = {
  'short body unread': slowBody(BODY, 'length'),
  'long body unread, waits': slowBody(LONG_BODY, 'length'),
  'chunked body unread, waits': slowBody(BODY, 'chunked'),
} satisfies Record<string, Begin>;

/** A request that waits for the key of its token, or for what an authorization server says of it. */
export const waiting = waitingCall;
