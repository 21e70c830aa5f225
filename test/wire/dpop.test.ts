// Tokens bound to a key of the client (RFC 9449): replays, also across a reload, exact challenges, nonces. The checks of a proof: test/unit.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { METADATA_URL } from '../support/challenge.ts';
import { DpopClient } from '../kit/dpop.ts';
import { RawConnection } from '../kit/raw.ts';
import { type Answer } from '../kit/http.ts';
import { TestBed, type CallOptions } from '../support/sidecar.ts';
import { openEventStream } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';

const ALGORITHMS = 'ES256 ES384 ES512 EdDSA Ed25519 PS256 RS256';
const LIFETIME = 20;
const DPOP = { mode: 'Accept', proofLifetimeSeconds: LIFETIME, nonces: 'Off' } as const;

let bed: TestBed;
let client: DpopClient;
/** Another client, with a key of its own. */
let thief: DpopClient;
before(async () => {
  [client, thief] = await Promise.all([DpopClient.create(), DpopClient.create()]);
  bed = await TestBed.start({ config: () => ({ dpop: DPOP }) });
});
after(() => bed.stop());
beforeEach(() => {
  bed.upstream.requests.length = 0;
});

const now = () => Math.floor(Date.now() / 1000);
const bound = () => client.token(bed.issuer);
const call = (headers: Record<string, string | string[]>, options: CallOptions = {}) =>
  bed.call({ ...options, headers });
const reasonOf = async ({ body }: Answer): Promise<string | undefined> => {
  const { request_id: id } = JSON.parse(body) as { request_id: string };
  await waitFor(() => bed.log.includes(id), 'the log line');
  return new RegExp(`"reason":"(\\w+)".*${id}`).exec(bed.log)?.[1];
};

/** The two challenges where the error stands with the one given. */
function challenges(error: string | undefined, at: 'Bearer' | 'DPoP', scope = 'mcp:basic'): string {
  const failed = (scheme: string) => (error !== undefined && scheme === at ? `error="${error}", ` : '');
  const asked = error !== undefined && at === 'DPoP' ? `scope="${scope}", ` : '';
  const metadata = `resource_metadata="${METADATA_URL}"`;
  return (
    `Bearer ${failed('Bearer')}scope="${scope}", ${metadata}, ` +
    `DPoP ${failed('DPoP')}${asked}algs="${ALGORITHMS}", ${metadata}`
  );
}

function assertDenied(answer: Answer, status: number, challenge: string): void {
  assert.equal(answer.status, status, answer.body);
  assert.equal(answer.headers['www-authenticate'], challenge);
  assert.equal(answer.headers['cache-control'], 'no-store');
  assert.deepEqual(bed.upstream.requests, []);
}

describe('a bound token with its proof passes', () => {
  it('and neither it nor the proof reaches the server or the log', async () => {
    const fields = client.fields(bound());
    assert.equal((await call(fields)).status, 200);
    const [request] = bed.upstream.requests;
    assert.equal(request?.headers['dpop'], undefined);
    assert.equal(request?.headers.authorization, undefined);
    assert.equal(request?.headers['x-mcp-subject'], 'alice');
    assert.ok(!bed.log.includes('eyJ'));
  });

  it('while a plain token passes as Bearer, as before', async () => {
    assert.equal((await bed.callWith(bed.issuer.token())).status, 200);
    assert.equal((await bed.callWith(bed.issuer.token(), { headers: { DPoP: 'x' } })).status, 200);
  });
});

describe('a proof that was used', () => {
  it('is refused the second time, and for a fresh token of the same client too', async () => {
    const fields = client.fields(bound());
    assert.equal((await call(fields)).status, 200);
    bed.upstream.requests.length = 0;
    const answer = await call(fields);
    assertDenied(answer, 401, challenges('invalid_dpop_proof', 'DPoP'));
    assert.equal(await reasonOf(answer), 'replayed_proof');
    const jti = { claims: { jti: crypto.randomUUID() } };
    assert.equal((await call(client.fields(bound(), jti))).status, 200);
    bed.upstream.requests.length = 0;
    assertDenied(await call(client.fields(bound(), jti)), 401, challenges('invalid_dpop_proof', 'DPoP'));
  });

  it('passes once when it comes ten times at once', async () => {
    const token = bound();
    assert.equal((await call(client.fields(token))).status, 200);
    const fields = client.fields(token);
    const statuses = await Promise.all(Array.from({ length: 10 }, async () => (await call(fields)).status));
    assert.equal(statuses.filter((status) => status === 200).length, 1, statuses.join(' '));
  });

  it('is refused after a change of the configuration', async () => {
    const fields = client.fields(bound());
    assert.equal((await call(fields)).status, 200);
    const { digest } = await statusDigest();
    await bed.writeConfig({ ...bed.config, drainSeconds: 9 });
    await waitFor(async () => (await statusDigest()).digest !== digest, 'the new configuration');
    bed.upstream.requests.length = 0;
    assertDenied(await call(fields), 401, challenges('invalid_dpop_proof', 'DPoP'));
  });

  async function statusDigest(): Promise<{ digest: string }> {
    return { digest: (await bed.status()).configDigest };
  }
});

