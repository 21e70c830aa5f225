// Tokens that are accepted, and those that must be refused: one named case each. Nothing of a refused one reaches the server.
import assert from 'node:assert/strict';
import { createHmac, type KeyObject } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import { selfSigned } from '../support/certificate.ts';
import { assertRefused, type Refusal } from '../support/challenge.ts';
import {
  AUDIENCE,
  base64Url,
  signingKey,
  TestIssuer,
  type SigningKey,
  type TokenChanges,
} from '../support/issuer.ts';
import { RawConnection } from '../support/raw.ts';
import { TestBed, type CallOptions } from '../support/sidecar.ts';
import { waitFor } from '../support/wait.ts';

const RESOURCE = 'https://localhost:8001/mcp';
const SKEW = 5;

let bed: TestBed;
/** Trusted too, with the Strict profile and RS256 only. Its RS256 key has the same id as the first issuer's. */
let strict: TestIssuer;
/** A key that no issuer publishes, under the id of one that is. */
let foreign: SigningKey;

before(async () => {
  const certificate = await selfSigned();
  strict = await TestIssuer.start(certificate);
  foreign = await signingKey('k1');
  bed = await TestBed.start({
    certificate,
    config: ({ issuers: [first] }) => {
      const issuer = { ...first!, audiences: [AUDIENCE, RESOURCE] };
      const second = {
        ...issuer,
        issuer: strict.issuer,
        algorithms: ['RS256' as const],
        tokenProfile: 'Strict' as const,
      };
      return { issuers: [issuer, second], clockSkewSeconds: SKEW };
    },
  });
});
after(async () => {
  await bed.stop();
  await strict.close();
});
beforeEach(() => {
  bed.upstream.requests.length = 0;
});

/** Tokens of the first issuer, good but for the changes. */
const token = (changes?: TokenChanges) => bed.issuer.token(changes);
const claims = (changes: Record<string, unknown>) => token({ claims: changes });
const header = (changes: Record<string, unknown>) => token({ header: changes });
const claimsText = (from: string | RegExp, to: string) =>
  token({ claimsText: (json) => replaced(json, from, to) });
const headerText = (from: string | RegExp, to: string) =>
  token({ headerText: (json) => replaced(json, from, to) });
const es256 = () => bed.issuer.keys[1]!;
const now = () => Math.floor(Date.now() / 1000);

/** A token of the second issuer with all that the Strict profile asks for. */
const strictToken = (changes: TokenChanges = {}) =>
  strict.token({
    ...changes,
    header: { typ: 'at+jwt', ...changes.header },
    claims: { client_id: 'c1', ...changes.claims },
  });

/** A good token whose parts are replaced after it was signed. */
function altered(
  change: (header: string, payload: string, signature: string) => (string | undefined)[],
): string {
  const [first = '', second = '', third = ''] = token().split('.');
  return change(first, second, third).join('.');
}

/** Says `alg: HS256` and uses the bytes of the public key as the shared secret (RFC 8725 section 2.1). */
function hmacWith(secret: (key: KeyObject, jwk: string) => string | Buffer): string {
  const { jwk, publicKey } = bed.issuer.keys[0]!;
  return altered((_, payload) => {
    const protectedHeader = base64Url(JSON.stringify({ alg: 'HS256', typ: 'JWT', kid: 'k1' }));
    const mac = createHmac('sha256', secret(publicKey, JSON.stringify(jwk)));
    return [protectedHeader, payload, mac.update(`${protectedHeader}.${payload}`).digest('base64url')];
  });
}

function unsigned(alg: string, signature: (original: string) => string): string {
  return altered((_, payload, original) => [
    base64Url(JSON.stringify({ alg, typ: 'JWT', kid: 'k1' })),
    payload,
    signature(original),
  ]);
}

/** The same value in another spelling: only bits that stand for nothing are set (RFC 4648 section 3.5). */
function withUnusedBits(part: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const other = part.slice(0, -1) + alphabet[alphabet.indexOf(part.at(-1)!) + 1]!;
  assert.deepEqual(
    Buffer.from(other, 'base64url'),
    Buffer.from(part, 'base64url'),
    'the test changes no used bit',
  );
  return other;
}

function replaced(text: string, from: string | RegExp, to: string): string {
  const result = text.replace(from, to);
  assert.notEqual(result, text, 'the test changes something');
  return result;
}

