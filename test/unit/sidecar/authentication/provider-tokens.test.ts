// Tokens in the shapes of well-known authorization servers, verified by the settings of docs/authorization-servers.md.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { Authenticator } from '../../../../src/sidecar/authentication/authenticate.ts';
import { baselineDenial } from '../../../../src/sidecar/authorization/authorize.ts';
import type { IssuerConfig, SidecarConfig } from '../../../../src/sidecar/config/config.ts';
import { IssuerMetadataSource } from '../../../../src/sidecar/issuers/metadata.ts';
import { IssuerKeys } from '../../../../src/sidecar/issuers/jwks.ts';
import { compilePolicy } from '../../../../src/sidecar/authorization/policy.ts';
import { signCompact, signingKey, type SigningKey } from '../../../kit/issuer.ts';
import { CONFIG, dpopVerifier, PLAIN } from '../../../support/authenticator-bed.ts';
import * as provider from '../../../kit/provider-tokens.ts';
import { AUDIENCES, AUTH0, ENTRA_V1, ENTRA_V2, KEYCLOAK, NOW, OKTA } from '../../../kit/provider-tokens.ts';

let key: SigningKey;
before(async () => {
  key = await signingKey('k1');
});

interface Preset {
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly audiencePolicy?: IssuerConfig['audiencePolicy'];
  readonly tokenProfile?: IssuerConfig['tokenProfile'];
  readonly requiredScopes?: readonly string[];
  readonly scopeHierarchy?: SidecarConfig['scopeHierarchy'];
}

const PRESETS = {
  keycloak: { issuer: KEYCLOAK, audiences: [AUDIENCES.keycloak] },
  // Clients must ask for the long name of a scope; the token holds the short one.
  entraV1: {
    issuer: ENTRA_V1,
    audiences: [AUDIENCES.entraV1],
    requiredScopes: [`${AUDIENCES.entraV1}/mcp.basic`],
    scopeHierarchy: [{ scope: 'mcp.basic', includes: [`${AUDIENCES.entraV1}/mcp.basic`] }],
  },
  entraV2: {
    issuer: ENTRA_V2,
    audiences: [AUDIENCES.entraV2],
    requiredScopes: [`${AUDIENCES.entraV1}/mcp.basic`],
    scopeHierarchy: [{ scope: 'mcp.basic', includes: [`${AUDIENCES.entraV1}/mcp.basic`] }],
  },
  auth0: { issuer: AUTH0, audiences: [AUDIENCES.auth0] },
  auth0Strict: {
    issuer: AUTH0,
    audiences: [AUDIENCES.auth0],
    tokenProfile: 'Strict',
    audiencePolicy: 'Sole',
  },
  okta: { issuer: OKTA, audiences: [AUDIENCES.okta] },
} as const satisfies Record<string, Preset>;

/** `ok`, or why not. */
async function verdict(preset: Preset, token: string): Promise<string> {
  const { issuer, audiences, audiencePolicy = 'Any', tokenProfile = 'Compat' } = preset;
  const { requiredScopes = ['mcp:basic'], scopeHierarchy = [] } = preset;
  const settings: IssuerConfig = {
    issuer,
    audiences: [...audiences],
    audiencePolicy,
    algorithms: ['RS256'],
    tokenProfile,
    jwks: { uri: `${issuer}/keys` },
  };
  const clock = () => NOW * 1000;
  const { signal } = new AbortController();
  const metadata = new IssuerMetadataSource(issuer, {
    fetchText: () => Promise.reject(new Error('not asked for here')),
    ca: undefined,
    signal,
    onMismatch: () => undefined,
  });
  const fetchJson = () => Promise.resolve({ keys: [key.jwk] });
  const keys = new IssuerKeys(settings, {
    clock,
    fetchJson,
    metadata,
    ca: undefined,
    signal,
    onAttempt: () => undefined,
  });
  // What the authenticator does not look at is left out of the configuration.
  const authenticator = new Authenticator({ ...CONFIG, issuers: [settings] } as SidecarConfig, {
    clock,
    keys: new Map([[issuer, keys]]),
    dpop: dpopVerifier(clock),
    introspector: undefined,
    onVerified: () => undefined,
  });
  const authentication = await authenticator.authenticate(`Bearer ${token}`, PLAIN);
  if (!authentication.ok) {
    const { denial } = authentication;
    return 'reason' in denial ? denial.reason : denial.kind;
  }
  const policy = compilePolicy({
    requiredScopes: [...requiredScopes],
    metadata: { scopesSupported: [] },
    scopeHierarchy: [...scopeHierarchy],
    stepUpScopes: 'Operation',
  });
  return baselineDenial(authentication.principal, policy)?.kind ?? 'ok';
}

function signed({ header, claims }: provider.ProviderToken, changes: Record<string, unknown> = {}): string {
  return signCompact(JSON.stringify(header), JSON.stringify({ ...claims, ...changes }), key);
}

type Row = readonly [name: string, preset: keyof typeof PRESETS, token: () => string, expected: string];