describe('the scheme must fit the token', () => {
  const cases: Record<string, readonly [string, () => Record<string, string>]> = {
    'a bound token as Bearer': ['Bearer', () => ({ Authorization: `Bearer ${bound()}` })],
    'a bound token as Bearer, with a good proof': [
      'Bearer',
      () => {
        const token = bound();
        return { Authorization: `Bearer ${token}`, DPoP: client.proof({ token }) };
      },
    ],
    'a plain token with the scheme DPoP': ['DPoP', () => client.fields(bed.issuer.token())],
    'a token bound in a way that is not known': [
      'DPoP',
      () => client.fields(client.token(bed.issuer, { claims: { cnf: { jkt: client.jkt, 'x-new': 1 } } })),
    ],
    'a token bound to a certificate besides, which is not asked for': [
      'DPoP',
      () =>
        client.fields(
          client.token(bed.issuer, { claims: { cnf: { jkt: client.jkt, 'x5t#S256': 'A'.repeat(43) } } }),
        ),
    ],
    'a thumbprint that is none': [
      'DPoP',
      () => client.fields(client.token(bed.issuer, { claims: { cnf: { jkt: 'x' } } })),
    ],
    'cnf is a list': [
      'DPoP',
      () => client.fields(client.token(bed.issuer, { claims: { cnf: [client.jkt] } })),
    ],
    'cnf is null': [
      'Bearer',
      () => ({ Authorization: `Bearer ${bed.issuer.token({ claims: { cnf: null } })}` }),
    ],
    'an expired token, with a good proof': [
      'DPoP',
      () => client.fields(client.token(bed.issuer, { claims: { exp: now() - 60 } })),
    ],
    'a malformed token, with no proof': ['DPoP', () => ({ Authorization: 'DPoP x' })],
  };
  for (const [name, [scheme, fields]] of Object.entries(cases)) {
    it(name, async () => {
      for (let i = 0; i < 2; i++) {
        assertDenied(await call(fields()), 401, challenges('invalid_token', scheme as 'Bearer' | 'DPoP'));
      }
    });
  }

  it('a bound token that was accepted before, as Bearer: what is remembered does not help', async () => {
    const token = bound();
    assert.equal((await call(client.fields(token))).status, 200);
    bed.upstream.requests.length = 0;
    assertDenied(await bed.callWith(token), 401, challenges('invalid_token', 'Bearer'));
    assertDenied(
      await call({ Authorization: `DPoP ${token}` }),
      401,
      challenges('invalid_dpop_proof', 'DPoP'),
    );
    const { DPoP } = thief.fields(token);
    assertDenied(
      await call({ Authorization: `DPoP ${token}`, DPoP: DPoP! }),
      401,
      challenges('invalid_dpop_proof', 'DPoP'),
    );
  });

  it('no credentials: both challenges, no error; a proof alone is none', async () => {
    assertDenied(await call({}), 401, challenges(undefined, 'Bearer'));
    assertDenied(await call({ DPoP: client.proof({ token: '' }) }), 401, challenges(undefined, 'Bearer'));
    assertDenied(await call({ Authorization: 'DPoP' }), 401, challenges(undefined, 'Bearer'));
    assertDenied(await call({ Authorization: 'DPoP  ' }), 401, challenges(undefined, 'Bearer'));
    assertDenied(await call({ Authorization: 'DPoPx y' }), 401, challenges(undefined, 'Bearer'));
  });

  it('two tokens are none: 400', async () => {
    const headers = { Authorization: `DPoP ${bound()} extra` };
    assertDenied(await call(headers), 400, challenges('invalid_request', 'DPoP'));
    const connection = await RawConnection.open(bed);
    const fields = `Authorization: DPoP ${bound()}\r\nAuthorization: Bearer ${bed.issuer.token()}\r\n`;
    connection.send(`GET /mcp HTTP/1.1\r\nHost: localhost:8001\r\n${fields}\r\n`);
    assert.deepEqual(await connection.waitForStatuses(1), [400]);
    connection.destroy();
    assert.deepEqual(bed.upstream.requests, []);
  });

  it('too few scopes: the error stands with the scheme that was used', async () => {
    const token = client.token(bed.issuer, { claims: { scope: 'openid' } });
    assertDenied(await call(client.fields(token)), 403, challenges('insufficient_scope', 'DPoP'));
  });

  it('a browser may send proofs, and read challenges and nonces', async () => {
    const Origin = 'http://localhost:6274';
    const preflight = await bed.call({
      method: 'OPTIONS',
      headers: {
        Origin,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'authorization, dpop',
      },
    });
    assert.equal(preflight.status, 204);
    assert.match(preflight.headers['access-control-allow-headers'] ?? '', /\bDPoP\b/);
    const answer = await call({ Origin });
    assert.match(answer.headers['access-control-expose-headers'] ?? '', /\bDPoP-Nonce\b/);
  });
});