describe('a token is accepted', () => {
  const cases: Record<string, () => string> = {
    'signed with RS256': () => token(),
    'signed with ES256': () => token({ key: es256() }),
    'audience is one of several': () => claims({ aud: ['account', AUDIENCE] }),
    'audience is the resource identifier': () => claims({ aud: RESOURCE }),
    'expired, but within the skew': () => claims({ exp: now() - (SKEW - 2) }),
    'not yet valid, but within the skew': () => claims({ nbf: now() + SKEW - 1, iat: now() + SKEW - 1 }),
    'without a key id, where one key fits': () => token({ key: es256(), header: { kid: undefined } }),
    'without a type, in the Compat profile': () => header({ typ: undefined }),
    'type at+jwt': () => header({ typ: 'at+jwt' }),
    'type application/AT+JWT': () => header({ typ: 'application/AT+JWT' }),
    'Keycloak payload type Bearer': () => claims({ typ: 'Bearer' }),
    'the client in client_id, not azp': () => claims({ azp: undefined, client_id: 'c1' }),
    'scopes in scp as a list': () => claims({ scope: undefined, scp: ['mcp:basic'] }),
    'scopes in scp as a string': () => claims({ scope: undefined, scp: 'openid mcp:basic' }),
    'of the Strict issuer, complete': () => strictToken(),
  };

  for (const [name, make] of Object.entries(cases)) {
    it(name, async () => {
      const answer = await bed.callWith(make());
      assert.equal(answer.status, 200, answer.body);
      assert.equal(bed.upstream.requests.length, 1);
    });
  }

  it('scheme in any case, any number of spaces', async () => {
    const answer = await bed.call({ headers: { Authorization: `bEaReR   ${token()}` } });
    assert.equal(answer.status, 200, answer.body);
  });
});

/** Why it is refused, as the log says it, and the token. */
type Case = readonly [reason: string, make: () => string];

