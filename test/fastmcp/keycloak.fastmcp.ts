// The comparison again, with a real Keycloak and the realm that people have: my-realm, mcp-client, eitan.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Admin } from '../keycloak/admin.ts';
import { REDIRECT_URIS, runRealm } from '../keycloak/realm-program.ts';
import { Keycloak } from '../keycloak/server.ts';
import { startEmbeddedAuthorizationServer } from '../support/embedded-authorization-server.ts';
import { freePorts } from '../kit/free-ports.ts';
import { compareAll } from './compare.ts';
import { startPair } from './pair.ts';
import { runClient } from './programs.ts';
import { python, type Python } from './python.ts';
import { REAL_SITUATIONS, type RealWorld } from './real-situations.ts';
import { tellOf } from './situation.ts';
import { isOnPage, type Row } from './table.ts';
import { logInAsEitan, logInForTokens, type Realm } from './tokens.ts';

/** What is seen with Keycloak is what the page says, which is written with the embedded authorization server. */
async function record(row: Row): Promise<void> {
  assert.ok(await isOnPage(row), `not on the page: ${JSON.stringify(row)}`);
}

/** A client that registered itself asks users for consent; here is no user to click. */
async function removeConsentPolicy(keycloak: Keycloak): Promise<void> {
  const admin = new Admin(keycloak);
  const type = 'org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy';
  const which = { providerId: 'consent-required', subType: 'anonymous' };
  const policy = await admin.find(`/my-realm/components?type=${type}`, which);
  await admin.delete(`/my-realm/components/${String(policy['id'])}`);
  await admin.close();
}

describe('with Keycloak', () => {
  const closing: (() => Promise<unknown>)[] = [];
  let environment: Python;
  let realm: Realm;
  let world: RealWorld;
  before(async () => {
    environment = await python();
    const keycloak = await Keycloak.start();
    closing.push(() => keycloak.stop());
    realm = { issuer: keycloak.issuer(), ca: keycloak.ca };
    const callbackPort = (await freePorts(1))[0]!;
    // Keycloak compares the whole redirect URI: a client that does not register itself has a port of its own.
    const redirectUris = [...REDIRECT_URIS, `http://localhost:${callbackPort}/callback`];
    const clients = [{ clientId: 'mcp-client', redirectUris }];
    assert.equal((await runRealm(keycloak, { config: { clients } })).stderr, '');
    await removeConsentPolicy(keycloak);

    const embedded = await startEmbeddedAuthorizationServer();
    closing.push(() => embedded.close());
    const pair = await startPair({ python: environment, issuer: realm.issuer, issuerCa: realm.ca });
    closing.push(pair.stop);
    const other = { issuer: embedded.issuer, ca: embedded.authority.certificate };
    world = { pair, python: environment, tokens: await logInForTokens(realm, other), callbackPort };
  });
  after(() => Promise.all(closing.map((close) => close())));

  for (const [title, situations] of Object.entries(REAL_SITUATIONS)) {
    describe(title, () => compareAll({ situations, pair: () => world.pair, world: () => world, record }));
  }

  it('both serve FastMCP’s client from the URL alone when both name the scope', async () => {
    const { issuer, ca } = realm;
    const required = { requiredScopes: ['echo-mcp-server'] };
    const pair = await startPair({ python: environment, issuer, issuerCa: ca, ...required });
    try {
      for (const { url } of [pair.withCode, pair.behindSidecar]) {
        const { calls } = await runClient(environment, { url }, pair.caFile);
        assert.deepEqual(calls, [{ is_error: false, text: 'hello hello hello ' }]);
      }
      const token = (await logInAsEitan(realm, 'openid')).access_token; // neither scope nor audience
      assert.equal(await tellOf(pair.behindSidecar, token), await tellOf(pair.withCode, token));
    } finally {
      await pair.stop();
    }
  });
});
