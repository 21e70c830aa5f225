// How many requests may be under way: of one connection, and of all together.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InFlightLimit, type InFlightLimits } from '../../../../src/sidecar/limits/in-flight-limit.ts';

/** The limit with the count of requests under way that the gateway has. */
class Counted {
  readonly #limit: InFlightLimit;
  #underWay = 0;

  constructor(limits?: InFlightLimits) {
    this.#limit = new InFlightLimit(limits);
  }

  enter(connection: object, isPipelined: boolean) {
    const full = this.#limit.enter(connection, this.#underWay, isPipelined);
    if (full === undefined) this.#underWay++;
    return full;
  }

  leave(connection: object, wasPipelined: boolean) {
    this.#limit.leave(connection, wasPipelined);
    this.#underWay--;
  }
}

/** Requests of one connection, all at once. @returns what `enter` said */
function pipeline(limit: Counted, count: number, connection = {}) {
  return Array.from({ length: count }, (_, index) => limit.enter(connection, index > 0));
}

describe('the limit of requests under way', () => {
  it('of one connection leaves others alone', () => {
    const limit = new Counted({ perConnection: 2 });
    assert.deepEqual(pipeline(limit, 4), [
      undefined,
      undefined,
      'requests_of_connection',
      'requests_of_connection',
    ]);
    assert.deepEqual(pipeline(limit, 2), [undefined, undefined]);
  });

  it('of all together holds for every client', () => {
    const limit = new Counted({ total: 2 });
    assert.deepEqual([...pipeline(limit, 1), ...pipeline(limit, 2)], [undefined, undefined, 'requests']);
  });

  it('gives room again when a request is over, once', () => {
    const limit = new Counted({ total: 4, perConnection: 2 });
    const connection = {};
    assert.equal(limit.enter(connection, false), undefined);
    for (let i = 0; i < 10; i++) {
      assert.equal(limit.enter(connection, true), undefined);
      assert.equal(limit.enter(connection, true), 'requests_of_connection', 'a refused one takes no room');
      limit.leave(connection, true);
    }
    limit.leave(connection, false);
    assert.deepEqual(
      [{}, {}, {}, {}, {}].map((other) => limit.enter(other, false)),
      [undefined, undefined, undefined, undefined, 'requests'],
    );
  });

  it('is 128 and 16,384 unless said otherwise', () => {
    const limit = new Counted();
    for (let connection = 0; connection < 16_384 / 128; connection++) {
      const said = pipeline(limit, 130);
      assert.ok(said.slice(0, 128).every((reason) => reason === undefined));
      if (connection < 127) assert.deepEqual(said.slice(128), Array(2).fill('requests_of_connection'));
    }
    assert.equal(limit.enter({}, false), 'requests');
  });
});
