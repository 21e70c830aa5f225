// What is found out about a principal holds for a while; a request under way is authenticated again when it does not.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import {
  Authenticator,
  type Authentication,
  type Principal,
} from '../../../../src/sidecar/authentication/authenticate.ts';
import type { SidecarConfig } from '../../../../src/sidecar/config/config.ts';
import { Introspector } from '../../../../src/sidecar/issuers/introspection.ts';
import { IssuerMetadataSource } from '../../../../src/sidecar/issuers/metadata.ts';
import { AUDIENCE, signingKey, type SigningKey } from '../../../kit/issuer.ts';
import { AuthenticatorBed, CONFIG, dpopVerifier, ISSUER, PLAIN } from '../../../support/authenticator-bed.ts';

const LIFE_MS = 300_000;
const SKEW_MS = CONFIG.clockSkewSeconds * 1000;

let key: SigningKey;
let other: SigningKey;
let bed: AuthenticatorBed;
before(async () => {
  [key, other] = await Promise.all([signingKey('k1', 'ES256'), signingKey('k2', 'ES256')]);
});
beforeEach(async () => {
  bed = new AuthenticatorBed([key, other]);
  await bed.keys.start();
});
after(() => bed.stop());

function outcome(authentication: Authentication): string {
  if (authentication.ok) return 'ok';
  return 'reason' in authentication.denial ? authentication.denial.reason : authentication.denial.kind;
}

async function principalOf(authenticator: Authenticator, token: string): Promise<Principal> {
  const authentication = await authenticator.authenticate(`Bearer ${token}`, PLAIN);
  assert.ok(authentication.ok);
  return authentication.principal;
}

/** What the request gets that was begun with this token, as a stream and as a call. */
async function again(authenticator: Authenticator, principal: Principal, token: string): Promise<string[]> {
  const outcomes: string[] = [];
  for (const isCall of [false, true]) {
    const underWay = { principal, authorization: `Bearer ${token}`, isCall };
    outcomes.push(outcome(await authenticator.authenticateAgain(underWay, PLAIN)));
  }
  return outcomes;
}

/** The same keys, another configuration. */
function configured(changes: Partial<SidecarConfig>, introspector?: Introspector): Authenticator {
  return new Authenticator({ ...CONFIG, ...changes } as SidecarConfig, {
    clock: () => bed.now,
    keys: new Map([[ISSUER, bed.keys]]),
    dpop: dpopVerifier(() => bed.now),
    introspector,
    onVerified: () => undefined,
  });
}

const issuerWith = (changes: Partial<SidecarConfig['issuers'][number]>) => ({
  issuers: [{ ...CONFIG.issuers[0]!, ...changes }],
});

describe('a principal holds', () => {
  it('until its token has expired, and no longer', async () => {
    const principal = await principalOf(bed.authenticator, bed.token(key));
    bed.now += LIFE_MS + SKEW_MS - 1;
    assert.ok(bed.authenticator.holds(principal));
    bed.now += 1;
    assert.ok(!bed.authenticator.holds(principal));
    assert.ok(!bed.authenticator.isOutdated(principal), 'time alone is no reason to look again');
  });

  it('while its key is published', async () => {
    const principal = await principalOf(bed.authenticator, bed.token(key));
    bed.published = [other.jwk];
    await bed.keys.start();
    assert.ok(!bed.authenticator.holds(principal));
    assert.ok(bed.authenticator.isOutdated(principal));
  });

  it('while its key could be refreshed within a day', async () => {
    const principal = await principalOf(bed.authenticator, bed.token(key, 10 * 86_400));
    bed.now += 24 * 3_600_000 + 1;
    assert.ok(!bed.authenticator.holds(principal));
  });

  it('for the configuration that found it, not for an equal one', async () => {
    const principal = await principalOf(bed.authenticator, bed.token(key));
    const next = configured({});
    assert.ok(!next.holds(principal));
    assert.ok(next.isOutdated(principal));
  });
});

describe('a request under way is authenticated again', () => {
  const rows: Record<string, [Partial<SidecarConfig>, string]> = {
    'an equal configuration': [{}, 'ok'],
    'another issuer': [issuerWith({ issuer: 'https://other.test' }), 'unknown_issuer'],
    'another audience': [issuerWith({ audiences: ['x'] }), 'wrong_audience'],
    'another algorithm': [issuerWith({ algorithms: ['RS256'] }), 'algorithm_not_allowed'],
    'another profile': [issuerWith({ tokenProfile: 'Strict' }), 'wrong_type'],
    'bound tokens only': [{ dpop: { ...CONFIG.dpop, mode: 'Require' } }, 'no_credentials'],
    'client certificates required': [{ clientCertificates: { mode: 'Require' } }, 'not_bound'],
  };
  for (const [name, [changes, expected]] of Object.entries(rows)) {
    it(`${name}: ${expected}`, async () => {
      const token = bed.token(key);
      const principal = await principalOf(bed.authenticator, token);
      assert.deepEqual(await again(configured(changes), principal, token), [expected, expected]);
    });
  }

  it('after its token: a stream is refused, a call goes on, also by another configuration', async () => {
    const token = bed.token(key);
    const principal = await principalOf(bed.authenticator, token);
    bed.now += 2 * LIFE_MS;
    assert.deepEqual(await again(configured({}), principal, token), ['expired', 'ok']);
    const refused = configured(issuerWith({ audiences: ['x'] }));
    assert.deepEqual(await again(refused, principal, token), ['wrong_audience', 'wrong_audience']);
  });

  it('a call that has outlived its token opens nothing for a fresh request', async () => {
    const token = bed.token(key);
    const principal = await principalOf(bed.authenticator, token);
    bed.now += 2 * LIFE_MS;
    const next = configured({});
    await again(next, principal, token);
    assert.equal(outcome(await next.authenticate(`Bearer ${token}`, PLAIN)), 'expired');
  });

  it('its key was withdrawn: refused without asking the issuer', async () => {
    const token = bed.token(key);
    const principal = await principalOf(bed.authenticator, token);
    bed.published = [other.jwk];
    await bed.keys.start();
    const { fetches } = bed;
    assert.deepEqual(await again(bed.authenticator, principal, token), ['unknown_key', 'unknown_key']);
    assert.equal(bed.fetches, fetches);
  });

  it('its key is published in other words: it goes on', async () => {
    const rsa = await signingKey('k3');
    bed.published = [rsa.jwk];
    await bed.keys.start();
    const token = bed.token(rsa);
    const principal = await principalOf(bed.authenticator, token);
    bed.published = [{ ...rsa.jwk, alg: undefined }];
    await bed.keys.start();
    assert.ok(bed.authenticator.isOutdated(principal));
    assert.deepEqual(await again(bed.authenticator, principal, token), ['ok', 'ok']);
  });
});

