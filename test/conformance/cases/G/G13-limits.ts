// G13: what a stranger can send without a token is bounded: fields, time, connections.
import assert from 'node:assert/strict';
import type { RawConnection } from '../../../support/raw.ts';
import type { Case } from '../../case.ts';
import { each } from '../../bench/each.ts';
import { exchange, settles, wire } from '../../bench/wire.ts';

const SOCKETS = 1_000;
const AT_ONCE = 50;
/** Ten seconds for a head, and the looks between. */
const HEAD_SECONDS = 30;

export const G13: Case = {
  id: 'G13',
  level: 'MUST°',
  rule: 'Heads are bounded in bytes, fields and time, and a thousand slow clients do not stop the service',
  source: 'RFC 6585 section 5; OWASP ASVS, denial of service',
  own: true,
  async run(bench) {
    const token = bench.token();
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
