// Claims one by one: which audiences are the same, what a token is bound to, which JWTs are no access tokens.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { validateClaims, type ClaimsInput } from '../../../../src/sidecar/tokens/claims.ts';
import type { BindingModes } from '../../../../src/sidecar/tokens/confirmation.ts';

const NOW = 1_800_000_000;
const JKT = 'A'.repeat(43);
const OFF: BindingModes = { dpop: 'Off', clientCertificates: 'Off' };

interface Changes {
  readonly claims?: Record<string, unknown>;
  readonly audiences?: readonly string[];
  readonly audiencePolicy?: 'Any' | 'Sole';
  readonly bindings?: BindingModes;
  readonly typ?: unknown;
}

function problem({
  claims,
  audiences = ['mine'],
  audiencePolicy = 'Any',
  bindings = OFF,
  typ = 'JWT',
}: Changes) {
  const input: ClaimsInput = {
    header: { typ },
    claims: { aud: 'mine', sub: 'alice', azp: 'c1', exp: NOW + 300, ...claims },
    issuer: { audiences: [...audiences], audiencePolicy, tokenProfile: 'Compat' },
    bindings,
    now: NOW,
    skew: 30,
  };
  const validation = validateClaims(input);
  return validation.ok ? undefined : validation.reason;
}

describe('the audience', () => {
  const MCP = 'https://mcp.example.test:8001/mcp';
  const same: readonly [accepted: string, aud: unknown][] = [
    [MCP, MCP],
    [MCP, ['x', MCP]],
    [MCP, 'HTTPS://MCP.example.TEST:8001/mcp'],
    ['HTTPS://MCP.example.TEST:8001/mcp', MCP],
    ['https://h/mcp', 'https://h:443/mcp'],
    ['https://h:443/mcp', 'https://h/mcp'],
    ['http://h/mcp', 'http://h:80/mcp'],
    ['https://h', 'https://h/'],
    ['https://h/', 'https://h'],
    ['https://h:443', 'HTTPS://H/'],
    ['https://[2001:db8::1]/mcp', 'https://[2001:DB8::1]:443/mcp'],
    ['api://9c0f', 'api://9c0f'],
    ['mine', 'mine'],
  ];
  for (const [accepted, aud] of same) {
    it(`${accepted} is named by ${JSON.stringify(aud)}`, () =>
      assert.equal(problem({ audiences: [accepted], claims: { aud } }), undefined));
  }

  const other: readonly [accepted: string, aud: unknown][] = [
    [MCP, `${MCP}/`],
    [MCP, `${MCP}/x`],
    [MCP, `${MCP}2`],
    [MCP, `${MCP}?`],
    [MCP, 'https://mcp.example.test:8001'],
    [MCP, 'https://mcp.example.test:8001/'],
    [MCP, 'https://mcp.example.test/mcp'],
    [MCP, 'http://mcp.example.test:8001/mcp'],
    [MCP, 'https://mcp.example.test:8001/MCP'],
    [MCP, 'https://mcp.example.test:8001/%6dcp'],
    [MCP, 'https://mcp.example.test:8001/./mcp'],
    [MCP, 'https://a@mcp.example.test:8001/mcp'],
    [MCP, ` ${MCP}`],
    ['https://h', 'https://h:443evil'],
    ['https://hevil', 'https://h:443evil'],
    ['https://h', 'https://h:4430'],
    ['https://h', 'https://h:80'],
    ['https://h', 'https://h//'],
    ['https://h', 'https://h/?'],
    ['https://h', 'https://h.'],
    ['http://h', 'http://h:443'],
    ['api://9c0f', 'API://9C0F'],
    ['mine', 'Mine'],
    ['mine', ''],
    ['mine', ['mine', 1]],
    ['mine', [['mine']]],
    ['mine', { mine: true }],
    ['mine', null],
    ['mine', undefined],
    ['mine', []],
  ];
  for (const [accepted, aud] of other) {
    it(`${accepted} is not named by ${JSON.stringify(aud)}`, () =>
      assert.equal(problem({ audiences: [accepted], claims: { aud } }), 'wrong_audience'));
  }

  it('Sole: one, and an accepted one', () => {
    const sole = (aud: unknown) =>
      problem({ audiencePolicy: 'Sole', audiences: ['mine', 'too'], claims: { aud } });
    assert.equal(sole('mine'), undefined);
    assert.equal(sole(['too']), undefined);
    for (const aud of [
      ['mine', 'other'],
      ['mine', 'too'],
      ['mine', 'mine'],
      ['other'],
      [],
      'other',
      undefined,
    ])
      assert.equal(sole(aud), 'wrong_audience', JSON.stringify(aud));
  });
});

