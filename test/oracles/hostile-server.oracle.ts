// What a broken or hostile MCP server may answer: 502, or one answer that is framed beyond doubt, or one that visibly breaks
// off; and whatever it was, the next client gets its own answer and nothing of it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { RawConnection } from '../kit/raw.ts';
import { TestBed } from '../support/sidecar.ts';
import { waitFor } from '../kit/wait.ts';
import { bytesOf, HOST } from './payloads.ts';
import { answerByTag, RecordingServer, TAG, tagOf } from './recording-server.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n';
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
/** What must reach only the client that asked, and only as the answer. */
const EVIL = '{"answer":"evil"}';
const SECOND = `${OK}Content-Length: ${EVIL.length}\r\n\r\n${EVIL}`;

let server: RecordingServer;
let bed: TestBed;
/** By the tag of the request. */
const hostile = new Map<string, Answer>();
let tests = 0;

before(async () => {
  server = await RecordingServer.start();
  server.answering = (message, socket) => {
    const answer = hostile.get(tagOf(message) ?? '');
    if (answer === undefined) return answerByTag(message, socket);
    if (typeof answer === 'string') socket.write(answer, 'latin1');
    else void answer(socket);
  };
  bed = await TestBed.start({ config: () => ({ upstream: { url: server.url } }) });
});
after(async () => {
  await bed.stop();
  await server.close();
});

/** Writes an answer, now or later; the connection stays open unless it closes it. */
type Answer = string | ((socket: Socket) => void | Promise<void>);

const inPieces =
  (pieces: readonly string[], pauseMs = 10) =>
  async (socket: Socket) => {
    for (const piece of pieces) {
      socket.write(piece, 'latin1');
      await delay(pauseMs);
    }
  };
const andClose = (bytes: string) => (socket: Socket) => void socket.end(bytes, 'latin1');

/** Of a principal, with a tag by which the server knows it. */
function request(sub: string, tag: string): string {
  const token = bed.issuer.token({ claims: { sub } });
  return bytesOf({ host: [HOST] }, [`Authorization: Bearer ${token}`, `${TAG}: ${tag}`]);
}

