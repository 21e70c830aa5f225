// Whose answer is it: whatever the server sends on its connections, and whenever, a client gets the response to its own
// request or none.
import assert from 'node:assert/strict';
import { Agent } from 'node:https';
import type { Socket } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '../kit/wait.ts';
import type { RecordedMessage } from '../oracles/recording-server.ts';
import { startRecordingBed, type RecordingBed } from '../support/recording-bed.ts';

let server: RecordingBed['server'];
let bed: RecordingBed['bed'];
let stop: RecordingBed['stop'];
before(async () => {
  ({ server, bed, stop } = await startRecordingBed());
});
after(() => stop());

const token = (sub: string) => bed.issuer.token({ claims: { sub } });
const ping = (id: string | number) => JSON.stringify({ jsonrpc: '2.0', id, method: 'ping' });
const subjectOf = ({ fields }: RecordedMessage) => fields.find(([name]) => name === 'x-mcp-subject')?.[1];
const result = (id: unknown, of: unknown) => JSON.stringify({ jsonrpc: '2.0', id, result: { of } });
const idOf = ({ body }: RecordedMessage) => (JSON.parse(body) as { id: unknown }).id;

const json = (body: string, status = '200 OK') =>
  `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const chunked = (type: string, ...pieces: readonly string[]) =>
  `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n${pieces.map(chunk).join('')}0\r\n\r\n`;
const event = (data: string) => `event: message\ndata: ${data}\n\n`;

/** The right answer. */
const answerFor = (message: RecordedMessage) => json(result(idOf(message), subjectOf(message)));

/** The server has shown that it keeps connections, and the sidecar uses them again. */
async function proven(): Promise<void> {
  let last: Socket | undefined;
  let isUsedAgain = false;
  server.answering = (message, socket) => {
    isUsedAgain = socket === last;
    last = socket;
    socket.write(answerFor(message));
  };
  const good = token('proof');
  await waitFor(async () => {
    for (const id of [1, 2]) assert.equal((await bed.callWith(good, { body: ping(id) })).status, 200);
    return isUsedAgain;
  }, 'a connection to be used again');
}

const mismatches = async () => {
  const text = await (await fetch(bed.adminUrl('/metrics'))).text();
  return Number(/^mcp_sidecar_denials_total\{reason="mismatched_answer"\} (\d+)$/m.exec(text)?.[1] ?? 0);
};
const logged = () => bed.log.split('"kind":"mismatched_answer"').length - 1;

/** What a server does with one request. */
type Mischief = (message: RecordedMessage, socket: Socket) => void | Promise<void>;

/** Waits a random time within what requests take, so that it meets any phase of the next. */
const soon = () => delay(Math.floor(Math.random() * 8));
const later = (socket: Socket, bytes: string) =>
  void soon().then(() => {
    if (socket.writable) socket.write(bytes);
  });

describe('an answer reaches only the principal whose request it answers', () => {
  const USERS = 8;
  const CALLS = 30;
  beforeEach(proven);

  /** All answers have the id of every request: nothing but the connection says whose they are. */
  const mischiefs: Readonly<Record<string, Mischief>> = {
    'a second answer at once': (message, socket) =>
      void socket.write(answerFor(message) + json(result(1, `${subjectOf(message)}, second`))),
    'a second answer in a write of its own': (message, socket) => {
      socket.write(answerFor(message));
      socket.write(json(result(1, `${subjectOf(message)}, second`)));
    },
    'a second answer late': (message, socket) => {
      socket.write(answerFor(message));
      later(socket, json(result(1, `${subjectOf(message)}, second`)));
    },
    'three more, one after the other': (message, socket) => {
      socket.write(answerFor(message));
      for (const nth of ['second', 'third', 'fourth'])
        later(socket, json(result(1, `${subjectOf(message)}, ${nth}`)));
    },
    'half a second answer, and the other half late': (message, socket) => {
      const second = json(result(1, `${subjectOf(message)}, second`));
      socket.write(answerFor(message) + second.slice(0, 40));
      later(socket, second.slice(40));
    },
    'an answer in halves, and a second one': async (message, socket) => {
      const first = answerFor(message);
      socket.write(first.slice(0, 50));
      await soon();
      if (!socket.writable) return;
      socket.write(first.slice(50));
      later(socket, json(result(1, `${subjectOf(message)}, second`)));
    },
    'a slow answer, and a second one': async (message, socket) => {
      await soon();
      if (socket.writable) socket.write(answerFor(message));
      later(socket, json(result(1, `${subjectOf(message)}, second`)));
    },
    'an event stream, and a second one': (message, socket) => {
      socket.write(chunked('text/event-stream', event(result(1, subjectOf(message)))));
      later(socket, chunked('text/event-stream', event(result(1, `${subjectOf(message)}, second`))));
    },
    'an event stream, and JSON behind it': (message, socket) => {
      socket.write(chunked('text/event-stream', event(result(1, subjectOf(message)))));
      later(socket, json(result(1, `${subjectOf(message)}, second`)));
    },
    'an interim answer late': (message, socket) => {
      socket.write(answerFor(message));
      later(socket, 'HTTP/1.1 103 Early Hints\r\n\r\n');
    },
  };

  /** Many users at once, each on a connection of its own: whose answers did they get? */
  async function crowd(): Promise<Map<string, number>> {
    const seen = new Map<string, number>();
    const user = async (name: string) => {
      const good = token(name);
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let i = 0; i < CALLS; i++) {
        const { status, body } = await bed.callWith(good, { body: ping(1), agent });
        const of = /"of":"([^,"]*)/.exec(body)?.[1];
        const whose = status === 502 ? 'none' : of === name ? 'own' : `${of} to ${name}`;
        seen.set(whose, (seen.get(whose) ?? 0) + 1);
      }
      agent.destroy();
    };
    await Promise.all(Array.from({ length: USERS }, (_, i) => user(`user${i}`)));
    return seen;
  }

  for (const [name, mischief] of Object.entries(mischiefs)) {
    it(name, async () => {
      server.answering = (message, socket) => void mischief(message, socket);
      const seen = await crowd();
      assert.deepEqual(new Set([...seen.keys()].filter((whose) => whose !== 'none')), new Set(['own']));
    });
  }

  it('all of these at random, from a server that answers most requests well', async () => {
    const each = Object.values(mischiefs);
    server.answering = (message, socket) => {
      const mischief = each[Math.floor(Math.random() * each.length * 3)];
      if (mischief === undefined) socket.write(answerFor(message));
      else void mischief(message, socket);
    };
    const seen = await crowd();
    assert.deepEqual(new Set([...seen.keys()].filter((whose) => whose !== 'none')), new Set(['own']));
    assert.ok((seen.get('own') ?? 0) > (USERS * CALLS) / 2, JSON.stringify([...seen]));
  });

  it('one answer too many, to one user: no other notices, and it is counted', async () => {
    const before = await bed.metric('mcp_sidecar_surplus_answers_total');
    server.answering = (message, socket) => {
      socket.write(answerFor(message));
      if (subjectOf(message) === 'mallory') later(socket, json(result(1, 'mallory, second')));
    };
    const crowded = crowd();
    for (let i = 0; i < 30; i++) await bed.callWith(token('mallory'), { body: ping(1) });
    assert.deepEqual([...(await crowded)], [['own', USERS * CALLS]]);
    assert.ok((await bed.metric('mcp_sidecar_surplus_answers_total')) > before);
  });

  it('answers on the connections of others, by their ids', async () => {
    let waiting: { message: RecordedMessage; socket: Socket } | undefined;
    server.answering = (message, socket) => {
      if (waiting === undefined) {
        waiting = { message, socket };
        return;
      }
      if (waiting.socket.writable) waiting.socket.write(answerFor(message));
      socket.write(answerFor(waiting.message));
      waiting = undefined;
    };
    const statuses = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const { status, body } = await bed.callWith(token(`user${i}`), { body: ping(`id${i}`) });
        assert.doesNotMatch(body, /"of"/);
        return status;
      }),
    );
    assert.deepEqual(new Set(statuses), new Set([502]));
  });
});

describe('a connection that is an answer behind', () => {
  beforeEach(proven);

  it('serves its own principal no further: the first answer to another request is refused, and it is closed', async () => {
    const before = await mismatches();
    const lines = logged();
    const sockets = new Set<Socket>();
    let isFirst = true;
    server.answering = (message, socket) => {
      sockets.add(socket);
      // The second answer to the first request comes when the next request is on its way, and so on.
      socket.write(isFirst ? answerFor(message) : json(result('first', 'again')));
      if (!isFirst) setTimeout(() => socket.writable && socket.write(answerFor(message)), 5);
      isFirst = false;
    };
    const good = token('alice');
    assert.equal((await bed.callWith(good, { body: ping('first') })).status, 200);
    const second = await bed.callWith(good, { body: ping('second') });
    assert.equal(second.status, 502);
    assert.doesNotMatch(second.body, /again/);
    const error = JSON.parse(second.body) as {
      id: unknown;
      error: { code: number; data: { error: string } };
    };
    assert.deepEqual([error.id, error.error.code, error.error.data.error], ['second', -32603, 'bad_gateway']);
    await waitFor(() => [...sockets].every((socket) => socket.destroyed), 'the connection to be closed');
    server.answering = (message, socket) => void socket.write(answerFor(message));
    assert.equal((await bed.callWith(good, { body: ping('third') })).status, 200);
    assert.equal(await mismatches(), before + 1);
    await waitFor(() => logged() === lines + 1, 'a log line');
  });
});

describe('the response to another request', () => {
  const big = 'x'.repeat(100_000);
  const refused: Readonly<Record<string, (own: unknown) => string>> = {
    'the id first': () => json('{"jsonrpc":"2.0","id":"other","result":{"evil":1}}'),
    'the id last': () => json('{"result":{"evil":1},"jsonrpc":"2.0","id":"other"}'),
    'an error': () => json('{"jsonrpc":"2.0","id":"other","error":{"code":1,"message":"evil"}}'),
    'with status 400': () =>
      json('{"jsonrpc":"2.0","id":"other","error":{"code":1,"message":"evil"}}', '400 Bad Request'),
    'a result without id': () => json('{"jsonrpc":"2.0","result":{"evil":1}}'),
    'a result with id null': () => json('{"jsonrpc":"2.0","id":null,"result":{"evil":1}}'),
    'the id as another type': () => json('{"jsonrpc":"2.0","id":["own"],"result":{"evil":1}}'),
    'as a batch': () => json('[{"jsonrpc":"2.0","id":"other","result":{"evil":1}}]'),
    'beside its own, as a batch': (own) => json(`[${result(own, 1)},${result('other', 'evil')}]`),
    'without a length': () =>
      chunked('application/json', '{"jsonrpc":"2.0","id":"other","result":{"evil":1}}'),
    'up to the close': () =>
      'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{"jsonrpc":"2.0","id":"other","result":{"evil":1}}',
    'longer than what is collected, the id first': () => json(result('other', `evil${big}`)),
    'as the first event': () => chunked('text/event-stream', event(result('other', 'evil'))),
    'as an event of several lines': () =>
      chunked('text/event-stream', 'data: {"jsonrpc":"2.0","id":\ndata: "other","result":{"evil":1}}\n\n'),
  };
  for (const [name, make] of Object.entries(refused)) {
    it(`${name}: 502, counted, logged, and the connection is closed`, async () => {
      const before = await mismatches();
      const lines = logged();
      let used: Socket | undefined;
      server.answering = (message, socket) => {
        used = socket;
        socket.write(make(idOf(message)));
      };
      const answer = await bed.callWith(token('alice'), { body: ping('own') });
      assert.equal(answer.status, 502, answer.body);
      assert.doesNotMatch(answer.body, /evil/);
      await waitFor(() => used?.destroyed === true, 'the connection to be closed');
      assert.equal(await mismatches(), before + 1);
      await waitFor(() => logged() === lines + 1, 'a log line');
    });
  }

  const cut: Readonly<Record<string, readonly string[]>> = {
    'behind the head of an event stream': [
      chunked('text/event-stream').slice(0, -5),
      chunk(event(result('other', 'evil'))),
    ],
    'behind the own response': [
      chunked('text/event-stream', event(result('own', 1))).slice(0, -5),
      chunk(event(result('other', 'evil'))),
    ],
    'behind a notification': [
      chunked('text/event-stream', event('{"jsonrpc":"2.0","method":"notifications/progress"}')).slice(0, -5),
      chunk(event(result('other', 'evil'))),
    ],
    'at the end of a long answer': [
      `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${JSON.stringify({ result: big, jsonrpc: '2.0', id: 'other' }).length}\r\n\r\n{"result":"${big}"`,
      ',"jsonrpc":"2.0","id":"other"}',
    ],
  };
  for (const [name, pieces] of Object.entries(cut)) {
    it(`${name}: the answer breaks off in front of it, counted and logged`, async () => {
      const before = await mismatches();
      const lines = logged();
      server.answering = (_, socket) => {
        socket.write(pieces[0] ?? '');
        void waitFor(() => isBegun, 'the first piece to arrive').then(() => socket.write(pieces[1] ?? ''));
      };
      let isBegun = false;
      const res = await bed.open({
        body: ping('own'),
        headers: { Authorization: `Bearer ${token('alice')}` },
      });
      isBegun = true;
      let body = '';
      res.setEncoding('latin1').on('data', (text: string) => (body += text));
      await assert.rejects(new Promise((resolve, reject) => res.on('end', resolve).on('error', reject)));
      assert.doesNotMatch(body, /evil|other/);
      assert.equal(await mismatches(), before + 1);
      await waitFor(() => logged() === lines + 1, 'a log line');
    });
  }
});

describe('an answer that says nothing of another request is relayed as it is', () => {
  const relayed: Readonly<Record<string, readonly [answer: string, body: string]>> = {
    'the response': [json(result('own', 1)), result('own', 1)],
    'an error with id null': [
      json('{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":""}}'),
      '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":""}}',
    ],
    'the id with an escape': [
      json('{"jsonrpc":"2.0","id":"\\u006fwn","result":{}}'),
      '{"jsonrpc":"2.0","id":"\\u006fwn","result":{}}',
    ],
    'no JSON-RPC': [json('{"id":"other"}'), '{"id":"other"}'],
    'no JSON': [json('no'), 'no'],
    'no body': ['HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n', ''],
    'a request of the server with an id of its own': [
      chunked(
        'text/event-stream',
        event('{"jsonrpc":"2.0","id":"other","method":"ping"}'),
        event(result('own', 1)),
      ),
      event('{"jsonrpc":"2.0","id":"other","method":"ping"}') + event(result('own', 1)),
    ],
  };
  for (const [name, [answer, body]] of Object.entries(relayed)) {
    it(name, async () => {
      server.answering = (_, socket) => void socket.write(answer);
      const received = await bed.callWith(token('alice'), { body: ping('own') });
      assert.deepEqual([received.status < 300, received.body], [true, body]);
    });
  }

  it('a response to a notification, of which no client takes notice; the connection is closed', async () => {
    let used: Socket | undefined;
    server.answering = (_, socket) => {
      used = socket;
      socket.write(json(result(1, 'x')));
    };
    const body = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
    const answer = await bed.callWith(token('alice'), { body });
    assert.deepEqual([answer.status, answer.body], [200, result(1, 'x')]);
    await waitFor(() => used?.destroyed === true, 'the connection to be closed');
  });

  it('a batch in another order', async () => {
    const body = `[${result(2, 'b')},${result(1, 'a')}]`;
    server.answering = (_, socket) => void socket.write(json(body));
    const headers = { 'MCP-Protocol-Version': '2025-03-26' };
    const answer = await bed.callWith(token('alice'), { body: `[${ping(1)},${ping(2)}]`, headers });
    assert.deepEqual([answer.status, answer.body], [200, body]);
  });

  it('a response to a request that a stream is resumed for: a GET has no id', async () => {
    server.answering = (_, socket) =>
      void socket.write(chunked('text/event-stream', event(result('earlier', 1))));
    const answer = await bed.callWith(token('alice'), {
      method: 'GET',
      headers: { Accept: 'text/event-stream' },
    });
    assert.deepEqual([answer.status, answer.body], [200, event(result('earlier', 1))]);
  });
});
