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
    '0.1.2.3',
    '192.0.0.1',
    '192.0.0.170',
    '192.88.99.1',
    '239.255.255.250',
    '240.0.0.1',
    '255.255.255.255',
    // IPv4-compatible, IPv4-mapped, IPv4-translated.
    '::127.0.0.1',
    '::7f00:1',
    '::a9fe:a9fe',
    '::169.254.169.254',
    '::10.0.0.5',
    '0:0:0:0:0:0:0:1',
    '0000:0000:0000:0000:0000:0000:0000:0001',
    '0:0:0:0:0:ffff:7f00:1',
    '0:0::ffff:127.0.0.1',
    '::FFFF:A9FE:A9FE',
    '::ffff:0.0.0.0',
    '::ffff:192.0.0.192',
    '::ffff:100.100.100.200',
    '::ffff:168.63.129.16',
    '::ffff:255.255.255.255',
    '::ffff:0:127.0.0.1',
    '::ffff:0:a9fe:a9fe',
    // NAT64, with the prefix that is known and with those for local use, in all layouts.
    '64:ff9b::127.0.0.1',
    '64:ff9b::7f00:1',
    '64:FF9B::7f00:1',
    '0064:ff9b:0:0:0:0:169.254.169.254',
    '64:ff9b::0.0.0.0',
    '64:ff9b::6464:64c8',
    '64:ff9b::c000:c0',
    '64:ff9b::a83f:8110',
    '64:ff9b::ffff:ffff',
    '64:ff9b:1::7f00:1',
    '64:ff9b:1::a9fe:a9fe',
    '64:ff9b:1:2:3:4:a9fe:a9fe',
    '64:ff9b:1:a9fe:a9:fe00::',
    '64:ff9b:1:a9:fe:a9fe::',
    '64:ff9b:1:0:a9:fea9:fe00:0',
    '64:ff9b:1:7f00:0:100::',
    // 6to4, Teredo, ISATAP.
    '2002:7f00:1::',
    '2002:a9fe:a9fe::1',
    '2002:5db8:d822::1',
    '2001::1',
    '2001:0:4136:e378:8000:63bf:3fff:fdd2',
    '2001:0000:ffff::5601:5601',
    '2001:db8::5efe:169.254.169.254',
    '2001:db8::200:5efe:127.0.0.1',
    'fd12:3456::5efe:7f00:1',
    // Link-local with a zone, site-local, multicast.
    'fe80::1%eth0',
    'FE80::1%25eth0',
    '::1%lo',
    'fec0::1',
    'feff::1',
    'ff05::1:3%2',
    '100::1',
    // Clouds.
    'fd00:ec2::23',
    'fd00:c1::a9fe:a9fe',
    'fd00:a9fe:a9fe::1',
    'fd00:42::42',
    // No address, or one in a spelling that only some parsers know.
    '127.1',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '2130706433',
    '127.0.0.1.',
    '[::1]',
    ' 10.0.0.5',
    '%eth0',
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
    '::ffff:93.184.216.34',
    // Behind NAT64, as DNS64 makes them in clusters without IPv4.
    '64:ff9b::5db8:d822',
    '64:ff9b::10.0.0.5',
    '64:ff9b:1::5db8:d822',
    '64:ff9b:1:2:3:4:5db8:d822',
    '64:ff9b:1:5db8:d8:2200::',
    '64:ff9b:2::7f00:1',
    '2001:db8::5efe:10.0.0.5',
    '2001:db8::a9fe:a9fe',
    '2001:db8::5eff:a9fe:a9fe',
    '2606:2800:220:1:248:1893:25c8:1946',
    'fc00::1',
    'fd12:3456:789a::1',
    'fd00:42::43',
    '198.18.0.1',
    '191.255.255.255',
    '192.0.1.1',
    '100.100.100.201',
    '223.255.255.255',
  ]) {
    it(address, () => assert.equal(isRefusedAddress(address), false));
  }
});

it('a name is no address: it is checked when it is resolved', () => {
  assert.equal(isRefusedHost(new URL('https://keys.example.com')), false);
  assert.equal(isRefusedHost(new URL('https://[FE80::1]')), true);
});

describe('a host is refused in every spelling that the URL parser reads as such an address', () => {
  for (const host of [
    '127.1',
    '0x7f.1',
    '0x7f000001',
    '017700000001',
    '2130706433',
    '127.0.0.1.',
    '127.000.000.001',
    '%31%32%37.0.0.1',
    '１２７.0.0.1',
    '169.254.43518',
    '0xa9fea9fe',
    '2852039166',
    '0251.0376.0251.0376',
    '0',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[64:ff9b::127.0.0.1]',
    '[0:0:0:0:0:0:0:1]',
    '[2002:a9fe:a9fe::]',
  ]) {
    it(host, () => assert.equal(isRefusedHost(new URL(`https://${host}/keys`)), true));
  }

  it('and a name that only looks like one is resolved', () => {
    for (const host of ['127.0.0.1.nip.io', 'localhost.example.com', 'metadata.google.internal'])
      assert.equal(isRefusedHost(new URL(`https://${host}/`)), false);
  });
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
