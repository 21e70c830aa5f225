// One client with a good token takes all that it can get: others have their share of everything that is scarce.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { after, before, beforeEach, describe, it } from 'node:test';
import { readAll } from '../kit/http.ts';
import { RawConnection } from '../kit/raw.ts';
import { selected } from '../kit/selection.ts';
import { answerJson, openEventStream } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';
import { PING, TestBed } from '../support/sidecar.ts';

const MIB = 1024 * 1024;

let bed: TestBed;
/** Of two principals: one takes what it can, the other is a good client. */
let mallory: string;
let alice: string;
before(async () => {
  bed = await TestBed.start({ config: () => ({ logLevel: 'info' }) });
  mallory = bed.issuer.token({ claims: { sub: 'mallory' } });
  alice = bed.issuer.token({ claims: { sub: 'alice' } });
});
after(() => bed.stop());
beforeEach(() => {
  bed.upstream.requests.length = 0;
  bed.upstream.script = answerJson;
});

const call = (padding: string) =>
  `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":{${padding}}}}`;

const head = (token: string, ...lines: string[]) =>
  [
    'POST /mcp HTTP/1.1',
    'Host: localhost:8001',
    `Authorization: Bearer ${token}`,
    'Content-Type: application/json',
    ...lines,
    '',
    '',
  ].join('\r\n');

const denied = (reason: string) =>
  bed.log.split('\n').filter((line) => line.includes(`"reason":"${reason}"`)).length;

/** A body that comes in two pieces: it is held until the second is there. */
async function callInPieces(token: string, body = PING): Promise<number | undefined> {
  const req = bed.request({ headers: { Authorization: `Bearer ${token}`, 'Transfer-Encoding': 'chunked' } });
  req.write(body.slice(0, 10));
  const answered = once(req, 'response') as Promise<[IncomingMessage]>;
  setImmediate(() => req.end(body.slice(10)));
  const [res] = await answered;
  await readAll(res);
  return res.statusCode;
}

describe('unfinished bodies', () => {
  const held: RawConnection[] = [];
  after(() => held.forEach((connection) => connection.destroy()));

  /** Begins bodies of mallory's until one of them is given up. */
  async function fill(framing: string, piece: string): Promise<void> {
    const before = denied('bodies');
    for (let i = 0; i < 40 && denied('bodies') === before; i++) {
      const connection = await RawConnection.open(bed);
      held.push(connection);
      connection.send(head(mallory, framing));
      await new Promise((resolve) => connection.socket.write(piece, 'latin1', resolve));
    }
    await waitFor(() => denied('bodies') > before, 'the bodies to fill their budget');
  }

  const fillings: Readonly<Record<string, [framing: string, piece: () => string]>> = {
    'of known length': [`Content-Length: ${4 * MIB}`, () => ' '.repeat(4 * MIB - 4_096)],
    'in large chunks': [
      'Transfer-Encoding: chunked',
      () => `${(3 * MIB).toString(16)}\r\n${' '.repeat(3 * MIB)}\r\n`,
    ],
    'in chunks of one byte, which take more memory than they have bytes': [
      'Transfer-Encoding: chunked',
      () => '1\r\n \r\n'.repeat(100_000),
    ],
  };
  for (const [name, [framing, piece]] of Object.entries(fillings)) {
    it(`${name} fill the budget: who has most gives up, others go on`, { timeout: 60_000 }, async () => {
      await fill(framing, piece());
      assert.equal(await callInPieces(alice), 200);
      assert.equal((await bed.callWith(alice, { body: call(`"a":"${'x'.repeat(60_000)}"`) })).status, 200);
      assert.equal(await callInPieces(alice, call(`"a":"${'x'.repeat(3 * MIB)}"`)), 200, 'a long one, too');
      assert.equal((await bed.callWith(alice)).status, 200);
      await waitFor(() => held.some(({ statuses }) => statuses.length > 0), 'the refusal');
      const refused = held.filter(({ statuses }) => statuses.length > 0);
      for (const { statuses } of refused) assert.deepEqual(statuses, [503]);
      for (const connection of held.splice(0)) connection.destroy();
    });
  }
});