describe('a token is refused with invalid_token', () => {
  const cases: Record<string, Case> = {
    // Shape
    'not a JWT': ['malformed', () => 'not-a-jwt'],
    'one part missing': ['malformed', () => altered((h, p) => [h, p])],
    'one part too many': ['malformed', () => altered((h, p, s) => [h, p, s, s])],
    'five parts, as of a JWE': ['malformed', () => altered((h, p, s) => [h, p, s, s, s])],
    'empty header': ['malformed', () => altered((_, p, s) => ['', p, s])],
    'empty payload': ['malformed', () => altered((h, _, s) => [h, '', s])],
    'empty signature': ['malformed', () => altered((h, p) => [h, p, ''])],
    'JSON serialization': [
      'malformed',
      () =>
        altered((h, p, s) => [`{"payload":"${p}","protected":"${h}","signature":"${s}"}`]).replaceAll(
          ',',
          ';',
        ),
    ],
    'padding after the signature': ['malformed', () => `${token()}=`],
    'padding after the payload': ['malformed', () => altered((h, p, s) => [h, `${p}==`, s])],
    'a tab inside': ['malformed', () => altered((h, p, s) => [h, `${p}\t`, s])],
    'plus and slash for minus and underscore': [
      'malformed',
      () => altered((h, p, s) => [h, p, `${s.slice(0, -2)}+/`]),
    ],
    'unused bits set in the signature': ['malformed', () => altered((h, p, s) => [h, p, withUnusedBits(s)])],
    'longer than 16 KiB less the rest of the head': ['malformed', () => `${'A'.repeat(15_000)}.e30`],

    // Header
    'algorithm none, empty signature': ['malformed', () => unsigned('none', () => '')],
    'algorithm none, signature kept': ['algorithm_not_allowed', () => unsigned('none', (kept) => kept)],
    'algorithm None': ['algorithm_not_allowed', () => unsigned('None', (kept) => kept)],
    'algorithm NONE': ['algorithm_not_allowed', () => unsigned('NONE', (kept) => kept)],
    'algorithm empty': ['algorithm_not_allowed', () => unsigned('', (kept) => kept)],
    'no algorithm': ['algorithm_not_allowed', () => header({ alg: undefined })],
    'algorithm not a string': ['algorithm_not_allowed', () => header({ alg: ['RS256'] })],
    'HS256 with the PEM of the public key': [
      'algorithm_not_allowed',
      () => hmacWith((key) => key.export({ type: 'spki', format: 'pem' })),
    ],
    'HS256 with the DER of the public key': [
      'algorithm_not_allowed',
      () => hmacWith((key) => key.export({ type: 'spki', format: 'der' })),
    ],
    'HS256 with the JWK of the public key': ['algorithm_not_allowed', () => hmacWith((_, jwk) => jwk)],
    'RS512, which is not allowed': ['algorithm_not_allowed', () => header({ alg: 'RS512' })],
    'ES256, which this issuer may not use': [
      'algorithm_not_allowed',
      () => strictToken({ key: strict.keys[1]! }),
    ],
    'ES256 with the id of an RSA key': ['unknown_key', () => token({ key: es256(), header: { kid: 'k1' } })],
    'a key id that nobody has': ['unknown_key', () => header({ kid: 'k404' })],
    'a key id that is a path': ['unknown_key', () => header({ kid: '../../etc/passwd' })],
    'a key id with a line end': ['unknown_key', () => header({ kid: 'k1\r\nX-Evil: \u00e9"' })],
    'a key id that is a number': ['bad_kid', () => header({ kid: 1 })],
    'a key id that is an object': ['bad_kid', () => header({ kid: { k1: true } })],
    'crit with an unknown name': ['unsupported_crit', () => header({ crit: ['x'], x: 1 })],
    'crit empty': ['unsupported_crit', () => header({ crit: [] })],
    'crit not a list': ['unsupported_crit', () => header({ crit: 'exp' })],
    'crit with line ends in it': ['unsupported_crit', () => header({ crit: ['a\r\nX: y"'] })],
    'b64 false': ['unsupported_crit', () => header({ crit: ['b64'], b64: false })],
    'type dpop+jwt': ['wrong_type', () => header({ typ: 'dpop+jwt' })],
    'type logout+jwt': ['wrong_type', () => header({ typ: 'logout+jwt' })],
    'type secevent+jwt': ['wrong_type', () => header({ typ: 'secevent+jwt' })],
    'type not a string': ['wrong_type', () => header({ typ: 1 })],
    'Strict: type JWT': ['wrong_type', () => strictToken({ header: { typ: 'JWT' } })],
    'Strict: no type': ['wrong_type', () => strictToken({ header: { typ: undefined } })],
    'Strict: type dpop+jwt': ['wrong_type', () => strictToken({ header: { typ: 'dpop+jwt' } })],

    // Signature
    'signed by a foreign key with a known id': ['bad_signature', () => token({ key: foreign })],
    'signed by a foreign key that the header brings along': [
      'bad_signature',
      () => token({ key: foreign, header: { jwk: foreign.jwk } }),
    ],
    'signed by a foreign key, without an id': [
      'bad_signature',
      () => token({ key: foreign, header: { kid: undefined } }),
    ],
    'signed by the other issuer, whose key has the same id': [
      'bad_signature',
      () => token({ key: strict.keys[0]! }),
    ],
    'payload changed after signing': [
      'bad_signature',
      () =>
        altered((h, p, s) => [
          h,
          base64Url(replaced(Buffer.from(p, 'base64url').toString(), '"alice"', '"admin"')),
          s,
        ]),
    ],
    'header changed after signing': [
      'bad_signature',
      () => altered((_, p, s) => [base64Url('{"typ":"JWT","alg":"RS256","kid":"k1"}'), p, s]),
    ],
    'signature cut short': ['bad_signature', () => altered((h, p, s) => [h, p, s.slice(0, -2)])],

    // JSON
    'header is not JSON': ['malformed', () => token({ headerText: () => 'alg=RS256' })],
    'claims are not an object': ['malformed', () => token({ claimsText: () => '["iss"]' })],
    'claims are not UTF-8': [
      'malformed',
      () => token({ claimsText: (json) => Buffer.from(replaced(json, 'alice', '\u00e9'), 'latin1') }),
    ],
    'claims in UTF-16': ['malformed', () => token({ claimsText: (json) => Buffer.from(json, 'utf16le') })],
    'claims begin with a byte order mark': [
      'malformed',
      () => token({ claimsText: (json) => `\uFEFF${json}` }),
    ],
    'header begins with a byte order mark': [
      'malformed',
      () => token({ headerText: (json) => `\uFEFF${json}` }),
    ],
    'text after the claims': ['malformed', () => token({ claimsText: (json) => `${json}{}` })],
    'two audiences by two members, ours first': [
      'malformed',
      () => claimsText('"aud":', `"aud":"other","x":0,"aud":`),
    ],
    'two audiences by two members, ours last': ['malformed', () => claimsText(/}$/, ',"aud":"other"}')],
    'a member twice, once escaped': ['malformed', () => claimsText(/}$/, ',"\\u0061ud":"other"}')],
    'a header member twice': ['malformed', () => headerText(/}$/, ',"kid":"k1"}')],
    'a nested member twice': ['malformed', () => claimsText(/}$/, ',"act":{"sub":"a","sub":"b"}}')],

    // Issuer
    'another issuer': ['unknown_issuer', () => claims({ iss: 'https://evil.test' })],
    'issuer with a slash more': ['unknown_issuer', () => claims({ iss: `${bed.issuer.issuer}/` })],
    'issuer in another case': [
      'unknown_issuer',
      () => claims({ iss: bed.issuer.issuer.replace('localhost', 'LOCALHOST') }),
    ],
    'another realm of the same host': [
      'unknown_issuer',
      () => claims({ iss: bed.issuer.issuer.replace('my-realm', 'other') }),
    ],
    'no issuer': ['unknown_issuer', () => claims({ iss: undefined })],
    'issuer is a list': ['unknown_issuer', () => claims({ iss: [bed.issuer.issuer] })],

    // Audience
    'another audience': ['wrong_audience', () => claims({ aud: 'account' })],
    'no audience': ['wrong_audience', () => claims({ aud: undefined })],
    'audience null': ['wrong_audience', () => claims({ aud: null })],
    'audience an empty list': ['wrong_audience', () => claims({ aud: [] })],
    'audience an object': ['wrong_audience', () => claims({ aud: {} })],
    'audience a list with a number': ['wrong_audience', () => claims({ aud: [1] })],
    'audience a list with ours and a number': ['wrong_audience', () => claims({ aud: [AUDIENCE, 1] })],
    'audience the origin of the resource': [
      'wrong_audience',
      () => claims({ aud: 'https://localhost:8001' }),
    ],
    'audience below the resource': ['wrong_audience', () => claims({ aud: `${RESOURCE}/x` })],
    'audience that begins like the resource': ['wrong_audience', () => claims({ aud: `${RESOURCE}2` })],
    'audience without the port': ['wrong_audience', () => claims({ aud: 'https://localhost/mcp' })],
    'audience with http': ['wrong_audience', () => claims({ aud: 'http://localhost:8001/mcp' })],
    'audience with a slash more': ['wrong_audience', () => claims({ aud: `${RESOURCE}/` })],
    'audience in another case': ['wrong_audience', () => claims({ aud: AUDIENCE.toUpperCase() })],

    // Time
    expired: ['expired', () => claims({ exp: now() - 60 })],
    'expired, just beyond the skew': ['expired', () => claims({ exp: now() - (SKEW + 1) })],
    'expired and short of scope: the token comes first': [
      'expired',
      () => claims({ exp: now() - 60, scope: 'openid' }),
    ],
    'expires at 0': ['expired', () => claims({ exp: 0 })],
    'expires at -1': ['expired', () => claims({ exp: -1 })],
    'no expiry': ['no_expiry', () => claims({ exp: undefined })],
    'expiry null': ['no_expiry', () => claims({ exp: null })],
    'expiry a string': ['no_expiry', () => claims({ exp: '9999999999' })],
    'expiry 1e400': ['no_expiry', () => claimsText(/"exp":\d+/, '"exp":1e400')],
    'not yet valid': ['not_yet_valid', () => claims({ nbf: now() + SKEW + 5 })],
    'issued in the future': ['not_yet_valid', () => claims({ iat: now() + SKEW + 5 })],
    'not-before is a string': ['not_yet_valid', () => claims({ nbf: '0' })],
    'issued-at is a string': ['not_yet_valid', () => claims({ iat: '0' })],

    // Other tokens of the same issuer
    'ID token: Keycloak payload type ID': ['not_an_access_token', () => claims({ typ: 'ID' })],
    'refresh token': ['not_an_access_token', () => claims({ typ: 'Refresh' })],
    'offline token': ['not_an_access_token', () => claims({ typ: 'Offline' })],
    'logout token': ['not_an_access_token', () => claims({ typ: 'Logout' })],
    'ID token: nonce': ['not_an_access_token', () => claims({ nonce: 'n' })],
    'ID token: at_hash': ['not_an_access_token', () => claims({ at_hash: 'h' })],
    'ID token: c_hash': ['not_an_access_token', () => claims({ c_hash: 'h' })],
    'bound to a DPoP key': ['sender_constrained', () => claims({ cnf: { jkt: 'x' } })],
    'bound to a client certificate': ['sender_constrained', () => claims({ cnf: { 'x5t#S256': 'x' } })],
    'bound by a method that is not known': ['sender_constrained', () => claims({ cnf: {} })],

    // Required claims
    'no subject': ['missing_claim', () => claims({ sub: undefined })],
    'subject a number': ['missing_claim', () => claims({ sub: 123 })],
    'subject empty': ['missing_claim', () => claims({ sub: '' })],
    'no client': ['missing_claim', () => claims({ azp: undefined })],
    'client not a string': ['missing_claim', () => claims({ azp: 1 })],
    'Strict: no subject': ['missing_claim', () => strictToken({ claims: { sub: undefined } })],
    'Strict: client only in azp': ['missing_claim', () => strictToken({ claims: { client_id: undefined } })],
    'Strict: no token id': ['missing_claim', () => strictToken({ claims: { jti: undefined } })],
    'Strict: no issued-at': ['missing_claim', () => strictToken({ claims: { iat: undefined } })],
  };

  for (const [name, [reason, make]] of Object.entries(cases)) {
    it(name, async () => {
      const answer = await bed.callWith(make());
      assertRefused(answer, 'invalid_token');
      assert.deepEqual(bed.upstream.requests, []);
      const { request_id: id } = JSON.parse(answer.body) as { request_id: string };
      await waitFor(() => bed.log.includes(id), 'the log line');
      assert.equal(new RegExp(`"reason":"(\\w+)".*${id}`).exec(bed.log)?.[1], reason);
    });
  }

  it('says the same whatever is wrong with it', async () => {
    const tokens = [token({ key: foreign }), claims({ aud: 'account' }), claims({ exp: 0 }), 'x'];
    const bodies = await Promise.all(tokens.map(async (bad) => (await bed.callWith(bad)).body));
    const same = new Set(bodies.map((body) => replaced(body, /"request_id":"[0-9a-f-]{36}"/, '')));
    assert.equal(same.size, 1);
  });
});

