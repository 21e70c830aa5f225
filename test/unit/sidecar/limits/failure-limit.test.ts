// Failed authentications by address: how many, for how long, and in how much memory.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FailureLimit } from '../../../../src/sidecar/limits/failure-limit.ts';
import { networkOf, type Source } from '../../../../src/sidecar/limits/source.ts';

/** A connection from an address: a new one, unless told otherwise. */
function from(address: string, connection: object = {}): Source {
  return { network: networkOf(address), connection };
}

describe('failures of one address', () => {
  it('pass up to the limit, then wait for their share of a minute', () => {
    let now = 0;
    const limit = new FailureLimit(6, () => now);
    for (let i = 0; i < 6; i++) assert.equal(limit.count(from('192.0.2.1')), undefined);
    assert.equal(limit.count(from('192.0.2.1')), 10);
    now += 4_000;
    assert.equal(limit.count(from('192.0.2.1')), 6);
    now += 6_000;
    assert.equal(limit.count(from('192.0.2.1')), undefined);
    assert.equal(limit.count(from('192.0.2.1')), 10);
  });

  it('are never more than the limit at once, however long it was quiet', () => {
    let now = 0;
    const limit = new FailureLimit(3, () => now);
    limit.count(from('a'));
    now += 86_400_000;
    assert.deepEqual(
      [1, 2, 3, 4].map(() => limit.count(from('a')) === undefined),
      [true, true, true, false],
    );
  });

  it('do not count for another', () => {
    const limit = new FailureLimit(1, () => 0);
    for (const address of ['192.0.2.1', '192.0.2.2', '2001:db8:0:1::1', '2001:db8:0:2::1', '']) {
      assert.equal(limit.count(from(address)), undefined, address);
      assert.notEqual(limit.count(from(address)), undefined, address);
    }
  });

  for (const [name, a, b] of [
    ['one /64', '2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff'],
    ['one /64, shortened elsewhere', '2001:db8::1', '2001:db8:0:0:1::'],
    ['IPv4 in IPv6', '::ffff:192.0.2.1', '192.0.2.1'],
    ['an address with its interface', 'fe80::1%eth0', 'fe80::1%eth1'],
  ] as const) {
    it(`count together: ${name}`, () => {
      const limit = new FailureLimit(1, () => 0);
      limit.count(from(a));
      assert.notEqual(limit.count(from(b)), undefined);
      assert.equal(limit.size, 1);
    });
  }

  it('of a million addresses take the memory of a few', () => {
    const limit = new FailureLimit(1, () => 0, 1_000);
    for (let i = 0; i < 100_000; i++) limit.count(from(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`));
    assert.equal(limit.size, 1_000);
  });

  it('are not forgiven by a clock that is set back, nor held for ever', () => {
    let now = 1_000_000;
    const limit = new FailureLimit(60, () => now);
    for (let i = 0; i < 60; i++) limit.count(from('a'));
    now = 0;
    assert.equal(limit.count(from('a')), 1);
    now = 1_000;
    assert.equal(limit.count(from('a')), undefined);
  });
});

describe('a token that is not known', () => {
  /** An address beyond its limit, and a connection from there of which one token has failed. */
  function spent() {
    const clock = { now: 0 };
    const limit = new FailureLimit(6, () => clock.now);
    const failed = {};
    for (let i = 0; i < 7; i++) limit.count(from('a', failed));
    return { limit, clock, failed };
  }

  it('is looked at while its address is within the limit, and that counts nothing', () => {
    const limit = new FailureLimit(2, () => 0);
    const connection = {};
    limit.count(from('a', connection));
    for (let i = 0; i < 100; i++) assert.equal(limit.ask(from('a', connection)), undefined);
    assert.equal(limit.count(from('a', connection)), undefined);
  });

  it('is not looked at on a connection of which one has failed, once its address is beyond the limit', () => {
    const { limit, clock, failed } = spent();
    for (let i = 0; i < 100; i++) assert.equal(limit.ask(from('a', failed)), 10);
    clock.now += 4_000;
    assert.equal(limit.ask(from('a', failed)), 6, 'nor does asking make it wait longer');
    clock.now += 6_000;
    assert.equal(limit.ask(from('a', failed)), undefined);
  });

  it('is looked at on another connection of that address, until one has failed there, too', () => {
    const { limit } = spent();
    const other = {};
    for (let i = 0; i < 10; i++) assert.equal(limit.ask(from('a', other)), undefined);
    assert.equal(limit.count(from('a', other)), 10);
    assert.equal(limit.ask(from('a', other)), 10);
  });

  it('is looked at when it comes from another address', () => {
    const { limit } = spent();
    assert.equal(limit.ask(from('b')), undefined);
  });
});
