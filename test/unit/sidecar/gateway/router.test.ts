// Targets by their exact spelling, and tokens in the query by any.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { router } from '../../../../src/sidecar/gateway/router.ts';

const CONFIG = {
  resource: 'https://h/mcp',
  metadata: {},
  rootDocument: 'Alias',
  mirrorAuthorizationServerMetadata: false,
} as const;
const route = router(CONFIG);
const searchOf = (query: string) => {
  const found = route(`/mcp?${query}`);
  return found.kind === 'protected' ? found.search : undefined;
};

describe('a token in the query does not go on', () => {
  for (const [query, kept] of [
    ['access_token=x', ''],
    ['access_token=x&a=1', '?a=1'],
    ['a=1&access_token=x', '?a=1'],
    ['a=1&access_token=x&b=2', '?a=1&b=2'],
    ['access_token=x&access_token=y', ''],
    ['access_token', ''],
    ['access_token=', ''],
    ['access%5Ftoken=x', ''],
    ['access%5ftoken=x', ''],
    ['%61ccess_token=x&a=1', '?a=1'],
    ['%61%63%63%65%73%73%5F%74%6F%6B%65%6E=x', ''],
    ['ACCESS_TOKEN=x', ''],
    ['+access_token=x', ''],
    ['%20access_token=x', ''],
    ['access_token[]=x', ''],
    ['access_token%5B%5D=x', ''],
    ['a=1;access_token=x', ''],
    ['access.token=x', ''],
    ['access+token=x', ''],
    ['access%20token=x', ''],
    ['Access%2Etoken=x', ''],
    ['access[token=x', ''],
    ['a=1;access%5Ftoken=x&b=2', '?b=2'],
    ['%zz&access%5Ftoken=x', '?%zz'],
    ['%c3%28&access_token=x', '?%c3%28'],
  ] as const) {
    it(query, () => assert.equal(searchOf(query), kept));
  }
});

describe('anything else goes on as it came', () => {
  for (const query of [
    'a=1',
    'a=%20&b=+&c=%2F%2f',
    'access_tokens=1',
    'my_access_token=1',
    'accesstoken=1',
    'access-token=1',
    'q=access_token',
    'q=access_token%3Dx',
    'access%255Ftoken=x', // a server that decodes once reads another name
    'a&b&&c',
    'a=1&',
  ]) {
    it(query, () => assert.equal(searchOf(query), `?${query}`));
  }
});

describe('public documents', () => {
  const kindOf = (target: string, changes: object) => {
    const found = router({ ...CONFIG, ...changes })(target);
    return found.kind === 'metadata' ? found.document : found.kind;
  };
  const ROOT = '/.well-known/oauth-protected-resource';

  it('are there when they are wanted, and 404 when not', () => {
    const signed = { metadata: { signingKeyFile: '/key' } };
    assert.equal(kindOf(ROOT, {}), 'root');
    assert.equal(kindOf(ROOT, { rootDocument: 'Off' }), 'not_found');
    assert.equal(kindOf(`${ROOT}/mcp`, { rootDocument: 'Off' }), 'resource');
    assert.equal(kindOf(`${ROOT}/mcp/jwks.json`, {}), 'not_found');
    assert.equal(kindOf(`${ROOT}/mcp/jwks.json`, signed), 'keys');
    assert.equal(kindOf('/.well-known/oauth-authorization-server', {}), 'not_found');
    assert.equal(
      kindOf('/.well-known/oauth-authorization-server', { mirrorAuthorizationServerMetadata: true }),
      'authorization_server',
    );
    assert.equal(
      kindOf('/.well-known/oauth-authorization-server/mcp', { mirrorAuthorizationServerMetadata: true }),
      'not_found',
    );
  });

  it('of a resource without path is at the root, whatever the root is to be', () => {
    for (const rootDocument of ['Alias', 'Origin', 'Off']) {
      assert.equal(kindOf(ROOT, { resource: 'https://h', rootDocument }), 'resource');
    }
  });
});

describe('any other target is not found', () => {
  const ROOT = '/.well-known/oauth-protected-resource';
  const targets = [
    ...['/', '/mcp//', '/mcp/x', '/mcp/../admin', '/mcp%2f..%2fadmin', '//mcp', '/./mcp', '/mcp;x', '/MCP'],
    ...['/%6dcp', '/mcp%00', '/mcp2', '/authorize', '/token', '/register', '/revoke', '/introspect', '/sse'],
    ...['/healthz', '/livez', '/metrics', '/status', '/jwks'],
    ...[`${ROOT}/`, `${ROOT}/other`, `${ROOT}/mcp/`, `${ROOT}/mcp/x`, `${ROOT}/MCP`, `${ROOT}/%6dcp`],
    ...[`${ROOT}/mcp%2f..%2fother`, `${ROOT}//mcp`, `/${ROOT}/mcp`, `${ROOT}2`, `/mcp${ROOT}`],
    ...['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration'],
  ];
  for (const target of targets) {
    it(target, () => assert.equal(route(target).kind, 'not_found'));
  }
});
