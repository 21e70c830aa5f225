// How many requests may be under way: of one connection, of one principal, and of all together.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Share } from '../../../../src/sidecar/limits/fair-shares.ts';
import { InFlightLimit } from '../../../../src/sidecar/limits/in-flight-limit.ts';

/** Requests of one connection, all at once. @returns what `enter` said, without the shares */
function pipeline(limit: InFlightLimit, count: number, owner = 'alice', connection = {}) {
  return Array.from({ length: count }, (_, index) => reasonOf(limit.enter(connection, owner, index > 0)));
}

function reasonOf(said: string | Share): string | undefined {
  return typeof said === 'string' ? said : undefined;
}

describe('the limit of requests under way', () => {
  it('of one connection leaves others alone', () => {
    const limit = new InFlightLimit({ perConnection: 2 });
    const refused = 'requests_of_connection';
    assert.deepEqual(pipeline(limit, 4), [undefined, undefined, refused, refused]);
    assert.deepEqual(pipeline(limit, 2), [undefined, undefined]);
  });

  it('of one principal is half of all, on however many connections, and leaves others alone', () => {
    const limit = new InFlightLimit({ total: 8 });
    const said = Array.from({ length: 6 }, () => reasonOf(limit.enter({}, 'mallory', false)));
    const refused = 'requests_of_principal';
    assert.deepEqual(said, [...Array<undefined>(4).fill(undefined), refused, refused]);
    assert.deepEqual(pipeline(limit, 2, 'alice'), [undefined, undefined]);
    assert.deepEqual(pipeline(limit, 1, 'bob'), [undefined]);
    assert.equal(limit.total, 7);
  });

  it('of all together holds when each has one', () => {
    const limit = new InFlightLimit({ total: 3 });
    const said = ['a', 'b', 'c', 'd'].map((owner) => reasonOf(limit.enter({}, owner, false)));
    assert.deepEqual(said, [undefined, undefined, undefined, 'requests']);
  });

  it('gives room again when a request is over, once', () => {
    const limit = new InFlightLimit({ total: 8, perConnection: 2 });
    const connection = {};
    assert.equal(typeof limit.enter(connection, 'alice', false), 'object');
    for (let i = 0; i < 10; i++) {
      const share = limit.enter(connection, 'alice', true);
      assert.ok(typeof share === 'object');
      assert.equal(limit.enter(connection, 'alice', true), 'requests_of_connection', 'it takes no room');
      limit.leave(connection, share, true);
    }
    assert.equal(limit.total, 1);
  });

  it('is 128 of a connection, and 640 of all, unless said otherwise', () => {
    const limit = new InFlightLimit();
    assert.deepEqual(pipeline(limit, 130).slice(127), [
      undefined,
      'requests_of_connection',
      'requests_of_connection',
    ]);
    for (let i = 0; i < 320 - 128; i++) assert.equal(reasonOf(limit.enter({}, 'alice', false)), undefined);
    assert.equal(limit.enter({}, 'alice', false), 'requests_of_principal');
    for (let i = 0; i < 320; i++) assert.equal(reasonOf(limit.enter({}, `user ${i}`, false)), undefined);
    assert.equal(limit.enter({}, 'one more', false), 'requests');
  });

  it('is busy from a quarter on', () => {
    const limit = new InFlightLimit({ total: 8 });
    limit.enter({}, 'alice', false);
    assert.equal(limit.isBusy, false);
    limit.enter({}, 'bob', false);
    assert.equal(limit.isBusy, true);
  });

  it('may change: those under way stay, and the next is measured by the new one', () => {
    const limit = new InFlightLimit({ total: 8 });
    for (let i = 0; i < 4; i++) limit.enter({}, 'alice', false);
    limit.resize(4);
    assert.equal(limit.enter({}, 'bob', false), 'requests');
    limit.resize(12);
    assert.equal(reasonOf(limit.enter({}, 'alice', false)), undefined);
    limit.resize(undefined);
    assert.equal(pipeline(limit, 100, 'bob').filter((reason) => reason !== undefined).length, 0);
  });
});
