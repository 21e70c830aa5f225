// The one spelling of a resource identifier: rules by name, and properties that hold for every URL.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  canonicalResource,
  canonicalUrl,
  originOf,
  pathOf,
  resourceProblems,
} from '../../../src/protocol/resource-identifier.ts';

describe('the canonical resource identifier', () => {
  const rows: [rule: string, given: string, expected: string][] = [
    ['is in lower case up to the path', 'HTTPS://MCP.Example.Test/Mcp', 'https://mcp.example.test/Mcp'],
    ['has no default port', 'https://mcp.example.test:443/mcp', 'https://mcp.example.test/mcp'],
    ['keeps any other port', 'https://mcp.example.test:8443/mcp', 'https://mcp.example.test:8443/mcp'],
    ['keeps a port that only ends like the default', 'https://h:1443/mcp', 'https://h:1443/mcp'],
    ['gains no slash when there is no path', 'https://h', 'https://h'],
    ['loses no slash', 'https://h/mcp/', 'https://h/mcp/'],
    ['keeps the default port of an address without path away', 'https://h:443', 'https://h'],
    ['keeps IPv6 addresses whole', 'https://[2001:DB8::443]/mcp', 'https://[2001:db8::443]/mcp'],
    ['has no default port after an IPv6 address', 'https://[::1]:443/mcp', 'https://[::1]/mcp'],
  ];
  for (const [rule, given, expected] of rows)
    it(rule, () => assert.equal(canonicalResource(given), expected));

  const kept = [
    [
      'is not made of a host in Unicode, whose lower case may be the name of another',
      'https://\u212Aelvin.test/MCP',
    ],
    ['is not made of a URL with user info', 'HTTPS://User@H/mcp'],
    ['is not made of what is no URL', 'Mcp Server'],
    ['is not made of another scheme', 'FTP://H/mcp'],
  ] as const;
  for (const [rule, given] of kept) it(rule, () => assert.equal(canonicalResource(given), given));
});

/** Host names and addresses in any case, with any port, and any path that holds no query, fragment or white space. */
const resources = fc
  .record({
    scheme: fc.constantFrom('https', 'HTTPS', 'hTTps'),
    host: fc.oneof(
      fc.domain(),
      fc.ipV4(),
      fc.ipV6().map((address) => `[${address}]`),
    ),
    isUpper: fc.boolean(),
    port: fc.option(fc.oneof(fc.constant(443), fc.integer({ min: 1, max: 65535 })), { nil: undefined }),
    path: fc.constantFrom('', '/', '/mcp', '/MCP/', '/a//b', '/%7e/../x'),
  })
  .map(({ scheme, host, isUpper, port, path }) => {
    const name = isUpper ? host.toUpperCase() : host;
    return `${scheme}://${name}${port === undefined ? '' : `:${port}`}${path}`;
  })
  .filter((url) => URL.canParse(url));

describe('every resource identifier', () => {
  it('is canonical once it was made so', () => {
    fc.assert(
      fc.property(fc.oneof(resources, fc.string(), fc.webUrl()), (url) => {
        const once = canonicalResource(url);
        assert.equal(canonicalResource(once), once);
      }),
    );
  });

  it('names the host and port that URL reads, before and after', () => {
    fc.assert(
      fc.property(resources, (url) => {
        const canonical = canonicalResource(url);
        assert.equal(new URL(canonical).origin, new URL(url).origin);
        assert.equal(new URL(originOf(canonical)).origin, new URL(url).origin);
      }),
    );
  });

  it('is its origin and its path, which is kept as it was written', () => {
    fc.assert(
      fc.property(resources, (url) => {
        const canonical = canonicalResource(url);
        assert.equal(originOf(canonical) + pathOf(canonical), canonical);
        assert.ok(url.endsWith(pathOf(canonical)));
        assert.deepEqual(canonicalUrl(url), { origin: originOf(canonical), rest: pathOf(canonical) });
      }),
    );
  });

  it('breaks no rule', () => {
    fc.assert(fc.property(resources, (url) => assert.deepEqual(resourceProblems(url), [])));
  });
});

describe('a resource identifier is refused', () => {
  const rows: [given: string, problem: RegExp][] = [
    ['mcp.example.test/mcp', /absolute URL/],
    ['http://h/mcp', /start with https/],
    ['https://h/mcp#', /fragment/],
    ['https://h/mcp?', /query/],
    ['https://u:p@h/mcp', /user info/],
    ['https:h/mcp', /host name in ASCII/],
    ['https://b\u00fccher.test/mcp', /host name in ASCII/],
  ];
  for (const [given, problem] of rows)
    it(given, () => assert.match(resourceProblems(given).join('; '), problem));
});
