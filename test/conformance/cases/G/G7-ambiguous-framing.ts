// G7: where two parties differ on where a message ends, one of them reads a request that was never authorized.
import assert from 'node:assert/strict';
import type { Case } from '../../case.ts';
import type { Bench } from '../../bench/bench.ts';
import { each } from '../../bench/each.ts';
import { BODY, chunked, exchange, settles, wire, type Wire } from '../../bench/wire.ts';

const LENGTH = BODY.length;
const CHUNKED = 'Transfer-Encoding: chunked';
/** What follows the message, and would be a request of its own to whom it ends early. */
const SMUGGLED = '?smuggled=1';
/** What the server of a slow call takes: by then whatever follows has been read (milliseconds). */
const SLOW_MS = 200;

const lengths = (...values: string[]): Wire => ({
  framing: values.map((value) => `Content-Length: ${value}`),
});
const codings = (...values: string[]): Wire => ({
  framing: values.map((value) => `Transfer-Encoding: ${value}`),
  body: chunked(),
});
const chunk = (parts: Parameters<typeof chunked>[0]): Wire => ({ framing: [CHUNKED], body: chunked(parts) });
const extra = (...lines: string[]): Wire => ({ lines });

const SHAPES: Readonly<Record<string, Wire>> = {
  'length and coding': { framing: [`Content-Length: ${LENGTH}`, CHUNKED], body: chunked() },
  'coding and length': { framing: [CHUNKED, 'Content-Length: 4'], body: chunked() },
  'two lengths, equal': lengths(String(LENGTH), String(LENGTH)),
  'two lengths, different': lengths(String(LENGTH), '0'),
  'two lengths, the other way': lengths('0', String(LENGTH)),
  'length +n': lengths(`+${LENGTH}`),
  'length in hexadecimal': lengths(`0x${LENGTH.toString(16)}`),
  'length n,n': lengths(`${LENGTH},${LENGTH}`),
  'length n, m': lengths(`${LENGTH}, 0`),
  'length -n': lengths(`-${LENGTH}`),
  'length n n': lengths(`${LENGTH} 0`),
  'length n.0': lengths(`${LENGTH}.0`),
  'length ne0': lengths(`${LENGTH}e0`),
  'length empty': lengths(''),
  'length of letters': lengths('abc'),
  'length beyond 64 bits': lengths('18446744073709551616'),
  'length beyond 2^64 by n': lengths(String(2n ** 64n + BigInt(LENGTH))),
  'length beyond 53 bits': lengths('9007199254740993'),
  'coding xchunked': codings('xchunked'),
  'coding chunked, identity': codings('chunked, identity'),
  'coding identity': codings('identity'),
  'coding identity, chunked': codings('identity, chunked'),
  'coding gzip, chunked': codings('gzip, chunked'),
  'coding chunked, chunked': codings('chunked, chunked'),
  'coding chunked, then identity': codings('chunked', 'identity'),
  'coding identity, then chunked': codings('identity', 'chunked'),
  'coding with a vertical tab': codings('\u000bchunked'),
  'coding in quotes': codings('"chunked"'),
  'coding with a parameter': codings('chunked;q=1'),
  'coding empty': codings(''),
  'blank before the colon of the length': { framing: [`Content-Length : ${LENGTH}`] },
  'blank before the colon of the coding': { framing: ['Transfer-Encoding : chunked'], body: chunked() },
  'tab before the colon of the coding': { framing: ['Transfer-Encoding\t: chunked'], body: chunked() },
  'folded line': extra('X-A: b', ' c: d'),
  'folded coding': { framing: ['Transfer-Encoding:', ' chunked'], body: chunked() },
  'blank before the first field': { host: [' X-A: b'], lines: [] },
  'bare CR in a value': extra('X-A: b\rX-B: c'),
  'bare CR before a coding': { framing: [`X-A: b\rTransfer-Encoding: chunked`, `Content-Length: ${LENGTH}`] },
  'bare LF between fields': { framing: [`X-A: b\n${CHUNKED}`], body: chunked() },
  'NUL in a value': extra('X-A: b\u0000c'),
  'NUL in a name': extra('X-\u0000A: b'),
  'blank in a name': extra('X A: b'),
  'no colon': extra('X-A'),
  'no name': extra(': b'),
  'control in a name': extra('X\u007fA: b'),
  'chunk size of letters': chunk({ size: 'xyz' }),
  'chunk size empty': chunk({ size: '' }),
  'chunk size negative': chunk({ size: '-1' }),
  'chunk size +n': chunk({ size: `+${LENGTH.toString(16)}` }),
  'chunk size 0xn': chunk({ size: `0x${LENGTH.toString(16)}` }),
  'chunk size after a blank': chunk({ size: ` ${LENGTH.toString(16)}` }),
  'chunk size with an underscore': chunk({ size: `${LENGTH.toString(16)}_0` }),
  'chunk size beyond 64 bits': chunk({ size: `1${LENGTH.toString(16).padStart(16, '0')}` }),
  'chunk size and bare CR': chunk({ size: `${LENGTH.toString(16)}\rX` }),
  'chunk extension with bare LF': chunk({ size: `${LENGTH.toString(16)};a\nb` }),
  'chunk extension with NUL': chunk({ size: `${LENGTH.toString(16)};a\u0000` }),
  'chunk longer than its size': chunk({ size: (LENGTH - 1).toString(16) }),
  'chunk without an end': chunk({ end: '' }),
  'chunk that ends otherwise': chunk({ end: 'XX' }),
  'chunk that ends with bare LF': chunk({ end: '\n' }),
  'last chunk 0x0': chunk({ last: '0x0\r\n\r\n' }),
  'trailer without a colon': chunk({ last: '0\r\nX-A\r\n\r\n' }),
  'something after the version': { requestLine: 'POST PATH HTTP/1.1 x' },
  'another version': { requestLine: 'POST PATH HTTP/9.9' },
  'no version': { requestLine: 'POST PATH' },
  'version in small letters': { requestLine: 'POST PATH http/1.1' },
  'NUL in the target': { requestLine: 'POST PATH\u0000 HTTP/1.1' },
  'blank in the target': { requestLine: 'POST PATH x HTTP/1.1' },
  'coding in HTTP/1.0': { requestLine: 'POST PATH HTTP/1.0', framing: [CHUNKED], body: chunked() },
};

