// Tokens that pass, and those that do not: one named case each, with the reason that the log gives and no client is told.
import assert from 'node:assert/strict';
import { createHmac, type KeyObject } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import {
  AUDIENCE,
  base64Url,
  signingKey,
  signingKeys,
  type SigningKey,
  type TokenChanges,
} from '../../../kit/issuer.ts';
import { validateClaims } from '../../../../src/sidecar/tokens/claims.ts';
import { ISSUER, AuthenticatorBed } from '../../../support/authenticator-bed.ts';

const RESOURCE = 'https://localhost:8001/mcp';
/** As CONFIG has it (seconds). */
const SKEW = 5;

let bed: AuthenticatorBed;
/** The same issuer with the Strict profile, and RS256 only. */
let strict: AuthenticatorBed;
let keys: SigningKey[];
/** A key that the issuer does not publish, under the id of one that it does. */
let foreign: SigningKey;
before(async () => {
  [keys, foreign] = await Promise.all([signingKeys(), signingKey('k1')]);
  const audiences = [AUDIENCE, RESOURCE];
  bed = new AuthenticatorBed(keys, { audiences });
  strict = new AuthenticatorBed(keys, { audiences, algorithms: ['RS256'], tokenProfile: 'Strict' });
  await Promise.all([bed.keys.start(), strict.keys.start()]);
});
after(() => {
  bed.stop();
  strict.stop();
});

const token = (changes: TokenChanges = {}) => bed.tokenWith(keys[0]!, changes);
const claims = (changes: Record<string, unknown>) => token({ claims: changes });
const header = (changes: Record<string, unknown>) => token({ header: changes });
const claimsText = (from: string | RegExp, to: string) =>
  token({ claimsText: (json) => replaced(json, from, to) });
const headerText = (from: string | RegExp, to: string) =>
  token({ headerText: (json) => replaced(json, from, to) });
const es256 = () => keys[1]!;
const now = () => bed.seconds;

/** With all that the Strict profile asks for. */
const strictToken = (changes: TokenChanges = {}) =>
  token({
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
  const { jwk, publicKey } = keys[0]!;
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

describe('a token passes', () => {
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
  };

  for (const [name, make] of Object.entries(cases)) {
    it(name, async () => assert.equal(await bed.verdict(make()), 'ok'));
  }

  it('Strict: with all that the profile asks for', async () =>
    assert.equal(await strict.verdict(strictToken()), 'ok'));

  for (const scheme of ['bEaReR ', 'Bearer   ']) {
    it(`after "${scheme}"`, async () => assert.equal(await bed.verdictOn(scheme + token()), 'ok'));
  }
});

/** Why it does not pass, and the token. Names that begin with `Strict` are of that profile. */
type Case = readonly [reason: string, make: () => string];

describe('a token does not pass', () => {
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
    'Strict: ES256, which this issuer may not use': [
      'algorithm_not_allowed',
      () => strictToken({ key: es256() }),
    ],
    'ES256 with the id of an RSA key': ['unknown_key', () => token({ key: es256(), header: { kid: 'k1' } })],
    'a key id that no key has': ['unknown_key', () => header({ kid: 'k404' })],
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
    'issuer with a slash more': ['unknown_issuer', () => claims({ iss: `${ISSUER}/` })],
    'issuer in another case': [
      'unknown_issuer',
      () => claims({ iss: ISSUER.replace('issuer.test', 'ISSUER.test') }),
    ],
    'another realm of the same host': [
      'unknown_issuer',
      () => claims({ iss: ISSUER.replace('my-realm', 'other') }),
    ],
    'no issuer': ['unknown_issuer', () => claims({ iss: undefined })],
    'issuer is a list': ['unknown_issuer', () => claims({ iss: [ISSUER] })],

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
    const by = () => (name.startsWith('Strict') ? strict : bed);
    it(name, async () => assert.equal(await by().verdict(make()), reason));
  }
});

describe('an Authorization value that holds no one token', () => {
  const values: Record<string, readonly [outcome: string, value: () => string]> = {
    'another scheme': ['no_credentials', () => 'Basic dTpw'],
    'scheme alone': ['no_credentials', () => 'Bearer'],
    'scheme and spaces': ['no_credentials', () => 'Bearer   '],
    'token without a scheme': ['no_credentials', () => token()],
    'token after a tab': ['no_credentials', () => `Bearer\t${token()}`],
    'something after the token': ['several_credentials', () => `Bearer ${token()} extra`],
    'two tokens in a list': ['several_credentials', () => `Bearer ${token()}, Bearer ${token()}`],
    'a space inside the token': ['several_credentials', () => `Bearer ${token().replace('.', '. ')}`],
  };
  for (const [name, [outcome, value]] of Object.entries(values)) {
    it(name, async () => assert.equal(await bed.verdictOn(value()), outcome));
  }
});

/** Of a token that is good but for its scopes. */
function grantedScopes(claims: Record<string, unknown>): readonly string[] {
  const validation = validateClaims({
    header: { typ: 'JWT' },
    claims: { aud: AUDIENCE, sub: 'alice', azp: 'c1', exp: 300, ...claims },
    issuer: { audiences: [AUDIENCE], audiencePolicy: 'Any', tokenProfile: 'Compat' },
    bindings: { dpop: 'Off', clientCertificates: 'Off' },
    now: 0,
    skew: 0,
  });
  return validation.ok ? validation.claims.scopes : assert.fail(validation.reason);
}

describe('the scopes of a token', () => {
  const rows: Record<string, readonly [claims: Record<string, unknown>, granted: readonly string[]]> = {
    'one or several words': [{ scope: 'openid  mcp:basic' }, ['openid', 'mcp:basic']],
    'none at all': [{}, []],
    'a list is no scope': [{ scope: ['mcp:basic'] }, []],
    'separated by commas: one word': [{ scope: 'a,mcp:basic' }, ['a,mcp:basic']],
    'scp as a list': [{ scp: ['mcp:basic'] }, ['mcp:basic']],
    'scp as a string': [{ scp: 'a mcp:basic' }, ['a', 'mcp:basic']],
    'scp of other types': [{ scp: ['mcp:basic', 1] }, []],
    'scp beside scope does not count': [{ scope: 'openid', scp: ['mcp:basic'] }, ['openid']],
    'scp beside a scope of another type does not count': [{ scope: null, scp: ['mcp:basic'] }, []],
  };
  for (const [name, [claims, granted]] of Object.entries(rows)) {
    it(name, () => assert.deepEqual(grantedScopes(claims), granted));
  }
});
