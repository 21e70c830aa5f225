import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { canonicalResource, resourceIdentifier } from '../../../src/desired/resource.ts';
import { sample, setField, validServer } from '../../support/manifests.ts';

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

  it('is stable', () => {
    for (const [, given] of rows) {
      assert.equal(canonicalResource(canonicalResource(given)), canonicalResource(given));
    }
  });
});

describe('the default resource identifier', () => {
  it("is the Service's URL with the server's path", () => {
    const object = sample('full');
    setField(object, 'spec.protectedResourceMetadata.resource', undefined);
    setField(object, 'spec.server.path', '/api/mcp');
    assert.equal(resourceIdentifier(validServer(object)), 'https://echo.demo.svc:8001/api/mcp');
  });
});