const rows: readonly Row[] = [
  ['Keycloak', 'keycloak', () => signed(provider.keycloak), 'ok'],
  ['Keycloak: ID token', 'keycloak', () => signed(provider.keycloakIdToken), 'not_an_access_token'],
  [
    'Keycloak: ID token without nonce and at_hash',
    'keycloak',
    () => signed(provider.keycloakIdToken, { nonce: undefined, at_hash: undefined }),
    'not_an_access_token',
  ],
  [
    'Keycloak: refresh token',
    'keycloak',
    () => signed(provider.keycloak, { typ: 'Refresh' }),
    'not_an_access_token',
  ],
  [
    'Keycloak: no audience mapper',
    'keycloak',
    () => signed(provider.keycloak, { aud: 'account' }),
    'wrong_audience',
  ],
  [
    'Keycloak: without the scope "basic" of its own, which brings sub',
    'keycloak',
    () => signed(provider.keycloak, { sub: undefined }),
    'missing_claim',
  ],
  [
    'Keycloak: another realm',
    'keycloak',
    () => signed(provider.keycloak, { iss: KEYCLOAK.replace('my-realm', 'master') }),
    'unknown_issuer',
  ],
  [
    'Keycloak: without our scope',
    'keycloak',
    () => signed(provider.keycloak, { scope: 'openid' }),
    'insufficient_scope',
  ],

  ['Entra v1', 'entraV1', () => signed(provider.entraV1), 'ok'],
  ['Entra v2', 'entraV2', () => signed(provider.entraV2), 'ok'],
  ['Entra: a v1 token where v2 is configured', 'entraV2', () => signed(provider.entraV1), 'unknown_issuer'],
  ['Entra: a v2 token where v1 is configured', 'entraV1', () => signed(provider.entraV2), 'unknown_issuer'],
  ['Entra: ID token', 'entraV2', () => signed(provider.entraIdToken), 'missing_claim'],
  [
    'Entra: token for Microsoft Graph',
    'entraV1',
    () => signed(provider.entraV1, { aud: '00000003-0000-0000-c000-000000000000' }),
    'wrong_audience',
  ],
  [
    'Entra: application without a user has roles, not scopes',
    'entraV2',
    () => signed(provider.entraApplication),
    'insufficient_scope',
  ],
  [
    'Entra: another scope',
    'entraV2',
    () => signed(provider.entraV2, { scp: 'mcp.write' }),
    'insufficient_scope',
  ],
  [
    'Entra: another tenant',
    'entraV2',
    () => signed(provider.entraV2, { iss: ENTRA_V2.replace('5c9c', '5c9d') }),
    'unknown_issuer',
  ],

  ['Auth0', 'auth0', () => signed(provider.auth0), 'ok'],
  ['Auth0, RFC 9068 profile', 'auth0', () => signed(provider.auth0Rfc9068), 'ok'],
  ['Auth0, RFC 9068 profile, Strict and Sole', 'auth0Strict', () => signed(provider.auth0Rfc9068), 'ok'],
  [
    'Auth0: default profile where Strict is configured',
    'auth0Strict',
    () => signed(provider.auth0),
    'wrong_type',
  ],
  [
    'Auth0: userinfo as a second audience where Sole is configured',
    'auth0Strict',
    () => signed(provider.auth0Rfc9068, { aud: provider.auth0.claims.aud }),
    'wrong_audience',
  ],
  [
    'Auth0: the issuer without its slash',
    'auth0',
    () => signed(provider.auth0, { iss: AUTH0.slice(0, -1) }),
    'unknown_issuer',
  ],
  [
    'Auth0: ID token',
    'auth0',
    () => signed(provider.auth0, { aud: 'my_client_id', nonce: 'n' }),
    'not_an_access_token',
  ],
  ['Auth0: opaque, no audience was asked for', 'auth0', () => '8Yq3o2mVQ0k6T1h2k9X2o1', 'malformed'],
  [
    'Auth0: encrypted, no audience was asked for',
    'auth0',
    () => 'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAA.AAAA.AAAA',
    'malformed',
  ],

  ['Okta', 'okta', () => signed(provider.okta), 'ok'],
  ['Okta: ID token', 'okta', () => signed(provider.oktaIdToken), 'not_an_access_token'],
  [
    'Okta: ID token for our audience, without at_hash',
    'okta',
    () => signed(provider.oktaIdToken, { aud: AUDIENCES.okta, at_hash: undefined }),
    'missing_claim',
  ],
  [
    'Okta: another authorization server',
    'okta',
    () => signed(provider.okta, { iss: 'https://example.okta.com' }),
    'unknown_issuer',
  ],
  ['Okta: without our scope', 'okta', () => signed(provider.okta, { scp: ['openid'] }), 'insufficient_scope'],
  ['Okta: default audience', 'okta', () => signed(provider.okta, { aud: 'api://default' }), 'wrong_audience'],
];

describe('a token of', () => {
  for (const [name, preset, token, expected] of rows) {
    it(`${name}: ${expected}`, async () => {
      assert.equal(await verdict(PRESETS[preset], token()), expected);
    });
  }
});