describe('where nonces are required', () => {
  let nonces: TestBed;
  before(async () => {
    nonces = await TestBed.start({ config: () => ({ dpop: { ...DPOP, nonces: 'Required' } }) });
  });
  after(() => nonces.stop());

  const token = () => client.token(nonces.issuer);
  const nonceOf = async () => (await nonces.call()).headers['dpop-nonce'] as string;

  it('a proof without one is sent back with one, and then passes', async () => {
    const bare = await nonces.call({ headers: client.fields(token()) });
    assert.equal(bare.status, 401);
    assert.equal(bare.headers['www-authenticate'], challenges('use_dpop_nonce', 'DPoP'));
    assert.equal(bare.headers['cache-control'], 'no-store');
    assert.deepEqual(nonces.upstream.requests, []);
    const nonce = bare.headers['dpop-nonce'] as string;
    assert.match(nonce, /^[A-Za-z0-9_-]{43}$/);
    const answer = await nonces.call({ headers: client.fields(token(), { claims: { nonce } }) });
    assert.equal(answer.status, 200);
    assert.equal(typeof answer.headers['dpop-nonce'], 'string', 'the next one comes with the answer');
  });

  it('a stream carries it in its head', async () => {
    nonces.upstream.script = openEventStream;
    const claims = { nonce: await nonceOf() };
    const stream = await nonces.open({
      method: 'GET',
      headers: client.fields(token(), { claims, method: 'GET' }),
    });
    assert.equal(stream.statusCode, 200);
    assert.equal(typeof stream.headers['dpop-nonce'], 'string');
    stream.destroy();
  });

  it('a proof that is wrong besides gets no second chance', async () => {
    const answer = await nonces.call({ headers: client.fields(token(), { claims: { htm: 'GET' } }) });
    assert.equal(answer.headers['www-authenticate'], challenges('invalid_dpop_proof', 'DPoP'));
  });

  it('a nonce of another replica is none', async () => {
    const other = await TestBed.start({
      certificate: nonces.certificate,
      config: () => ({ dpop: { ...DPOP, nonces: 'Required' } }),
    });
    try {
      const nonce = (await other.call()).headers['dpop-nonce'];
      const answer = await nonces.call({ headers: client.fields(token(), { claims: { nonce } }) });
      assert.equal(answer.headers['www-authenticate'], challenges('use_dpop_nonce', 'DPoP'));
    } finally {
      await other.stop();
    }
  });
});

describe('where bound tokens are required', () => {
  let only: TestBed;
  before(async () => {
    only = await TestBed.start({ config: () => ({ dpop: { ...DPOP, mode: 'Require' } }) });
  });
  after(() => only.stop());
  const challenge = (error = '') =>
    `DPoP ${error}scope="mcp:basic", algs="${ALGORITHMS}", resource_metadata="${METADATA_URL}"`;

  it('a plain token is refused, and nothing but DPoP is offered', async () => {
    for (const answer of [await only.callWith(only.issuer.token()), await only.call()]) {
      assert.equal(answer.status, 401);
      assert.equal(answer.headers['www-authenticate'], challenge());
    }
    const bearer = await only.callWith(client.token(only.issuer));
    assert.equal(bearer.status, 401);
    const plain = await only.call({ headers: client.fields(only.issuer.token()) });
    assert.equal(plain.headers['www-authenticate'], challenge('error="invalid_token", '));
    const basic = await only.call({ headers: { Authorization: 'Basic dTpw' } });
    assert.equal(basic.headers['www-authenticate'], challenge());
    assert.deepEqual(only.upstream.requests, []);
  });

  it('a bound one passes', async () => {
    assert.equal((await only.call({ headers: client.fields(client.token(only.issuer)) })).status, 200);
  });
});

describe('where proofs are not looked at', () => {
  let off: TestBed;
  before(async () => {
    off = await TestBed.start();
  });
  after(() => off.stop());

  it('the scheme is not known, a bound token is refused, and the metadata is silent', async () => {
    const unknown = await off.call({ headers: client.fields(client.token(off.issuer)) });
    assert.equal(unknown.status, 401);
    const bare = `Bearer scope="mcp:basic", resource_metadata="${METADATA_URL}"`;
    assert.equal(unknown.headers['www-authenticate'], bare);
    const bearer = await off.callWith(client.token(off.issuer));
    assert.equal(bearer.status, 401);
    assert.match(bearer.headers['www-authenticate'] ?? '', /^Bearer error="invalid_token", /);
    assert.deepEqual(off.upstream.requests, []);
    const { body } = await off.call({ method: 'GET', path: '/.well-known/oauth-protected-resource/mcp' });
    assert.ok(!body.includes('dpop'));
  });
});

it('no proof, nor a part of one, is in the log', () => {
  assert.ok(bed.log.includes('invalid_dpop_proof'));
  assert.ok(!bed.log.includes('eyJ'));
});
