// Failed authentications by address: how many, for how long, and in how much memory.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FailureLimit } from '../../../../src/sidecar/limits/failure-limit.ts';

describe('failures of one address', () => {
  it('pass up to the limit, then wait for their share of a minute', () => {
    let now = 0;
    const limit = new FailureLimit(6, () => now);
    for (let i = 0; i < 6; i++) assert.equal(limit.count('192.0.2.1'), undefined);
    assert.equal(limit.count('192.0.2.1'), 10);
    now += 4_000;
    assert.equal(limit.count('192.0.2.1'), 6);
    now += 6_000;
    assert.equal(limit.count('192.0.2.1'), undefined);
    assert.equal(limit.count('192.0.2.1'), 10);
  });

  it('are never more than the limit at once, however long it was quiet', () => {
    let now = 0;
    const limit = new FailureLimit(3, () => now);
    limit.count('a');
    now += 86_400_000;
    assert.deepEqual(
      [1, 2, 3, 4].map(() => limit.count('a') === undefined),
      [true, true, true, false],
    );
  });

  it('do not count for another', () => {
    const limit = new FailureLimit(1, () => 0);
    for (const address of ['192.0.2.1', '192.0.2.2', '2001:db8:0:1::1', '2001:db8:0:2::1', '']) {
      assert.equal(limit.count(address), undefined, address);
      assert.notEqual(limit.count(address), undefined, address);
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
      limit.count(a);
      assert.notEqual(limit.count(b), undefined);
      assert.equal(limit.size, 1);
    });
  }

  it('of a million addresses take the memory of a few', () => {
    const limit = new FailureLimit(1, () => 0, 1_000);
    for (let i = 0; i < 100_000; i++) limit.count(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
    assert.equal(limit.size, 1_000);
  });

  it('are not forgiven by a clock that is set back, nor held for ever', () => {
    let now = 1_000_000;
    const limit = new FailureLimit(60, () => now);
    for (let i = 0; i < 60; i++) limit.count('a');
    now = 0;
    assert.equal(limit.count('a'), 1);
    now = 1_000;
    assert.equal(limit.count('a'), undefined);
  });
});
