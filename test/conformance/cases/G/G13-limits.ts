// G13: what a client can send is bounded: fields, time, connections; and with a token, requests under way and slow bodies.
// How many connections and addresses are remembered is seen by test/unit/sidecar/limits, proofs by
// test/unit/sidecar/authentication/replay-cache.test.ts, sessions by D24, the size of key sets by C28.
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { answerJson } from '../../../kit/upstream.ts';
import type { RawConnection } from '../../../kit/raw.ts';
import type { Case } from '../../case.ts';
import type { Bench } from '../../bench/bench.ts';
import { now } from '../../bench/bench.ts';
import { each } from '../../bench/each.ts';
import { BODY, exchange, settles, wire } from '../../bench/wire.ts';

const SOCKETS = 1_000;
const AT_ONCE = 50;
/** Ten seconds for a head, and the looks between. */
const HEAD_SECONDS = 30;
/** Calls that a client sends on one connection without waiting, and how many of them are too many to be under way. */
const PIPELINED = 1_000;
const TOO_MANY = 500;
/** When no more of them have come for so long, no more will. */
const QUIET_MS = 3_000;
/** A body of which a byte comes now and then is given up by then. */
const BODY_MINUTES = 15;

export const G13: Case = {
  id: 'G13',
  level: 'MUST°',
  rule: 'Heads, slow bodies and requests under way are bounded, and a thousand slow clients do not stop the service',
  source: 'RFC 6585 section 5; OWASP ASVS, denial of service',
  own: true,
  timeoutMs: 240_000,
  async run(bench) {
    const token = lasting(bench);
    await boundsPipelining(bench, token);
    await bench.part(() => endsDrips(bench));
    await bench.beside({ transport: { messageChecks: 'Off' } }, endsDrips);
    bench.upstream.requests.length = 0;
    const many = Array.from({ length: 150 }, (_, index) => `X-${index}: 1`);
    // Of a field that is not forwarded: a refusal is the target's own.
    const heads = {
      'a field of 20 KiB': [`Keep-Alive: ${'a'.repeat(20_480)}`],
      'fields of 20 KiB': Array.from({ length: 20 }, () => `Keep-Alive: ${'a'.repeat(1024)}`),
      '150 fields': many,
    };
    await each(heads, async (lines) => {
      const connection = await exchange(bench, wire(bench, { token, lines }));
      connection.destroy();
      assert.deepEqual(connection.statuses, [431]);
      assert.equal(bench.forwarded.length, 0);
    });

    const slow: RawConnection[] = [];
    while (slow.length < SOCKETS) {
      const opened = await Promise.all(Array.from({ length: AT_ONCE }, () => bench.raw()));
      for (const connection of opened)
        connection.send(`POST ${bench.path} HTTP/1.1\r\nHost: ${bench.host}\r\nX-Slow: `);
      slow.push(...opened);
      await bench.answersWithin(5_000, token);
    }
    const drip = setInterval(() => slow.forEach((connection) => connection.send('a')), 500);
    try {
      assert.equal((await bench.answersWithin(5_000, token)).status, 200);
      const ended = await settles(() => slow.every(({ closed }) => closed), HEAD_SECONDS * 1000);
      assert.ok(ended, `a head may take longer than ${HEAD_SECONDS} s`);
    } finally {
      clearInterval(drip);
      for (const connection of slow) connection.destroy();
    }
    assert.equal((await bench.answersWithin(5_000, token)).status, 200);
  },
};

/** A token that is good although the clock is moved. */
function lasting(bench: Bench): string {
  return bench.claims({ exp: now() + 2 * 3600 });
}

/** One connection must not have any number of requests at the server, nor keep others from it. */
async function boundsPipelining(bench: Bench, token: string): Promise<void> {
  const waiting: ServerResponse[] = [];
  bench.upstream.script = (req, res) => {
    req.resume();
    waiting.push(res);
  };
  const greedy = await bench.raw();
  greedy.send(wire(bench, { token }).repeat(PIPELINED));
  let arrived = 0;
  let arrivedAt = performance.now();
  const isAllOfThem = () => {
    if (waiting.length > arrived) arrivedAt = performance.now();
    arrived = waiting.length;
    return arrived >= TOO_MANY || (arrived > 0 && performance.now() - arrivedAt > QUIET_MS);
  };
  await settles(isAllOfThem, 30_000);
  const { length } = waiting;
  bench.upstream.script = answerJson;
  try {
    assert.ok(length < TOO_MANY, `${length} requests of one connection are under way`);
    assert.equal((await bench.answersWithin(5_000, token)).status, 200, 'another client');
  } finally {
    greedy.destroy();
    for (const res of waiting) res.destroy();
  }
}

/** A body that comes at a good pace is waited for; one that only drips is not, and the MCP server does not wait either. */
async function endsDrips(bench: Bench): Promise<void> {
  const token = lasting(bench);
  const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
  const begin = async () => {
    const connection = await bench.raw();
    const framing = ['Transfer-Encoding: chunked'];
    connection.send(wire(bench, { token, framing, body: chunk(' ') }));
    return connection;
  };
  bench.upstream.script = answerJson;
  const steady = await begin();
  for (let minutes = 0; minutes < 2; minutes++) {
    steady.send(chunk(' '.repeat(120_000)));
    await settles(() => false, 200); // on its way
    await bench.advance(50_000);
  }
  steady.send(`${chunk(BODY)}0\r\n\r\n`);
  await settles(() => steady.closed || steady.statuses.length > 0, 5_000);
  assert.deepEqual(steady.statuses, [200], 'a body of two minutes');
  steady.destroy();

  const before = bench.forwarded.length;
  let isOpenBehind = false;
  bench.upstream.script = (req) => {
    isOpenBehind = true;
    req.resume();
    req.socket.once('close', () => (isOpenBehind = false));
  };
  const dripping = await begin();
  await settles(() => isOpenBehind, 500); // where bodies go by unread: the clock must not move while it connects
  for (let seconds = 0; seconds < BODY_MINUTES * 60 && !dripping.closed; seconds += 50) {
    dripping.send(chunk(' '));
    await bench.advance(50_000);
    await settles(() => dripping.closed, 1_500);
  }
  assert.ok(dripping.closed, `a body of a byte now and then is waited for after ${BODY_MINUTES} minutes`);
  assert.ok([undefined, 408].includes(dripping.statuses[0]), `status ${dripping.statuses[0]}`);
  await settles(() => !isOpenBehind, 2_000);
  assert.ok(!isOpenBehind, 'the MCP server still waits for the rest');
  assert.ok(bench.forwarded.length - before <= 1, 'requests at the MCP server');
  bench.upstream.script = answerJson;
}