export const G7: Case = {
  id: 'G7',
  level: 'MUST°',
  rule: 'A message that could end in two places is refused, once those before it have their answers; nothing of it goes on',
  source: 'RFC 9112 sections 2.2, 5.1, 5.2, 6.1, 6.3, 7.1 and 9.3.2',
  own: true,
  timeoutMs: 300_000,
  async run(bench) {
    const token = bench.token();
    for (const good of [
      wire(bench, { token }),
      wire(bench, { token, framing: [CHUNKED], body: chunked() }),
    ]) {
      const connection = await exchange(bench, good);
      assert.deepEqual(connection.statuses, [200], 'a plain message');
      connection.destroy();
    }
    await each(SHAPES, async (shape) => {
      const before = bench.forwarded.length;
      const requestLine = shape.requestLine?.replace('PATH', bench.path);
      const first = wire(bench, { token, ...shape, ...(requestLine === undefined ? {} : { requestLine }) });
      const connection = await exchange(bench, first + smuggled(bench, token));
      const [status] = connection.statuses;
      const closed = await settles(() => connection.closed, 3_000);
      connection.destroy();
      assert.ok((status ?? 0) >= 400, `status ${status ?? 'none'}`);
      assert.equal(
        connection.statuses.length,
        1,
        `${connection.statuses.join(', ')}: what followed was answered`,
      );
      assert.ok(closed, 'the connection stays open');
      await settles(() => bench.forwarded.length > before, 100);
      const seen = bench.forwarded.slice(before).map(({ method, url }) => `${method} ${url}`);
      assert.deepEqual(seen, [], 'the MCP server saw something');
    });
    await answersFirst(bench, token);
  },
};

function smuggled(bench: Bench, token: string): string {
  return wire(bench, { token, requestLine: `POST ${bench.path}${SMUGGLED} HTTP/1.1` });
}

/** A call that has run gets its own answer, not the refusal of what was behind it, which is no request. */
async function answersFirst(bench: Bench, token: string): Promise<void> {
  bench.upstream.script = (req, res) => {
    req.resume();
    setTimeout(() => res.end('{"answer":"slow"}'), SLOW_MS);
  };
  const call = wire(bench, { token });
  const behind = {
    garbage: 'garbage\r\n\r\n',
    'a request of another version': 'GET / HTTP/9.9\r\n\r\n',
    'a request of two lengths': wire(bench, { token, framing: ['Content-Length: 1', 'Content-Length: 2'] }),
  };
  await each(behind, async (bytes) => {
    const before = bench.forwarded.length;
    const connection = await bench.raw();
    connection.send(call + bytes);
    await settles(() => connection.closed, 5_000);
    connection.destroy();
    const [first, ...rest] = connection.statuses;
    assert.equal(first, 200, 'the status that the call gets');
    assert.match(connection.received, /"answer":"slow"/);
    assert.ok(
      rest.every((status) => status >= 400 && status < 500),
      `then ${rest.join(', ')}`,
    );
    assert.equal(bench.forwarded.length - before, 1, 'requests at the MCP server');
  });
}
