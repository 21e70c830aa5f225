// G20: whoever guesses tokens is slowed down, and nobody else.
import assert from 'node:assert/strict';
import type { ConnectionOptions } from 'node:tls';
import type { Case } from '../../case.ts';

const PER_MINUTE = 50;
const TRIES = 200;

export const G20: Case = {
  id: 'G20',
  level: 'MAY',
  rule: 'A source of many failed authentications gets 429 with Retry-After; others are not affected',
  source: 'RFC 6585 section 4',
  needs: { failuresPerMinute: PER_MINUTE },
  own: true,
  async run(bench) {
    await bench.accepts(bench.token());
    const statuses: number[] = [];
    for (let index = 0; index < TRIES; index++) {
      const answer = await bench.callWith(`bad${index}`);
      statuses.push(answer.status);
      if (answer.status === 429) assert.match(answer.headers['retry-after'] ?? '', /^[1-9]\d*$/);
    }
    assert.deepEqual([...new Set(statuses.slice(0, PER_MINUTE - 1))], [401], 'too early');
    const limited = statuses.filter((status) => status === 429).length;
    assert.ok(limited >= TRIES - 2 * PER_MINUTE, `${limited} of ${TRIES} were slowed down`);
    const tls: ConnectionOptions & { localAddress: string } = { localAddress: '127.0.0.2' };
    assert.equal((await bench.callWith('bad', { tls })).status, 401, 'another source');
    assert.equal((await bench.callWith(bench.token(), { tls })).status, 200, 'a good token from there');
    assert.equal(bench.forwarded.length, 2);
  },
};
