// F7: what the well-known authorization servers put into their tokens, and what they send when misconfigured.
import assert from 'node:assert/strict';
import * as provider from '../../../support/provider-tokens.ts';
import type { Case } from '../../case.ts';
import type { Bench } from '../../bench/bench.ts';
import { each } from '../../bench/each.ts';

const { AUDIENCES } = provider;

const GOOD = {
  Keycloak: provider.keycloak,
  'Entra v1': provider.entraV1,
  'Entra v2': provider.entraV2,
  Auth0: provider.auth0,
  'Auth0, RFC 9068': provider.auth0Rfc9068,
};
const BAD = {
  'an ID token of Keycloak': provider.keycloakIdToken,
  'an ID token of Entra': provider.entraIdToken,
};

export const F7: Case = {
  id: 'F7',
  level: 'SHOULD°',
  rule: 'Access tokens as Keycloak, Entra and Auth0 make them are accepted; their ID tokens and encrypted ones are not',
  source: 'RFC 9068 section 4; recorded shapes of the providers',
  needs: {
    profile: 'Compat',
    audiences: [AUDIENCES.keycloak, AUDIENCES.entraV1, AUDIENCES.entraV2, AUDIENCES.auth0],
    requiredScopes: [],
  },
  async run(bench) {
    await each(GOOD, async (token) => void (await bench.accepts(made(bench, token))));
    await each(
      BAD,
      async (token) => void (await bench.refuses(made(bench, token), 'invalid_token', 'mcp:basic')),
    );
    const encrypted = `${Buffer.from('{"alg":"dir","enc":"A256GCM","iss":"x"}').toString('base64url')}..aXY.dGV4dA.dGFn`;
    assert.equal(
      (await bench.callWith(encrypted)).status,
      401,
      'an encrypted token, as Auth0 sends without an audience',
    );
  },
};

/** A token of this shape: nothing else is in it, but issuer and times are of now. */
function made(bench: Bench, { header, claims }: provider.ProviderToken): string {
  const seconds = Math.floor(Date.now() / 1000) - provider.NOW;
  const times = Object.fromEntries(
    Object.entries(claims).flatMap(([name, value]) =>
      ['iat', 'exp', 'nbf', 'auth_time'].includes(name) ? [[name, Number(value) + seconds]] : [],
    ),
  );
  const shape = { ...claims, ...times, iss: bench.issuer.issuer };
  return bench.token({
    headerText: () => JSON.stringify({ ...header, kid: 'k1' }),
    claimsText: () => JSON.stringify(shape),
  });
}