describe('requests with the server', () => {
  const open: RawConnection[] = [];
  const inFlight = () => bed.metric('mcp_sidecar_requests_in_flight');
  const get = (token: string) =>
    `GET /mcp HTTP/1.1\r\nHost: localhost:8001\r\nAuthorization: Bearer ${token}\r\nAccept: text/event-stream\r\n\r\n`;
  const post = (token: string) => `${head(token, `Content-Length: ${PING.length}`)}${PING}`;

  /** What one principal sends to have as many as it can: on so many connections. */
  const takings: Readonly<Record<string, [connections: number, bytes: () => string]>> = {
    'listening streams, pipelined': [9, () => get(mallory).repeat(128)],
    'calls, pipelined': [9, () => post(mallory).repeat(128)],
    'listening streams, one on each connection': [400, () => get(mallory)],
    'streams with tokens of several clients of one principal, of one issue each': [
      9,
      () =>
        Array.from({ length: 40 }, (_, i) =>
          get(bed.issuer.token({ claims: { sub: 'mallory', jti: `${i}` } })),
        ).join(''),
    ],
  };
  /** Pipelined, and not. */
  const SOME = ['listening streams, pipelined', 'listening streams, one on each connection'];
  for (const [name, [connections, bytes]] of selected(takings, SOME)) {
    it(`${name}: half of all at the most, and others go on`, { timeout: 60_000 }, async () => {
      const answers: ServerResponse[] = [];
      bed.upstream.script = (req, res) => {
        if (req.headers['x-mcp-subject'] === 'alice') return answerJson(req, res);
        answers.push(res);
        openEventStream(req, res);
      };
      const refusals = denied('requests_of_principal');
      for (let i = 0; i < connections; i++) open.push(await RawConnection.open(bed));
      for (const connection of open) connection.send(bytes());
      // Pipelined ones wait for their turn from a quarter of all places on; the others are refused from half of them on.
      await waitFor(async () => (await inFlight()) >= 160, 'the requests to arrive', 30_000);
      if (connections > 320)
        await waitFor(() => denied('requests_of_principal') > refusals, 'a refusal', 30_000);
      assert.ok((await inFlight()) <= 320);
      assert.ok((await bed.metric('mcp_sidecar_upstream_connections')) < 340);
      for (let i = 0; i < 20; i++) assert.equal((await bed.callWith(alice)).status, 200);
      const stream = await bed.open({ method: 'GET', headers: { Authorization: `Bearer ${alice}` } });
      assert.equal(stream.statusCode, 200);
      stream.destroy();
      for (const connection of open.splice(0)) connection.destroy();
      await waitFor(async () => (await inFlight()) === 0, 'no request to be under way');
      bed.upstream.script = answerJson;
      assert.equal((await bed.callWith(mallory)).status, 200, 'and there is room again');
    });
  }

  it('as many as are configured, from the next request on', async () => {
    const { config } = bed;
    await bed.writeConfig({ ...config, upstream: { ...config.upstream, maxRequests: 4 } });
    await waitFor(() => bed.log.includes('configuration reloaded'), 'the configuration to be taken over');
    bed.upstream.script = openEventStream;
    const streams = await Promise.all(
      Array.from({ length: 4 }, () =>
        bed.open({ method: 'GET', headers: { Authorization: `Bearer ${mallory}` } }),
      ),
    );
    assert.deepEqual(streams.map(({ statusCode }) => statusCode).sort(), [200, 200, 503, 503]);
    bed.upstream.script = answerJson;
    assert.equal((await bed.callWith(alice)).status, 200);
    for (const stream of streams) stream.destroy();
    await bed.writeConfig(config);
    await waitFor(
      () => bed.log.split('configuration reloaded').length > 2,
      'the configuration to be taken over',
    );
  });
});

describe('the event loop', () => {
  const names = (size: number) => {
    const parts: string[] = [];
    for (let i = 0, length = 0; length < size; i++) length += parts.push(`"${i.toString(36)}":1`) && 10;
    return parts.join(',');
  };

  /** Messages of 4 MiB or less that cost most to read, and how they are answered. */
  const shapes: Readonly<Record<string, [body: () => string, status: number]>> = {
    'many short names': [() => call(names(3 * MIB)), 200],
    'many numbers': [() => call(`"a":[${'1,'.repeat(1.5 * MIB)}1]`), 200],
    'many empty objects': [() => call(`"a":[${'{},'.repeat(MIB)}1]`), 200],
    'deep nesting': [() => call(`"a":[${`${'['.repeat(58)}${']'.repeat(58)},`.repeat(30_000)}1]`), 200],
    'one string of escapes': [() => call(`"a":"${'\\u0041'.repeat(500_000)}"`), 200],
    'short names where they decide': [
      () => call('').replace('"arguments"', `${names(3 * MIB)},"arguments"`),
      400,
    ],
    'a batch of many': [() => `[${'{},'.repeat(MIB)}{}]`, 400],
    'no JSON at the very end': [() => `${call(names(3 * MIB))}}`, 400],
  };
  /** Wide, deep, and refused. */
  const SOME = ['many short names', 'deep nesting', 'a batch of many'];
  for (const [name, [make, status]] of selected(shapes, SOME)) {
    it(
      `${name}: a client beside twelve of them has its turn before they are done`,
      { timeout: 60_000 },
      async () => {
        const body = make();
        const order: string[] = [];
        const long = Promise.all(
          Array.from({ length: 12 }, async () => {
            const answer = await bed.callWith(mallory, { body });
            order.push('mallory');
            assert.equal(answer.status, status, answer.body);
          }),
        );
        const goods = (async () => {
          for (let i = 0; i < 3; i++) {
            assert.equal((await bed.callWith(alice)).status, 200);
            assert.equal(
              (await bed.callWith(alice, { body: call(`"a":"${'x'.repeat(100_000)}"`) })).status,
              200,
            );
          }
          order.push('alice');
        })();
        await Promise.all([long, goods]);
        // What is refused at its beginning costs nothing: there is nothing to wait for.
        if (status === 200) assert.notEqual(order.at(-1), 'alice', order.join(' '));
      },
    );
  }

  it('a long body goes to the server byte for byte', async () => {
    const body = call(`"ä":"${'😀'.repeat(400_000)}"`);
    const received: Buffer[] = [];
    bed.upstream.script = (req, res) => {
      req.on('data', (chunk: Buffer) => received.push(chunk));
      answerJson(req, res);
    };
    assert.equal((await bed.callWith(alice, { body })).status, 200);
    assert.ok(Buffer.concat(received).equals(Buffer.from(body)));
  });
});
