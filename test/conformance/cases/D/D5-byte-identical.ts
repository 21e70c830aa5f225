// D5: what is not changed on purpose is not changed: a number beyond a double, the order of members, a line end.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Bench } from '../../bench/bench.ts';
import { readAll } from '../../../kit/http.ts';
import type { Case } from '../../case.ts';

const LINES = [
  'data: {"n":12345678901234567890,"b":1,"a":2}',
  'data:  two spaces',
  'data',
  'event: message',
  'event:x',
  'id: 7',
  'id',
  'retry: 100',
  ': a comment',
  ':',
  'unknown: field',
  'data: grüße \u{1F600} \u2028',
  '',
  '',
];
const ENDS = ['\n', '\r\n', '\r'];
const BODY =
  '{ "id":12345678901234567890, "method":"tools/call","jsonrpc":"2.0",\r\n"params":{"arguments":{"z":1.0,"a":1e2,"x":"\\u00e9\\/"},"name":"t"}}';

export const D5: Case = {
  id: 'D5',
  level: 'MUST°',
  rule: 'Bodies and streams pass byte for byte in both directions',
  source: 'HTML, server-sent events; RFC 8259 section 6',
  async run(bench) {
    for (let seed = 1; seed <= 20; seed++) await checkStream(bench, seed);
    let sent = '';
    bench.upstream.script = (req, res) => void echo(req, res, (body) => (sent = body.toString()));
    const answer = await bench.callWith(bench.token(), { body: BODY });
    assert.equal(sent, BODY, 'the message on its way up');
    assert.equal(answer.body, BODY, 'the answer');
  },
};

async function checkStream(bench: Bench, seed: number): Promise<void> {
  const random = generator(seed);
  const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T; // the index is within it
  const lines = Array.from({ length: 60 }, () => pick(LINES) + pick(ENDS));
  const bytes = Buffer.from((seed % 2 === 0 ? '\uFEFF' : '') + lines.join(''));
  bench.upstream.script = (req, res) => {
    req.resume();
    res.writeHead(200, { 'Content-Type': 'text/event-stream' });
    for (let at = 0, end: number; at < bytes.length; at = end) {
      end = at + 1 + random(40);
      res.write(bytes.subarray(at, end));
    }
    res.end();
  };
  const res = await bench.open({ headers: { Authorization: `Bearer ${bench.token()}` } });
  assert.equal(digest(await readAll(res)), digest(bytes), `the stream of seed ${seed}`);
}

async function echo(req: IncomingMessage, res: ServerResponse, seen: (body: Buffer) => void): Promise<void> {
  const body = await readAll(req);
  seen(body);
  res.writeHead(200, { 'Content-Type': 'application/json' }).end(body);
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The same numbers in every run (a linear congruence). */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
