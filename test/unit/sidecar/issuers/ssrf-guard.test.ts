// Which addresses a discovered URL may lead to, and that a name is checked by all that it resolves to.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  guardedLookup,
  isRefusedAddress,
  isRefusedHost,
} from '../../../../src/sidecar/issuers/ssrf-guard.ts';

describe('an address that is refused', () => {
  for (const address of [
    '169.254.169.254',
    '169.254.0.1',
    '169.254.255.255',
    '127.0.0.1',
    '127.255.255.254',
    '0.0.0.0',
    '100.100.100.200',
    '192.0.0.192',
    '168.63.129.16',
    '224.0.0.1',
    '::1',
    '::',
    'fe80::1',
    'febf::1',
    'fd00:ec2::254',
    'fd20:ce::254',
    'ff02::1',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '::ffff:127.0.0.1',
    '64:ff9b::a9fe:a9fe',
    'not an address',
    '',
  ]) {
    it(JSON.stringify(address), () => assert.equal(isRefusedAddress(address), true));
  }
});

describe('an address that is allowed: authorization servers in clusters have private ones', () => {
  for (const address of [
    '10.0.0.5',
    '172.16.1.1',
    '192.168.1.1',
    '100.64.0.1',
    '93.184.216.34',
    '169.253.255.255',
    '169.255.0.0',
    'fd00::1',
    '2001:db8::1',
    '::ffff:10.0.0.5',
  ]) {
    it(address, () => assert.equal(isRefusedAddress(address), false));
  }
});

it('a name is no address: it is checked when it is resolved', () => {
  assert.equal(isRefusedHost(new URL('https://keys.example.com')), false);
  assert.equal(isRefusedHost(new URL('https://[FE80::1]')), true);
});

it('a name that resolves to a refused address is not connected to', async () => {
  for (const all of [true, false]) {
    const error = await new Promise<Error | null>((resolve) => {
      guardedLookup('localhost', { all }, resolve);
    });
    assert.match(error?.message ?? '', /localhost resolves to an address that is not allowed/);
  }
});

it('a name that does not resolve is an error, not an address', async () => {
  const error = await new Promise<Error | null>((resolve) => {
    guardedLookup('no-such-name.invalid', {}, resolve);
  });
  assert.ok(error instanceof Error);
});
