// The sidecar's keys and what they sign: verified with the published part, which says nothing of the private one.
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, it } from 'node:test';
import { calculateJwkThumbprint, createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';
import type { Principal } from '../../../../src/sidecar/authentication/authenticate.ts';
import { IdentityAssertion } from '../../../../src/sidecar/proxy/identity-assertion.ts';
import { keySet, parseSigningKey } from '../../../../src/sidecar/tokens/signing-key.ts';
import { processorMs } from '../../../kit/processor-time.ts';

const pem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });

const pairs = {
  ES256: ec('P-256'),
  ES384: ec('P-384'),
  ES512: ec('P-521'),
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  EdDSA: generateKeyPairSync('ed25519'),
};

for (const [algorithm, { privateKey }] of Object.entries(pairs)) {
  it(`a key for ${algorithm}: what it signs is verified with what is published`, async () => {
    const key = parseSigningKey(pem(privateKey));
    const published = JSON.parse(keySet([key])) as JSONWebKeySet;
    const [jwk] = published.keys;
    assert.equal(jwk?.kid, await calculateJwkThumbprint(jwk!));
    assert.equal(jwk?.alg, algorithm);
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) assert.ok(!(member in jwk), member);
    const { payload, protectedHeader } = await jwtVerify(
      key.signJwt('JWT', { sub: 'Zoë' }),
      createLocalJWKSet(published),
    );
    assert.deepEqual(payload, { sub: 'Zoë' });
    assert.deepEqual(protectedHeader, { alg: algorithm, typ: 'JWT', kid: jwk?.kid });
  });
}

it('the older PEM forms do as well', () => {
  const sec1 = pairs.ES256.privateKey.export({ type: 'sec1', format: 'pem' }).toString();
  const pkcs1 = pairs.RS256.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
  for (const text of [sec1, pkcs1]) assert.ok(parseSigningKey(text).jwk.kid);
});

describe('a text that is no key to sign with is refused, and not repeated', () => {
  const encrypted = pairs.ES256.privateKey.export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'x',
  });
  const texts: Record<string, string> = {
    nothing: '',
    'no PEM': 'c2VjcmV0IHNlY3JldA==',
    'a public key': pairs.ES256.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    'a key with a passphrase': encrypted.toString(),
    'RSA of 1024 bits': pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey),
    'a curve that JWS does not know': pem(ec('secp256k1').privateKey),
    'a key for agreement': pem(generateKeyPairSync('x25519').privateKey),
    Ed448: pem(generateKeyPairSync('ed448').privateKey),
    'half a key': pem(pairs.ES256.privateKey).slice(0, 80),
  };
  for (const [name, text] of Object.entries(texts)) {
    it(name, () => {
      assert.throws(
        () => parseSigningKey(text),
        ({ message }: Error) => /^is not /.test(message) && (text === '' || !message.includes(text)),
      );
    });
  }
});

describe('an identity assertion', () => {
  const key = parseSigningKey(pem(pairs.ES256.privateKey));
  let now = 1_800_000_000_000;
  const assertion = new IdentityAssertion({
    header: 'X-Mcp-Identity',
    issuer: 'https://h/mcp',
    audience: 'http://127.0.0.1:8000/mcp',
    key,
    clock: () => now,
  });
  const principal = (changes: Partial<Principal> = {}): Principal =>
    ({
      issuer: 'https://as/r',
      subject: 'alice',
      client: 'c1',
      scopes: ['a'],
      expiresAt: now + 300_000,
      headerLines: '',
      ...changes,
    }) as Principal; // the brand has no run-time value
  const verify = async (line: string) => {
    const jwt = /^X-Mcp-Identity: (\S+)\r\n$/.exec(line)?.[1] ?? '';
    const keys = createLocalJWKSet(JSON.parse(keySet([key])) as JSONWebKeySet);
    const options = { issuer: 'https://h/mcp', audience: 'http://127.0.0.1:8000/mcp' };
    return (await jwtVerify(jwt, keys, { ...options, currentDate: new Date(now) })).payload;
  };

  it('says who calls, by whose word, and for how long: a minute at most', async () => {
    assert.deepEqual(await verify(assertion.line(principal())), {
      iss: 'https://h/mcp',
      aud: 'http://127.0.0.1:8000/mcp',
      sub: 'alice',
      idp: 'https://as/r',
      client_id: 'c1',
      iat: now / 1000,
      exp: now / 1000 + 60,
    });
  });

  it('does not outlive the token', async () => {
    const { exp } = await verify(assertion.line(principal({ expiresAt: now + 10_000 })));
    assert.equal(exp, now / 1000 + 10);
  });

  it('names no client where the token named none', async () => {
    assert.ok(!('client_id' in (await verify(assertion.line(principal({ client: undefined }))))));
  });

  it('is one line, whatever the subject is', async () => {
    const subject = 'a\r\nX-Admin: 1 \u{1F600}';
    assert.equal((await verify(assertion.line(principal({ subject })))).sub, subject);
  });

  it('is used again for half of its life, and never after', () => {
    const alice = principal();
    const first = assertion.line(alice);
    now += 29_999;
    assert.equal(assertion.line(alice), first);
    now += 1;
    const second = assertion.line(alice);
    assert.notEqual(second, first);
    now += 30_000;
    assert.notEqual(assertion.line(alice), second);
  });

  it('is made anew when the clock was set back', () => {
    const alice = principal();
    const first = assertion.line(alice);
    now -= 5_000;
    assert.notEqual(assertion.line(alice), first);
  });

  it('is never that of another principal', async () => {
    const lines = ['alice', 'bob'].map((subject) => assertion.line(principal({ subject })));
    assert.deepEqual(await Promise.all(lines.map(async (line) => (await verify(line)).sub)), [
      'alice',
      'bob',
    ]);
  });

  it('costs no signature on most requests', () => {
    const alice = principal();
    assertion.line(alice);
    const milliseconds = processorMs(() => {
      for (let i = 0; i < 100_000; i++) assertion.line(alice);
    });
    assert.ok(milliseconds < 1_000, `${milliseconds} ms`);
  });
});