/** The one response that came, read strictly; `cut` if it began and did not come to its end. */
function read({
  received,
}: RawConnection): { status: number; body: string; fields: string } | 'cut' | 'none' {
  if (received === '') return 'none';
  const end = received.indexOf('\r\n\r\n');
  const head = received.slice(0, end);
  const rest = received.slice(end + 4);
  assert.equal([...received.matchAll(/HTTP\/1\.[01] \d{3}/g)].length, 1, `more than one answer: ${received}`);
  for (const line of head.split('\r\n').slice(1))
    assert.match(line, /^[!#$%&'*+.^_`|~\w-]+: ?[\t\x20-\x7e\x80-\xff]*$/);
  const lengths = [...head.matchAll(/^content-length: (.*)$/gim)].map(([, value]) => value ?? '');
  const codings = [...head.matchAll(/^transfer-encoding: (.*)$/gim)].map(([, value]) => value);
  const status = Number(head.slice(9, 12));
  const of = (body: string) => ({ status, body, fields: head.toLowerCase() });
  if (status === 204 || status === 304) {
    assert.deepEqual([lengths, codings, rest], [[], [], '']);
    return of('');
  }
  assert.equal(
    lengths.length + codings.length,
    1,
    `framed ${lengths.length + codings.length} times: ${head}`,
  );
  if (lengths[0] !== undefined) {
    assert.match(lengths[0], /^(0|[1-9]\d*)$/);
    assert.ok(rest.length <= Number(lengths[0]), 'more than it announces');
    return rest.length < Number(lengths[0]) ? 'cut' : of(rest);
  }
  let body = '';
  for (let at = 0; ;) {
    const size = /^([0-9a-f]+)\r\n/.exec(rest.slice(at));
    if (size === null) return 'cut';
    const [line, digits = ''] = size;
    const length = Number.parseInt(digits, 16);
    at += line.length;
    if (length === 0) return rest.slice(at) === '\r\n' ? of(body) : 'cut';
    body += rest.slice(at, at + length);
    at += length + 2;
  }
}

/** How often each hostile answer is tried: connections that are new, and connections that were used before. */
const ROUNDS = 2;

/** Alice gets the hostile answer. Then, and at the same time, bob calls on what connections there are. */
async function provoke(answer: Answer): Promise<ReturnType<typeof read>[]> {
  const seen: ReturnType<typeof read>[] = [];
  const test = tests++;
  for (let round = 0; round < ROUNDS; round++) {
    const tag = (who: string) => `${who}${test}r${round}`;
    hostile.set(tag('alice'), answer);
    const alice = await RawConnection.open(bed);
    alice.send(request(`alice${test}`, tag('alice')));
    await waitFor(() => alice.closed || isWhole(alice), 'the end of the answer', 8_000);
    const bob = await RawConnection.open(bed);
    const tags = Array.from({ length: 5 }, (_, i) => tag(`bob${i}`));
    bob.send(tags.map((each) => request(`bob${test}`, each)).join(''));
    await waitFor(() => bob.closed || bob.statuses.length >= tags.length, 'the answers to bob', 8_000);
    await delay(40); // a second answer that is late
    bob.send(request(`bob${test}`, tag('last')));
    await waitFor(() => bob.closed || bob.received.includes(tag('last')), 'the last answer to bob', 8_000);
    const answers = [...bob.received.matchAll(/"answer":"(\w*)"/g)].map(([, answered]) => answered);
    assert.deepEqual(answers, [...tags, tag('last')], 'bob gets his own answers');
    assert.deepEqual(new Set(bob.statuses), new Set([200]));
    seen.push(read(alice));
    alice.destroy();
    bob.destroy();
  }
  return seen;
}

function isWhole(connection: RawConnection): boolean {
  try {
    return typeof read(connection) === 'object';
  } catch {
    return true; // checked once more, where it counts
  }
}

/** 502, and nothing of what the server sent. */
async function isBadGateway(answer: Answer): Promise<void> {
  for (const seen of await provoke(answer)) {
    assert.ok(typeof seen === 'object', JSON.stringify(seen));
    assert.equal(seen.status, 502);
    assert.ok(!seen.body.includes('evil') && !seen.fields.includes('evil'));
  }
}

async function isAnswer(answer: Answer, status: number, body: string): Promise<void> {
  for (const seen of await provoke(answer)) {
    assert.ok(typeof seen === 'object', JSON.stringify(seen));
    assert.deepEqual([seen.status, seen.body], [status, body]);
    assert.ok(!seen.fields.includes('evil'));
  }
}

/** Breaks off, if it began at all: never a clean end. */
async function isCut(answer: Answer): Promise<void> {
  for (const seen of await provoke(answer))
    assert.ok(seen === 'cut' || seen === 'none', JSON.stringify(seen));
}

const length = (value: string | number) => `Content-Length: ${value}\r\n`;

const refused: Readonly<Record<string, Answer>> = {
  'a length and a coding': `${OK}${length(4)}${CHUNKED}\r\n0\r\n\r\n${SECOND}`,
  'a coding and a length': `${OK}${CHUNKED}${length(0)}\r\n2\r\n{}\r\n0\r\n\r\n`,
  'two lengths': `${OK}${length(2)}${length(2 + SECOND.length)}\r\n{}${SECOND}`,
  'two lengths, the longer first': `${OK}${length(2 + SECOND.length)}${length(2)}\r\n{}${SECOND}`,
  'a list of lengths': `${OK}Content-Length: 2, 2\r\n\r\n{}`,
  'a length with a plus': `${OK}${length('+2')}\r\n{}`,
  'a length with 0x': `${OK}${length('0x2')}\r\n{}`,
  'a negative length': `${OK}${length(-2)}\r\n{}`,
  'a length with \\xa0 around it': `${OK}${length('\xa02\xa0')}\r\n{}`,
  'a length with an underscore': `${OK}${length('0_2')}\r\n{}`,
  'an empty length': `${OK}${length('')}\r\n{}`,
  'a length beyond 2^64': `${OK}${length('18446744073709551618')}\r\n{}`,
  'a length before a blank and a colon': `${OK}Content-Length : 2\r\n\r\n{}`,
  'a coding that is not chunked': `${OK}Transfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
  'chunked, identity': `${OK}Transfer-Encoding: chunked, identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
  'gzip, chunked': `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  ',chunked': `${OK}Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n`,
  'chunked with \\xa0 around it': `${OK}Transfer-Encoding: \xa0chunked\xa0\r\n\r\n0\r\n\r\n`,
  'chunked in two fields': `${OK}${CHUNKED}${CHUNKED}\r\n0\r\n\r\n`,
  'a folded field': `${OK}X-A: b\r\n evil\r\n${length(2)}\r\n{}`,
  'a folded coding': `${OK}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n`,
  'a bare LF between fields': `${OK}X-A: b\nX-Evil: c\r\n${length(2)}\r\n{}`,
  'bare LFs everywhere': andClose(`${OK}${length(2)}\r\n{}`.replaceAll('\r\n', '\n')),
  'a bare CR in a value': `${OK}X-A: b\rX-Evil: c\r\n${length(2)}\r\n{}`,
  'NUL in a value': `${OK}X-A: b\0evil\r\n${length(2)}\r\n{}`,
  'NUL in the reason': `HTTP/1.1 200 O\0K\r\n${length(2)}\r\n\r\n{}`,
  'DEL in a value': `${OK}X-A: b\x7fevil\r\n${length(2)}\r\n{}`,
  'ESC in a value': `${OK}X-A: \x1b[2Jevil\r\n${length(2)}\r\n{}`,
  'a blank in a name': `${OK}X Evil: b\r\n${length(2)}\r\n{}`,
  'a byte beyond ASCII in a name': `${OK}X-\xe9vil: b\r\n${length(2)}\r\n{}`,
  'brackets in a name': `${OK}X[evil]: b\r\n${length(2)}\r\n{}`,
  'no name': `${OK}: evil\r\n${length(2)}\r\n{}`,
  'no colon': `${OK}evil\r\n${length(2)}\r\n{}`,
  'a blank before the first field': `HTTP/1.1 200 OK\r\n X-Evil: b\r\n${length(2)}\r\n{}`,
  'HTTP/2': `HTTP/2 200\r\n${length(2)}\r\n{}`,
  'HTTP/1.2': `HTTP/1.2 200 OK\r\n${length(2)}\r\n{}`,
  'a blank before the status line': ` HTTP/1.1 200 OK\r\n${length(2)}\r\n{}`,
  'an empty line before the status line': `\r\nHTTP/1.1 200 OK\r\n${length(2)}\r\n{}`,
  'a status of four digits': `HTTP/1.1 2000 OK\r\n${length(2)}\r\n{}`,
  'a status with a sign': `HTTP/1.1 +20 OK\r\n${length(2)}\r\n{}`,
  'a tab after the version': `HTTP/1.1\t200 OK\r\n${length(2)}\r\n{}`,
  'HTTP/0.9': andClose('evil'),
  'an answer of another protocol': andClose('SSH-2.0-evil\r\n\r\n'),
  'a request for an answer': `POST /mcp HTTP/1.1\r\n${length(2)}\r\n{}`,
  'nothing at all': andClose(''),
  'half a head': andClose(`${OK}X-Evil: `),
  'a reset': (socket) => void socket.resetAndDestroy(),
  'a head of 100 KB': `${OK}X-Evil: ${'a'.repeat(100_000)}\r\n\r\n`,
  'a switch of protocols': `HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: evil\r\n\r\n${SECOND}`,
  '10,000 interim answers in front': 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(10_000) + SECOND,
  'fewer bytes than it announces': andClose(`${OK}${length(100)}\r\n${EVIL}`),
  'an interim answer with a body': `HTTP/1.1 100 Continue\r\n${length(4)}\r\nevil${SECOND}`,
  'an interim answer that is malformed': `HTTP/1.1 103 Early Hints\r\nX Evil: a\r\n\r\n${SECOND}`,
};

const answered: Readonly<Record<string, readonly [answer: Answer, status: number, body: string]>> = {
  'a second answer behind the first, in one write': [`${OK}${length(2)}\r\n{}${SECOND}`, 200, '{}'],
  'the beginning of a second answer': [`${OK}${length(2)}\r\n{}HTTP/1.1 200 OK\r\nContent-Le`, 200, '{}'],
  'a line end behind the answer': [`${OK}${length(2)}\r\n{}\r\n`, 200, '{}'],
  'a second answer behind the last chunk': [`${OK}${CHUNKED}\r\n2\r\n{}\r\n0\r\n\r\n${SECOND}`, 200, '{}'],
  '204 with a length and a body': [`HTTP/1.1 204 No Content\r\n${length(EVIL.length)}\r\n${EVIL}`, 204, ''],
  '204 with a coding and a body': [
    `HTTP/1.1 204 No Content\r\n${CHUNKED}\r\n4\r\nevil\r\n0\r\n\r\n`,
    204,
    '',
  ],
  '204 and a second answer': [`HTTP/1.1 204 No Content\r\n\r\n${SECOND}`, 204, ''],
  '304 with a length and a body': [`HTTP/1.1 304 Not Modified\r\n${length(EVIL.length)}\r\n${EVIL}`, 304, ''],
  'equal lengths': [`${OK}${length(2)}${length(2)}\r\n{}`, 200, '{}'],
  'a length with leading zeros': [`${OK}${length('002')}\r\n{}`, 200, '{}'],
  'a few interim answers in front': [
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <evil>\r\n\r\n${OK}${length(2)}\r\n{}`,
    200,
    '{}',
  ],
  'interim answers, one by one': [
    inPieces(
      [...Array.from({ length: 10 }, () => 'HTTP/1.1 102 Processing\r\n\r\n'), `${OK}${length(2)}\r\n{}`],
      2,
    ),
    200,
    '{}',
  ],
  'an answer byte by byte': [inPieces([...`${OK}${length(2)}\r\n{}`], 0), 200, '{}'],
  trailers: [`${OK}${CHUNKED}Trailer: X-Evil\r\n\r\n2\r\n{}\r\n0\r\nX-Evil: 1\r\n\r\n`, 200, '{}'],
  'chunk extensions': [`${OK}${CHUNKED}\r\n2;evil="a\x01"\r\n{}\r\n0;evil\r\n\r\n`, 200, '{}'],
  'a length in HTTP/1.0, and more': [`HTTP/1.0 200 OK\r\n${length(2)}\r\n{}${SECOND}`, 200, '{}'],
  'a length with Connection: close, and more': [
    `${OK}Connection: close\r\n${length(2)}\r\n{}${SECOND}`,
    200,
    '{}',
  ],
  'an error that says close, kept open': [
    `HTTP/1.1 500 No\r\nConnection: close\r\n${length(2)}\r\n{}`,
    500,
    '{}',
  ],
  'no length, up to the close': [andClose(`${OK}\r\n{"a":1}`), 200, '{"a":1}'],
  'a field that says where the client is': [
    `${OK}Connection: X-Evil\r\nX-Evil: 1\r\n${length(2)}\r\n{}`,
    200,
    '{}',
  ],
};

const chunks = (bytes: string) => `${OK}${CHUNKED}\r\n2\r\n{}\r\n${bytes}`;
const cut: Readonly<Record<string, Answer>> = {
  'a chunk size of letters': chunks('zz\r\nevil\r\n0\r\n\r\n'),
  'a chunk size with 0x': chunks('0x4\r\nevil\r\n0\r\n\r\n'),
  'an empty chunk size': chunks('\r\nevil\r\n0\r\n\r\n'),
  'a negative chunk size': chunks('-4\r\nevil\r\n0\r\n\r\n'),
  'a chunk size beyond 2^64': chunks('10000000000000004\r\nevil\r\n0\r\n\r\n'),
  'a chunk size that ends with LF': chunks('4\nevil\r\n0\r\n\r\n'),
  'a chunk size that ends with CR': chunks('4\revil\r\n0\r\n\r\n'),
  'a chunk that is longer than its size': chunks('3\r\nevil\r\n0\r\n\r\n'),
  'a chunk that ends with LF': chunks('4\r\nevil\n0\r\n\r\n'),
  'a chunk line without end': chunks(`4;${'x'.repeat(10_000)}`),
  'trailers without end': chunks(`0\r\n${'X-Evil: 1\r\n'.repeat(2_000)}`),
  'no last chunk': andClose(chunks('')),
  'half a chunk': andClose(chunks('100\r\nevil')),
  'a length in place of the last chunk': chunks(SECOND),
};

describe('a server that answers with', { concurrency: 6 }, () => {
  for (const [name, answer] of Object.entries(refused)) it(`${name}: 502`, () => isBadGateway(answer));
  for (const [name, [answer, status, body]] of Object.entries(answered))
    it(`${name}: ${status} and no more`, () => isAnswer(answer, status, body));
  for (const [name, answer] of Object.entries(cut)) it(`${name}: the answer breaks off`, () => isCut(answer));

  it('interim answers and never another: 502, before long', async () => {
    await isBadGateway(async (socket) => {
      for (let i = 0; i < 5_000 && !socket.destroyed; i++) {
        if (!socket.write('HTTP/1.1 102 Processing\r\n\r\n'))
          await once(socket, 'drain').catch(() => undefined);
        if (i % 50 === 0) await delay(1);
      }
    });
  });
});

describe('HEAD', () => {
  it('does not go to the server at all: a body that it answers with could be the next answer', async () => {
    const { length: before } = server.messages;
    const head = await RawConnection.open(bed);
    const token = bed.issuer.token();
    head.send(`HEAD /mcp HTTP/1.1\r\n${HOST}\r\nAuthorization: Bearer ${token}\r\n\r\n`);
    await head.waitForStatuses(1);
    assert.match(head.received, /^HTTP\/1\.1 405 [^]*\r\n\r\n$/);
    head.destroy();
    assert.equal(server.messages.length, before);
  });
});
