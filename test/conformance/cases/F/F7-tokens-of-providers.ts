// F7: what the well-known authorization servers put into their tokens, and what they send when misconfigured.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import * as provider from '../../../kit/provider-tokens.ts';
import type { Case } from '../../case.ts';
import type { Bench } from '../../bench/bench.ts';
import { each } from '../../bench/each.ts';
import { encryptedTo } from '../../bench/provider-world.ts';
import type { Needs } from '../../needs.ts';

type Shape = provider.ProviderToken;

interface Provider {
  /** As it stands in the tokens: with a path, with a slash at its end. */
  readonly issuer: string;
  readonly audience: string;
  readonly scope: string;
  readonly good: Readonly<Record<string, Shape>>;
  /** No access tokens for this resource. */
  readonly bad: Readonly<Record<string, Shape>>;
  /** Good tokens that grant no scope. */
  readonly poor: Readonly<Record<string, Shape>>;
}

const { AUDIENCES, AUTH0, ENTRA_V1, ENTRA_V2, KEYCLOAK, OKTA } = provider;

const PROVIDERS: Readonly<Record<string, Provider>> = {
  Keycloak: {
    issuer: KEYCLOAK,
    audience: AUDIENCES.keycloak,
    scope: 'mcp:basic',
    good: { 'an access token': provider.keycloak },
    bad: {
      'an ID token': provider.keycloakIdToken,
      'of another realm': withClaims(provider.keycloak, { iss: KEYCLOAK.replace('my-realm', 'other') }),
      'without the audience mapper': withClaims(provider.keycloak, { aud: 'account' }),
    },
    poor: {
      'roles alone': withClaims(provider.keycloak, {
        scope: 'openid',
        realm_access: { roles: ['mcp:basic'] },
      }),
    },
  },
  'Entra, version 1': {
    issuer: ENTRA_V1,
    audience: AUDIENCES.entraV1,
    scope: 'mcp.basic',
    good: { 'an access token': provider.entraV1 },
    bad: { 'for another API': withClaims(provider.entraV1, { aud: '00000003-0000-0000-c000-000000000000' }) },
    poor: { 'groups alone': withClaims(provider.entraV1, { scp: undefined, groups: ['mcp.basic'] }) },
  },
  'Entra, version 2': {
    issuer: ENTRA_V2,
    audience: AUDIENCES.entraV2,
    scope: 'mcp.basic',
    good: { 'an access token': provider.entraV2 },
    bad: {
      'an ID token of an application that is API and client': provider.entraIdToken,
      'of another tenant': withClaims(provider.entraV2, {
        iss: 'https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0',
      }),
    },
    poor: { 'roles of an application': provider.entraApplication },
  },
  Auth0: {
    issuer: AUTH0,
    audience: AUDIENCES.auth0,
    scope: 'mcp:basic',
    good: {
      'with the URL of userinfo too': provider.auth0,
      'typ at+jwt (RFC 9068 profile)': provider.auth0Rfc9068,
    },
    bad: { 'for userinfo alone': withClaims(provider.auth0, { aud: `${AUTH0}userinfo` }) },
    poor: {
      'permissions alone': withClaims(provider.auth0, {
        scope: 'openid profile',
        permissions: ['mcp:basic'],
      }),
      'permissions and no scope': withClaims(provider.auth0, {
        scope: undefined,
        permissions: ['mcp:basic'],
      }),
    },
  },
  Okta: {
    issuer: OKTA,
    audience: AUDIENCES.okta,
    scope: 'mcp:basic',
    good: { 'scp as a list, cid and uid': provider.okta },
    bad: {
      'an ID token': provider.oktaIdToken,
      'an ID token for a client that is called like the API': withClaims(provider.oktaIdToken, {
        aud: AUDIENCES.okta,
      }),
      'of the organisation’s own server': withClaims(provider.okta, { iss: new URL(OKTA).origin }),
      'of another authorization server of the organisation': withClaims(provider.okta, { iss: `${OKTA}2` }),
    },
    poor: {
      'another scope': withClaims(provider.okta, { scp: ['openid'] }),
      'groups alone': withClaims(provider.okta, { scp: undefined, groups: ['mcp:basic'] }),
    },
  },
};

export const F7: Case = {
  id: 'F7',
  level: 'SHOULD°',
  rule: 'Access tokens as Keycloak, Entra, Auth0 and Okta make them are accepted; their ID, opaque and encrypted ones are not',
  source: 'RFC 9068 section 4; recorded shapes of the providers',
  async run(bench) {
    await each(PROVIDERS, ({ issuer, audience, scope, ...tokens }) => {
      const needs: Needs = {
        profile: 'Compat',
        issuers: [issuer],
        keysFrom: 'Uri',
        audiences: [audience],
        requiredScopes: [scope],
        scopesSupported: [scope],
      };
      return bench.beside(needs, async (other) => {
        await each(tokens.good, async (shape) => void (await other.accepts(made(other, shape))));
        await each(tokens.bad, (shape) => isShutOut(other, made(other, shape)));
        await each(tokens.poor, async (shape) => {
          await other.refuses(made(other, shape), 'insufficient_scope');
        });
        // What Auth0 sends to who names no audience: nothing that a resource server could read.
        const opaque = { opaque: randomBytes(24).toString('base64url'), encrypted: encryptedTo(issuer) };
        await each(opaque, async (token) => void (await other.refuses(token)));
      });
    });
  },
};

function withClaims({ header, claims }: Shape, changes: Readonly<Record<string, unknown>>): Shape {
  return { header, claims: { ...claims, ...changes } };
}

/** As no good token, or for want of a scope: an ID token has none. Which of them is for C13 to check. */
async function isShutOut(bench: Bench, token: string): Promise<void> {
  const before = bench.forwarded.length;
  const { status } = await bench.callWith(token);
  assert.ok(status === 401 || status === 403, `status: came ${status}, expected 401 or 403`);
  assert.equal(bench.forwarded.length, before, 'requests at the MCP server');
}

/** A token of this shape, signed now: nothing else is in it, and its times are of now. */
function made(bench: Bench, { header, claims }: Shape): string {
  const seconds = Math.floor(Date.now() / 1000) - provider.NOW;
  const times = Object.fromEntries(
    Object.entries(claims).flatMap(([name, value]) =>
      ['iat', 'exp', 'nbf', 'auth_time'].includes(name) ? [[name, Number(value) + seconds]] : [],
    ),
  );
  return bench.token({
    headerText: () => JSON.stringify({ ...header, kid: 'k1' }),
    claimsText: () => JSON.stringify({ ...claims, ...times }),
  });
}