describe('what a token is bound to', () => {
  const dpop: BindingModes = { dpop: 'Accept', clientCertificates: 'Off' };
  const mtls: BindingModes = { dpop: 'Off', clientCertificates: 'Accept' };
  const both: BindingModes = { dpop: 'Accept', clientCertificates: 'Accept' };
  const needsProof: BindingModes = { dpop: 'Require', clientCertificates: 'Accept' };
  const needsCertificate: BindingModes = { dpop: 'Accept', clientCertificates: 'Require' };

  const accepted: Record<string, readonly [BindingModes, cnf: unknown]> = {
    nothing: [OFF, undefined],
    'nothing, although it could be': [both, undefined],
    'a proof key': [dpop, { jkt: JKT }],
    'a proof key, required': [needsProof, { jkt: JKT }],
    'a certificate': [mtls, { 'x5t#S256': JKT }],
    'a certificate, required': [needsCertificate, { 'x5t#S256': JKT }],
    both: [both, { jkt: JKT, 'x5t#S256': JKT }],
  };
  for (const [name, [bindings, cnf]] of Object.entries(accepted)) {
    it(`accepted: ${name}`, () => assert.equal(problem({ bindings, claims: { cnf } }), undefined));
  }

  const refused: Record<string, readonly [BindingModes, cnf: unknown, reason: string]> = {
    'a proof key that is not looked at': [OFF, { jkt: JKT }, 'sender_constrained'],
    'a proof key where only certificates are looked at': [mtls, { jkt: JKT }, 'sender_constrained'],
    'a certificate that is not looked at': [OFF, { 'x5t#S256': JKT }, 'sender_constrained'],
    'a certificate where only proofs are looked at': [dpop, { 'x5t#S256': JKT }, 'sender_constrained'],
    'one of the two that is not looked at': [dpop, { jkt: JKT, 'x5t#S256': JKT }, 'sender_constrained'],
    'a method that is not known': [both, { jwk: {} }, 'sender_constrained'],
    'a method that is not known, besides': [both, { jkt: JKT, kid: 'x' }, 'sender_constrained'],
    'SHA-1 of a certificate': [both, { x5t: 'A'.repeat(27) }, 'sender_constrained'],
    'an empty object': [both, {}, 'sender_constrained'],
    null: [both, null, 'sender_constrained'],
    'a text': [both, JKT, 'sender_constrained'],
    'a list': [both, [{ jkt: JKT }], 'sender_constrained'],
    'a thumbprint too short': [both, { jkt: 'A'.repeat(42) }, 'sender_constrained'],
    'a thumbprint too long': [both, { jkt: 'A'.repeat(44) }, 'sender_constrained'],
    'a thumbprint with padding': [both, { 'x5t#S256': `${'A'.repeat(42)}=` }, 'sender_constrained'],
    'a thumbprint that is no text': [both, { jkt: [JKT] }, 'sender_constrained'],
    'a thumbprint that is null': [both, { jkt: null, 'x5t#S256': JKT }, 'sender_constrained'],
    'nothing, where a proof is required': [needsProof, undefined, 'not_bound'],
    'nothing, where a certificate is required': [needsCertificate, undefined, 'not_bound'],
    'a certificate, where a proof is required': [needsProof, { 'x5t#S256': JKT }, 'not_bound'],
    'a proof key, where a certificate is required': [needsCertificate, { jkt: JKT }, 'not_bound'],
  };
  for (const [name, [bindings, cnf, reason]] of Object.entries(refused)) {
    it(`refused: ${name}`, () => assert.equal(problem({ bindings, claims: { cnf } }), reason));
  }
});

