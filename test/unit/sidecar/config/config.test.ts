// The one file that the sidecar reads: what it becomes, what is refused with its place, what is only warned of.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { canonicalResource } from '../../../../src/protocol/resource-identifier.ts';
import { POD_PLACEMENT, sidecarConfig } from '../../../../src/desired/sidecar-config.ts';
import { ConfigError, parseConfig, readConfig } from '../../../../src/sidecar/config/config.ts';
import { sample, setField, validServer } from '../../../support/manifests.ts';

const directory = mkdtempSync(join(tmpdir(), 'config-test-'));
after(() => rmSync(directory, { recursive: true }));

/** A configuration with one field changed. */
function configWith(field: string, value: unknown): Record<string, unknown> {
  const config = structuredClone(sidecarConfig(validServer(sample('full')), POD_PLACEMENT)) as object;
  const object = { spec: config };
  setField(object, `spec.${field}`, value);
  return object.spec as Record<string, unknown>;
}

function problemsOf(config: unknown): readonly string[] {
  try {
    parseConfig(config, 'test');
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems;
  }
  return [];
}

function warningsOf(config: unknown): readonly string[] {
  const file = join(directory, 'config.json');
  writeFileSync(file, JSON.stringify(config));
  return readConfig(file).warnings;
}

describe('the resource', () => {
  const rows: [given: string, canonical: string][] = [
    ['HTTPS://MCP.Example.test:443/mcp', 'https://mcp.example.test/mcp'],
    ['https://mcp.example.test/mcp', 'https://mcp.example.test/mcp'],
    ['https://h', 'https://h'],
    ['https://h/', 'https://h/'],
    ['https://H:443', 'https://h'],
    ['https://h:8443/Mcp/%7e', 'https://h:8443/Mcp/%7e'],
    ['https://h/mcp/', 'https://h/mcp/'],
    ['https://[2001:DB8::443]/mcp', 'https://[2001:db8::443]/mcp'],
    ['https://h:1443/mcp', 'https://h:1443/mcp'],
  ];
  for (const [given, canonical] of rows) {
    it(`${given} is published as ${canonical}, and status.address says the same`, () => {
      assert.equal(parseConfig(configWith('resource', given), 'test').resource, canonical);
      assert.equal(canonicalResource(given), canonical);
    });
  }
});

describe('the origin as audience', () => {
  const withRoot = (rootDocument: string) =>
    parseConfig(configWith('rootDocument', rootDocument), 'test').issuers.map(({ audiences }) => audiences);

  it('is accepted from every issuer where the root document names it', () => {
    for (const audiences of withRoot('Origin'))
      assert.ok(audiences.includes('https://echo.example.com:8001'));
  });

  for (const rootDocument of ['Alias', 'Off']) {
    it(`is not with ${rootDocument}`, () => {
      for (const audiences of withRoot(rootDocument)) {
        assert.ok(!audiences.some((audience) => audience === 'https://echo.example.com:8001'));
      }
    });
  }
});

