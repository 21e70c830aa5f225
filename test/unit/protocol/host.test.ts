// Which hosts are addresses and which are this machine: every program asks here, so that no two disagree.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  hostOfField,
  isAddress,
  isLoopback,
  withBrackets,
  withoutBrackets,
} from '../../../src/protocol/host.ts';

describe('an IP address', () => {
  const rows: [host: string, address: boolean][] = [
    ['192.0.2.1', true],
    ['::1', true],
    ['2001:db8::443', true],
    ['::ffff:1.2.3.4', true],
    ['999.1.1.1', false],
    ['1.2.3', false],
    ['a:b', false],
    [':', false],
    ['[::1]', false],
    ['localhost', false],
    ['echo.example.com', false],
    ['', false],
  ];
  for (const [host, address] of rows)
    it(`${host} is ${address ? 'one' : 'none'}`, () => assert.equal(isAddress(host), address));
});

describe('this machine', () => {
  for (const host of ['localhost', '127.0.0.1', '127.255.255.254', '::1', '[::1]'])
    it(`is ${host}`, () => assert.ok(isLoopback(host)));
  for (const host of [
    '128.0.0.1',
    '127.0.0.1.example.com',
    '127.0.0',
    '127.999.0.1',
    'localhost.example.com',
    'notlocalhost',
    '0.0.0.0',
    '::',
    '[::2]',
    '::ffff:127.0.0.1',
    '[localhost]x',
    '',
  ])
    it(`is not ${host}`, () => assert.ok(!isLoopback(host)));

  it('is found in a URL, however its address was written', () => {
    for (const url of [
      'http://127.1/',
      'http://0x7f.0.0.1/',
      'http://[0:0:0:0:0:0:0:1]:3000/',
      'http://LOCALHOST',
    ])
      assert.ok(isLoopback(new URL(url).hostname), url);
  });
});

describe('brackets', () => {
  it('come and go around IPv6 addresses, and around nothing else', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV6(), fc.ipV4(), fc.domain()), (host) => {
        assert.equal(withoutBrackets(withBrackets(host)), host);
        assert.equal(withBrackets(host).startsWith('['), host.includes(':'));
      }),
    );
  });
});

describe('the host of a Host field', () => {
  it('is what URL reads, for every host and port', () => {
    const ports = fc.option(fc.integer({ min: 0, max: 65535 }), { nil: undefined });
    fc.assert(
      fc.property(fc.oneof(fc.domain(), fc.ipV4()), ports, (host, port) => {
        const field = port === undefined ? host : `${host}:${port}`;
        assert.equal(hostOfField(field.toUpperCase()), new URL(`http://${field}`).hostname);
      }),
    );
  });
  for (const [field, host] of [
    ['[::1]:8001', '[::1]'],
    ['H:1', 'h'],
    ['h:', undefined],
    ['h:123456', undefined],
    ['u@h', undefined],
    ['h/x', undefined],
    ['a b', undefined],
    ['', undefined],
  ] as const)
    it(`of "${field}" is ${host ?? 'none'}`, () => assert.equal(hostOfField(field), host));
});
