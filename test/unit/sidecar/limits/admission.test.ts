// A place among the requests with the server: given once, and given back however the response ends.
import assert from 'node:assert/strict';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { Admissions } from '../../../../src/sidecar/limits/admission.ts';

/** @param socket where others may be in front of it */
function response(socket = new Socket(), isPipelined = false): ServerResponse {
  const res = new ServerResponse(new IncomingMessage(socket));
  if (!isPipelined) res.assignSocket(new Socket());
  return res;
}
const ignored = () => undefined;
const OWNER = 'alice';

describe('admissions', () => {
  it('are as many as fit, and one more when a response is over', () => {
    const admissions = new Admissions({ total: 4 });
    const [first, second] = [response(), response()];
    assert.ok(admissions.admit(first, OWNER, ignored).ok);
    assert.ok(admissions.admit(second, OWNER, ignored).ok);
    assert.deepEqual(admissions.admit(response(), OWNER, ignored), {
      ok: false,
      reason: 'requests_of_principal',
    });
    assert.equal(admissions.underWay, 2);
    first.emit('close');
    assert.equal(admissions.underWay, 1);
    assert.ok(admissions.admit(response(), OWNER, ignored).ok);
  });

  it('are given back once, and that is announced once', () => {
    const admissions = new Admissions();
    let over = 0;
    const res = response();
    admissions.admit(res, OWNER, () => void over++);
    res.emit('close');
    res.emit('close');
    assert.equal(admissions.underWay, 0);
    assert.equal(over, 1);
  });

  it('are not taken by those who are refused', () => {
    const admissions = new Admissions({ total: 0 });
    const res = response();
    let over = 0;
    assert.equal(admissions.admit(res, OWNER, () => void over++).ok, false);
    res.emit('close');
    assert.equal(admissions.underWay, 0);
    assert.equal(over, 0);
  });

  it('are given back before the end is announced, whatever becomes of that', () => {
    const admissions = new Admissions();
    const res = response();
    admissions.admit(res, OWNER, () => {
      throw new Error('fault');
    });
    assert.throws(() => res.emit('close'), /fault/);
    assert.equal(admissions.underWay, 0);
  });

  it('of one connection are limited, and given back there', () => {
    const admissions = new Admissions({ perConnection: 2 });
    const socket = new Socket();
    const behind = response(socket, true);
    assert.ok(admissions.admit(response(socket), OWNER, ignored).ok);
    assert.ok(admissions.admit(behind, OWNER, ignored).ok);
    assert.deepEqual(admissions.admit(response(socket, true), OWNER, ignored), {
      ok: false,
      reason: 'requests_of_connection',
    });
    assert.ok(
      admissions.admit(response(new Socket(), true), OWNER, ignored).ok,
      'another connection has room',
    );
    behind.emit('close');
    assert.ok(admissions.admit(response(socket, true), OWNER, ignored).ok);
  });

  it('are not given to a response that is over: its end would never come', () => {
    const res = response();
    res.destroyed = true;
    assert.throws(() => new Admissions().admit(res, OWNER, ignored), /is over/);
  });
});