describe('a configuration is refused, with its place', () => {
  const rows: [field: string, value: unknown, problem: RegExp][] = [
    ['resource', 'http://mcp.example.test/mcp', /^resource: must start with https/],
    ['resource', 'https://h/mcp#x', /^resource: must not have a fragment/],
    ['resource', 'https://h/mcp?x', /^resource: must not have a query/],
    ['resource', 'https://u:p@h/mcp', /^resource: must not hold user info/],
    ['resource', 'mcp.example.test/mcp', /^resource: must be an absolute URL/],
    ['resource', 'https:mcp.example.test/mcp', /^resource: must have a host name in ASCII/],
    ['resource', 'https://m\u00fccp.example.test/mcp', /^resource: must have a host name in ASCII/],
    ['upstream.url', 'http://10.0.0.5:8000/mcp', /^upstream.url: must be a loopback address/],
    ['upstream.url', 'http://localhost.evil.test/mcp', /^upstream.url: must be a loopback address/],
    ['upstream.url', 'http://128.0.0.1/mcp', /^upstream.url: must be a loopback address/],
    ['upstream.url', 'http://[::2]/mcp', /^upstream.url: must be a loopback address/],
    ['upstream.url', 'http://127.0.0.1@10.0.0.5/mcp', /^upstream.url: must be/],
    ['upstream.url', 'https://127.0.0.1:8000/mcp', /^upstream.url: must start with http:/],
    [
      'upstream.url',
      'http://127.0.0.1:8000/mcp?x',
      /^upstream.url: must be scheme, host, port and path only/,
    ],
    ['issuers', [], /^issuers: /],
    ['issuers[0].audiences', [], /^issuers\[0\].audiences: /],
    ['issuers[0].issuer', 'http://as.example.test', /^issuers\[0\].issuer: must start with https/],
    ['issuers[0].algorithms', ['HS256'], /^issuers\[0\].algorithms\[0\]: /],
    ['issuers[0].algorithms', ['none'], /^issuers\[0\].algorithms\[0\]: /],
    ['issuers[0].jwks.uri', 'http://as.example.test/certs', /^issuers\[0\].jwks.uri: must start with https/],
    ['clockSkewSeconds', 3600, /^clockSkewSeconds: /],
    ['clockSkewSeconds', -1, /^clockSkewSeconds: /],
    ['requiredScopes', ['a"b'], /^requiredScopes\[0\]: must be a scope token/],
    ['requiredScopes', ['a\\b'], /^requiredScopes\[0\]: must be a scope token/],
    ['requiredScopes', ['offline_access'], /^requiredScopes\[0\]: must not be offline_access/],
    ['metadata.scopesSupported', ['a b'], /^metadata.scopesSupported\[0\]: must be a scope token/],
    ['metadata.resourceTosUri', 'http://h/terms', /^metadata.resourceTosUri: must be an https URL/],
    ['metadata.resourceTosUri', 'javascript:alert(1)', /^metadata.resourceTosUri: must be an https URL/],
    ['metadata.resourceTosUri', 'https://u@h/terms', /^metadata.resourceTosUri: must be an https URL/],
    ['metadata.localized', [{ language: 'it it' }], /^metadata.localized\[0\].language: /],
    [
      'metadata.localized',
      [{ language: 'it', resource: 'x' }],
      /^metadata.localized\[0\].resource: unrecognized key/,
    ],
    ['rootDocument', 'alias', /^rootDocument: /],
    ['rootDocument', undefined, /^rootDocument: /],
    ['initialScopes', 'Everything', /^initialScopes: /],
    ['mirrorAuthorizationServerMetadata', 'false', /^mirrorAuthorizationServerMetadata: /],
    ['identityAssertion.header', 'Host', /^identityAssertion.header: must not be a field/],
    ['identityAssertion.header', 'X-A\r\nX-B', /^identityAssertion.header: must be an HTTP field name/],
    ['forwardHeaders', ['X-*'], /^forwardHeaders\[0\]: must be a header name/],
    ['forwardHeaders', ['*'], /^forwardHeaders\[0\]: must be a header name/],
    ['forwardHeaders', ['X-A\r\nX-B'], /^forwardHeaders\[0\]: must be a header name/],
    ['forwardHeaders', ['X-Ok', 'Authorization'], /^forwardHeaders\[1\]: must not be a header that says/],
    ['forwardHeaders', ['x_forwarded_for'], /^forwardHeaders\[0\]: must not be a header that says/],
    ['forwardHeaders', ['X-User-*'], /^forwardHeaders\[0\]: must not be a header that says/],
    ['forwardHeaders', ['Mcp-Session-Id'], /^forwardHeaders\[0\]: must not be a header that says/],
    ['forwardHeaders', Array.from({ length: 33 }, (_, i) => `X-A${i}`), /^forwardHeaders: /],
    ['failureLimit.perMinute', 0, /^failureLimit.perMinute: /],
    ['failureLimit.perMinute', 1e9, /^failureLimit.perMinute: /],
    ['failureLimit.perMinute', 1.5, /^failureLimit.perMinute: /],
    ['unknown', 1, /^unknown: unrecognized key, not known to this version$/],
    ['transport.quota', 1, /^transport\.quota: unrecognized key/],
    ['issuers[1].jwks.pins', ['x'], /^issuers\[1\]\.jwks\.pins: unrecognized key/],
  ];
  for (const [field, value, problem] of rows) {
    it(`${field}: ${JSON.stringify(value)}`, () => {
      const problems = problemsOf(configWith(field, value));
      assert.ok(
        problems.some((text) => problem.test(text)),
        problems.join('\n') || 'no problem',
      );
    });
  }
});

describe('headers to forward', () => {
  const withClaim = (name: string) => ({
    ...(configWith('forwardHeaders', [name]) as object),
    claimToHeaders: [{ claim: 'team', header: 'X-Team_Name' }],
  });

  it('may be names, and beginnings of names', () => {
    const names = ['X-API-Key', 'x_api_key', 'X-Grafana-*', 'Grafana-*', 'X.Y', 'a'];
    assert.deepEqual(parseConfig(configWith('forwardHeaders', names), 'test').forwardHeaders, names);
  });

  for (const name of ['X-Team_Name', 'x-team-name', 'X_Team_Name', 'X_TEAM-NAME']) {
    it(`must not be ours, in any spelling: ${name}`, () =>
      assert.match(
        problemsOf(withClaim(name)).join(),
        /^forwardHeaders\[0\]: must not be a header of claimToHeaders/,
      ));
  }
});

describe('a warning', () => {
  it('of offline_access among the offered scopes, which is dropped', () => {
    const config = configWith('metadata.scopesSupported', ['mcp:basic', 'offline_access']);
    assert.deepEqual(parseConfig(config, 'test').metadata.scopesSupported, ['mcp:basic']);
    assert.match(warningsOf(config).join(), /offline_access is left out/);
  });

  it('of tokens that are handed on', () => {
    assert.match(warningsOf(configWith('forwardOriginalToken', true)).join(), /forwardOriginalToken/);
  });

  it('is not given without cause', () => {
    assert.deepEqual(warningsOf(configWith('forwardOriginalToken', false)), []);
  });
});
