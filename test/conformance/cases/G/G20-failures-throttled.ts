// G20: a client that guesses tokens is slowed down, and no other.
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
    const startedAt = performance.now();
    for (let index = 0; index < TRIES; index++) {
      const answer = await bench.callWith(`bad${index}`);
      statuses.push(answer.status);
      if (answer.status === 429) assert.match(answer.headers['retry-after'] ?? '', /^[1-9]\d*$/);
    }
    assert.deepEqual([...new Set(statuses.slice(0, PER_MINUTE - 1))], [401], 'too early');
    const minutes = (performance.now() - startedAt) / 60_000;
    const admitted = statuses.filter((status) => status === 401).length;
    // The allowance of a minute at once, and what comes back of it meanwhile.
    assert.ok(admitted <= PER_MINUTE * (1 + minutes) + 2, `${admitted} of ${TRIES} were admitted`);
    assert.ok(admitted < TRIES, 'none was slowed down');
    const tls: ConnectionOptions & { localAddress: string } = { localAddress: '127.0.0.2' };
    assert.equal((await bench.callWith('bad', { tls })).status, 401, 'another source');
    assert.equal((await bench.callWith(bench.token(), { tls })).status, 200, 'a good token from there');
    assert.equal(bench.forwarded.length, 2);
  },
};
