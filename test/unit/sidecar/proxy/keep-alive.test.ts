// After which idle time a connection is used again, by what the server was seen to do.
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { KeepAlive, MAX_IDLE_MS, PROOF_MS } from '../../../../src/sidecar/proxy/keep-alive.ts';

let keepAlive: KeepAlive;
beforeEach(() => {
  keepAlive = new KeepAlive();
});

/** An idle connection is looked at every tenth of a second, and is open. */
function staysOpen(forMs: number, from = 0): void {
  for (let idle = 100; idle <= forMs; idle += 100) keepAlive.onOpen(idle, from + idle);
}

describe('a connection is used again', () => {
  it('not before the server has left one open for a while', () => {
    assert.equal(keepAlive.reusableMs, 0);
    keepAlive.onOpen(PROOF_MS - 1, 1_000);
    assert.equal(keepAlive.reusableMs, 0);
    keepAlive.onOpen(PROOF_MS, 1_001);
    assert.equal(keepAlive.reusableMs, PROOF_MS / 2);
  });

  it('for half as long as the server is known to leave one open', () => {
    staysOpen(2_000);
    assert.equal(keepAlive.reusableMs, 1_000);
  });

  it('for as long as any is kept, once one has been open for so long', () => {
    staysOpen(MAX_IDLE_MS);
    assert.equal(keepAlive.reusableMs, MAX_IDLE_MS);
  });

  it('for less once the server has closed one sooner', () => {
    staysOpen(MAX_IDLE_MS);
    keepAlive.onClosed(1_000);
    assert.equal(keepAlive.reusableMs, 500);
    keepAlive.onClosed(2_000);
    assert.equal(keepAlive.reusableMs, 500);
  });

  it('not at all once the server has closed one at once, until it leaves one open again', () => {
    staysOpen(MAX_IDLE_MS);
    keepAlive.onClosed(3);
    assert.equal(keepAlive.reusableMs, 0);
    staysOpen(600, 10_000);
    assert.equal(keepAlive.reusableMs, 300);
  });
});

describe('after a request was lost', () => {
  it('none is for ten seconds, whatever stays open', () => {
    staysOpen(MAX_IDLE_MS);
    keepAlive.onLost(100_000);
    for (let at = 100_000; at < 110_000; at += 100) {
      keepAlive.onOpen(3_000, at);
      assert.equal(keepAlive.reusableMs, 0);
    }
    keepAlive.onOpen(3_000, 110_000);
    assert.equal(keepAlive.reusableMs, MAX_IDLE_MS);
  });

  it('several at once count as one', () => {
    staysOpen(MAX_IDLE_MS);
    for (let i = 0; i < 100; i++) keepAlive.onLost(100_000 + i);
    keepAlive.onOpen(3_000, 110_000);
    assert.equal(keepAlive.reusableMs, MAX_IDLE_MS);
  });

  it('twice as long after the next, and no longer than ten minutes', () => {
    let at = 0;
    for (const seconds of [10, 20, 40, 80, 160, 320, 600, 600]) {
      keepAlive.onOpen(3_000, at);
      assert.equal(keepAlive.reusableMs, MAX_IDLE_MS, `at ${at}`);
      keepAlive.onLost(at);
      keepAlive.onOpen(3_000, at + seconds * 1000 - 1);
      assert.equal(keepAlive.reusableMs, 0, `${seconds} s after ${at}`);
      at += seconds * 1000;
    }
  });

  it('ten seconds again when none was lost for an hour', () => {
    for (const at of [0, 3_600_001, 2 * 3_600_001 + 1]) {
      keepAlive.onOpen(3_000, at);
      keepAlive.onLost(at);
      keepAlive.onOpen(3_000, at + 10_000);
      assert.equal(keepAlive.reusableMs, MAX_IDLE_MS);
    }
  });
});

it('a server with any idle timeout never sees a request in the second half of it', () => {
  const idleMs = fc.integer({ min: 1, max: 10_000 });
  fc.assert(
    fc.property(idleMs, fc.array(idleMs, { maxLength: 50 }), (timeout, looks) => {
      const learned = new KeepAlive();
      for (const look of looks) {
        if (look < timeout) learned.onOpen(look, 0);
        else learned.onClosed(timeout);
        assert.ok(learned.reusableMs <= Math.max(timeout / 2, timeout > MAX_IDLE_MS ? MAX_IDLE_MS : 0));
      }
    }),
  );
});