describe('an opaque token under way', () => {
  const TOKEN = 'opaque';
  /** What the authorization server says; undefined where it gives no answer. */
  let answer: string | undefined;
  let asked: number;
  let authenticator: Authenticator;
  let principal: Principal;

  const active = () =>
    JSON.stringify({ active: true, aud: AUDIENCE, sub: 'a', client_id: 'c', exp: bed.seconds + 3600 });
  const introspecting = () => {
    const stop = new AbortController();
    const common = { ca: undefined, signal: stop.signal };
    const introspector = new Introspector(
      ISSUER,
      `${ISSUER}/introspect`,
      { clientId: 'c', clientSecret: 's' },
      {
        ...common,
        clock: () => bed.now,
        onAsked: () => undefined,
        fetchText: () => {
          asked++;
          return answer === undefined ? Promise.reject(new Error('down')) : Promise.resolve(answer);
        },
        metadata: new IssuerMetadataSource(ISSUER, {
          ...common,
          fetchText: () => Promise.reject(new Error('not asked')),
          onMismatch: () => undefined,
        }),
      },
    );
    return configured({}, introspector);
  };

  beforeEach(async () => {
    asked = 0;
    answer = active();
    authenticator = introspecting();
    principal = await principalOf(authenticator, TOKEN);
  });

  it('holds for a minute, and is asked about after it', async () => {
    bed.now += 59_999;
    assert.ok(authenticator.holds(principal) && !authenticator.isOutdated(principal));
    bed.now += 1;
    assert.ok(!authenticator.holds(principal) && authenticator.isOutdated(principal));
    assert.deepEqual(await again(authenticator, principal, TOKEN), ['ok', 'ok']);
    assert.equal(asked, 2, 'one answer for both');
  });

  it('is refused when it is inactive', async () => {
    bed.now += 60_000;
    answer = '{"active":false}';
    assert.deepEqual(await again(authenticator, principal, TOKEN), ['inactive', 'inactive']);
  });

  it('goes on for a minute more without an answer, with pauses between attempts, and no longer', async () => {
    answer = undefined;
    bed.now += 60_000;
    const underWay = { principal, authorization: `Bearer ${TOKEN}`, isCall: false };
    const authentication = await authenticator.authenticateAgain(underWay, PLAIN);
    assert.ok(authentication.ok);
    assert.ok(authenticator.holds(authentication.principal));
    bed.now += 10_000;
    assert.ok(!authenticator.holds(authentication.principal), 'it is asked about again soon');
    bed.now += 49_999;
    assert.deepEqual(await again(authenticator, authentication.principal, TOKEN), ['ok', 'ok']);
    bed.now += 1;
    const unavailable = ['introspection_failed', 'introspection_failed'];
    assert.deepEqual(await again(authenticator, authentication.principal, TOKEN), unavailable);
  });

  it('goes on by no other configuration without an answer', async () => {
    const next = introspecting();
    answer = undefined;
    const unavailable = ['introspection_failed', 'introspection_failed'];
    assert.deepEqual(await again(next, principal, TOKEN), unavailable);
  });

  it('has expired, and its authorization server is behind: a call is not ended by that either', async () => {
    answer = JSON.stringify({ ...(JSON.parse(active()) as object), active: true });
    bed.now += 3_600_000 + SKEW_MS;
    assert.deepEqual(await again(authenticator, principal, TOKEN), ['expired', 'ok']);
  });

  it('is inactive long before its end: that ends a call, too', async () => {
    answer = '{"active":false}';
    bed.now += 3_600_000 - 2 * SKEW_MS;
    assert.deepEqual(await again(authenticator, principal, TOKEN), ['inactive', 'inactive']);
  });

  it('has expired: inactive says no more than that, and does not end a call, which is not asked about again', async () => {
    bed.now += 3_600_000;
    answer = '{"active":false}';
    assert.deepEqual(await again(authenticator, principal, TOKEN), ['inactive', 'ok']);
    const underWay = { principal, authorization: `Bearer ${TOKEN}`, isCall: true };
    const authentication = await authenticator.authenticateAgain(underWay, PLAIN);
    assert.ok(authentication.ok);
    bed.now += 3_600_000;
    assert.ok(!authenticator.isOutdated(authentication.principal));
    assert.ok(!authenticator.holds(authentication.principal), 'and opens nothing new');
  });
});