describe('another JWT of the same issuer is no access token', () => {
  const cases: Record<string, Record<string, unknown>> = {
    'Keycloak ID': { typ: 'ID' },
    'Keycloak Refresh, in capitals': { typ: 'REFRESH' },
    'Keycloak Offline': { typ: 'Offline' },
    'Keycloak Logout': { typ: 'Logout' },
    'OpenID Connect: nonce': { nonce: 'n' },
    'OpenID Connect: nonce empty': { nonce: '' },
    'OpenID Connect: at_hash': { at_hash: 'h' },
    'OpenID Connect: c_hash': { c_hash: 'h' },
    'FAPI: s_hash': { s_hash: 'h' },
    'back-channel logout, without a type': {
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    },
    'answer of introspection (RFC 9701)': { token_introspection: { active: true } },
    'Cognito ID token': { token_use: 'id' },
    'Hydra refresh token': { token_use: 'refresh_token' },
    'a use that is no text': { token_use: ['access'] },
    'Keycloak ID in a session cookie': { typ: 'Serialized-ID' },
    'Keycloak registration access token': { typ: 'RegistrationAccessToken' },
    'Keycloak initial access token': { typ: 'InitialAccessToken' },
    'Keycloak action token': { typ: 'reset-credentials' },
    'a typ that is no text': { typ: ['Bearer'] },
    'a typ that is null': { typ: null },
    'an empty typ': { typ: '' },
    'ForgeRock ID token': { tokenName: 'id_token' },
    'ForgeRock refresh token': { tokenName: 'refresh_token', token_type: 'Bearer' },
    'Casdoor refresh token': { tokenType: 'refresh-token' },
    'Curity ID token': { purpose: 'id' },
    'CIBA: rt_hash': { 'urn:openid:params:jwt:claim:rt_hash': 'h' },
    'CIBA: auth_req_id': { 'urn:openid:params:jwt:claim:auth_req_id': 'r' },
    'self-issued': { sub_jwk: { kty: 'EC' } },
    'DPoP proof without a type': { htm: 'POST', htu: 'https://h/mcp' },
    'a credential': { vc: {} },
    'an ID token without nonce and hashes: a login': { auth_time: NOW - 60, sid: 's' },
    'an ID token without nonce and hashes: acr': { acr: '1' },
    'an ID token without nonce and hashes: amr': { amr: ['pwd'] },
    'an ID token without nonce and hashes: a person': { email: 'a@example.test', email_verified: true },
    'an ID token without nonce and hashes: a name': { name: 'Alice', picture: 'https://h/a.png' },
    'an ID token without nonce and hashes: the profile of Google': {
      hd: 'example.test',
      email: 'a@example.test',
    },
    'introspection: Refresh': { token_type: 'Refresh' },
    'introspection: refresh_token': { token_type: 'refresh_token', scope: 'mcp:basic' },
    'introspection: refresh-token': { token_type: 'refresh-token' },
    'introspection: id_token': { token_type: 'id_token' },
    'introspection: RFC 8693 refresh token': { token_type: 'urn:ietf:params:oauth:token-type:refresh_token' },
    'introspection: RFC 8693 ID token': { token_type: 'urn:ietf:params:oauth:token-type:id_token' },
    'introspection: N_A': { token_type: 'N_A' },
    'introspection: MAC': { token_type: 'mac' },
    'introspection: no text': { token_type: ['Bearer'] },
    'introspection: null': { token_type: null },
    'introspection: empty': { token_type: '' },
  };
  for (const [name, claims] of Object.entries(cases)) {
    it(name, () => assert.equal(problem({ claims }), 'not_an_access_token'));
  }

  it('and these are', () => {
    for (const claims of [
      { typ: 'Bearer' },
      { typ: 'DPoP' },
      { token_use: 'access' },
      { token_use: 'access_token' },
      { token_type: 'Bearer' },
      { token_type: 'bearer' },
      { token_type: 'DPoP' },
      { token_type: 'access_token' },
      { tokenName: 'access_token', token_type: 'Bearer' },
      { tokenType: 'access-token' },
      { purpose: 'access_token' },
      { purpose: 'billing' },
      { acr: '1', sid: 's', email: 'a@example.test', scope: '' },
      { name: 'Alice', scp: 'mcp.basic' },
      { auth_time: NOW - 60, cid: 'c1', azp: undefined },
      { amr: ['pwd'], azpacr: '1' },
      { acr: '1', typ: 'Bearer' },
    ])
      assert.equal(problem({ claims }), undefined);
    assert.equal(
      problem({ typ: 'at+jwt', claims: { nonce: 'n', acr: '1' } }),
      undefined,
      'its type has said so',
    );
  });

  it('what the claims say outright stands beside any type in the header', () => {
    for (const claims of [
      { typ: 'ID' },
      { typ: 'Refresh' },
      { token_use: 'id' },
      { token_type: 'refresh_token' },
    ])
      for (const typ of ['at+jwt', 'application/at+jwt', 'JWT', 'application/jwt'])
        assert.equal(problem({ typ, claims }), 'not_an_access_token');
  });
});

describe('the type in the header', () => {
  const types: Record<string, readonly unknown[]> = {
    accepted: ['JWT', 'jwt', 'application/jwt', 'Application/JWT', 'at+jwt', 'AT+JWT', 'application/at+jwt'],
    refused: [
      ...['dpop+jwt', 'logout+jwt', 'secevent+jwt', 'application/logout+jwt', 'token-introspection+jwt'],
      ...[
        'oauth-authz-req+jwt',
        'client-authentication+jwt',
        'txntoken+jwt',
        'vc+sd-jwt',
        'entity-statement+jwt',
      ],
      ...[
        'rt+jwt',
        'JOSE',
        'JWE',
        'id_token',
        'text/at+jwt',
        'application/application/at+jwt',
        'at+jwt ',
        ' JWT',
      ],
      ...['', 'application/', 1, null, true, ['JWT'], { typ: 'JWT' }],
    ],
  };
  for (const typ of types.accepted!)
    it(`accepted: ${JSON.stringify(typ)}`, () => assert.equal(problem({ typ }), undefined));
  for (const typ of types.refused!)
    it(`refused: ${JSON.stringify(typ)}`, () => assert.equal(problem({ typ }), 'wrong_type'));
});