describe('a request is refused', () => {
  const bearer = () => ({ Authorization: `Bearer ${token()}` });
  const cases: Record<string, readonly [Refusal, () => CallOptions]> = {
    'POST without a token': ['none', () => ({})],
    'GET without a token': ['none', () => ({ method: 'GET' })],
    'DELETE without a token': ['none', () => ({ method: 'DELETE' })],
    'session id instead of a token': ['none', () => ({ headers: { 'Mcp-Session-Id': 's1' } })],
    'another scheme': ['none', () => ({ headers: { Authorization: 'Basic dTpw' } })],
    'scheme alone': ['none', () => ({ headers: { Authorization: 'Bearer' } })],
    'scheme and spaces': ['none', () => ({ headers: { Authorization: 'Bearer   ' } })],
    'token without a scheme': ['none', () => ({ headers: { Authorization: token() } })],
    'token after a tab': ['none', () => ({ headers: { Authorization: `Bearer\t${token()}` } })],
    'token in the query string': ['none', () => ({ path: `/mcp?access_token=${token()}` })],
    'token in a cookie': ['none', () => ({ headers: { Cookie: `access_token=${token()}` } })],
    'token in Proxy-Authorization': [
      'none',
      () => ({ headers: { 'Proxy-Authorization': `Bearer ${token()}` } }),
    ],
    'token in Sec-WebSocket-Protocol': [
      'none',
      () => ({ headers: { 'Sec-WebSocket-Protocol': `bearer, ${token()}` } }),
    ],
    'token in a form': [
      'none',
      () => ({
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
        body: `access_token=${token()}`,
      }),
    ],
    'something after the token': [
      'invalid_request',
      () => ({ headers: { Authorization: `Bearer ${token()} extra` } }),
    ],
    'two tokens in a list': [
      'invalid_request',
      () => ({ headers: { Authorization: `Bearer ${token()}, Bearer ${token()}` } }),
    ],
    'a space inside the token': [
      'invalid_request',
      () => ({ headers: { Authorization: `Bearer ${token().replace('.', '. ')}` } }),
    ],
    'no scope of ours': [
      'insufficient_scope',
      () => ({ headers: { Authorization: `Bearer ${claims({ scope: 'openid' })}` } }),
    ],
    'no scope at all': [
      'insufficient_scope',
      () => ({ headers: { Authorization: `Bearer ${claims({ scope: undefined })}` } }),
    ],
    'scope that begins like ours': [
      'insufficient_scope',
      () => ({ headers: { Authorization: `Bearer ${claims({ scope: 'mcp:basicx' })}` } }),
    ],
    'scope in another case': [
      'insufficient_scope',
      () => ({ headers: { Authorization: `Bearer ${claims({ scope: 'MCP:BASIC' })}` } }),
    ],
    'scopes in a list': [
      'insufficient_scope',
      () => ({ headers: { Authorization: `Bearer ${claims({ scope: ['mcp:basic'] })}` } }),
    ],
    'scopes separated by commas': [
      'insufficient_scope',
      () => ({ headers: { Authorization: `Bearer ${claims({ scope: 'a,mcp:basic' })}` } }),
    ],
    'scope only in scp, beside a scope claim': [
      'insufficient_scope',
      () => ({ headers: { Authorization: `Bearer ${claims({ scope: 'openid', scp: ['mcp:basic'] })}` } }),
    ],
    'scope only in __proto__': [
      'insufficient_scope',
      () => ({
        headers: {
          Authorization: `Bearer ${claimsText('"scope":"mcp:basic"', '"__proto__":{"scope":"mcp:basic"}')}`,
        },
      }),
    ],
  };

  for (const [name, [refusal, options]] of Object.entries(cases)) {
    it(name, async () => {
      assertRefused(await bed.call(options()), refusal);
      assert.deepEqual(bed.upstream.requests, []);
    });
  }

  it('token in the query string beside a good one: used is the good one, and the other goes nowhere', async () => {
    const stray = token();
    const answer = await bed.call({ path: `/mcp?a=1&access_token=${stray}&b=2`, headers: bearer() });
    assert.equal(answer.status, 200);
    assert.deepEqual(
      bed.upstream.requests.map(({ url }) => url),
      ['/mcp?a=1&b=2'],
    );
    assert.ok(!bed.log.includes(stray));
  });

  for (const [name, order] of [
    ['good first', ['alice', 'bob']],
    ['good last', ['bob', 'alice']],
  ] as const) {
    it(`two Authorization fields, ${name}`, async () => {
      const fields = order.map(
        (sub) => `Authorization: Bearer ${sub === 'alice' ? token() : claims({ exp: 0 })}\r\n`,
      );
      const connection = await RawConnection.open(bed);
      connection.send(`GET /mcp HTTP/1.1\r\nHost: localhost:8001\r\n${fields.join('')}\r\n`);
      assert.deepEqual(await connection.waitForStatuses(1), [400]);
      assert.match(connection.received, /^WWW-Authenticate: Bearer error="invalid_request", /m);
      assert.deepEqual(bed.upstream.requests, []);
      connection.destroy();
    });
  }
});

it('a token of a mebibyte is refused at once, by its size alone', async () => {
  const connection = await RawConnection.open(bed);
  const begun = performance.now();
  connection.send(
    `GET /mcp HTTP/1.1\r\nHost: localhost:8001\r\nAuthorization: Bearer ${'A'.repeat(1 << 20)}`,
  );
  assert.deepEqual(await connection.waitForStatuses(1), [431]);
  const elapsed = performance.now() - begun;
  assert.ok(elapsed < 1_000, `${elapsed} ms`); // the client's own writing, too, on a machine that is busy
  assert.deepEqual(bed.upstream.requests, []);
});

it('no token, nor a part of one, is in the log', () => {
  assert.ok(bed.log.includes('request denied'));
  assert.ok(!bed.log.includes('eyJ'), 'which is how each of them begins');
});
