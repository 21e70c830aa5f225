// Each of the checks of RFC 9449 section 4.3 by what it refuses, with the reason that the log gives and no client is told.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { calculateJwkThumbprint } from 'jose';
import { DpopVerifier } from '../../../../src/sidecar/authentication/dpop.ts';
import { ReplayCache } from '../../../../src/sidecar/authentication/replay-cache.ts';
import type { Denial } from '../../../../src/sidecar/denial/denial.ts';
import { digestOf } from '../../../../src/sidecar/tokens/token-cache.ts';
import { DpopClient, RESOURCE, type ProofChanges } from '../../../kit/dpop.ts';
import { base64Url } from '../../../kit/issuer.ts';

const LIFETIME = 20;
const TOKEN = 'a-token';

let client: DpopClient;
/** Another client, with a key of its own. */
let thief: DpopClient;
before(async () => {
  [client, thief] = await Promise.all([DpopClient.create(), DpopClient.create()]);
});

/** Seconds since the epoch. */
const world = { now: 1_800_000_000 };
const memory = new ReplayCache();
const verifier = new DpopVerifier(
  { resource: RESOURCE, dpop: { mode: 'Accept', proofLifetimeSeconds: LIFETIME, nonces: 'Off' } },
  { clock: () => world.now * 1000, memory, nonces: undefined },
);

type Changes = Omit<ProofChanges, 'token'>;

/** A proof of now by this client. */
function proof({ claims, ...changes }: Changes = {}, by = client): string {
  return by.proof({ token: TOKEN, claims: { iat: world.now, ...claims }, ...changes });
}

/** What becomes of a proof for the token of `client`, or of several. */
async function verdict(shown: string | undefined, proofs = shown === undefined ? 0 : 1, jkt = client.jkt) {
  const token = { digest: digestOf(TOKEN), owner: 'alice', jkt };
  const presented = { method: 'POST', proof: shown, proofs, isAccepted: false };
  const denial = await verifier.verify(presented, token);
  return outcome(denial);
}

function outcome(denial: Denial | undefined): string {
  if (denial === undefined) return 'ok';
  return 'reason' in denial ? denial.reason : denial.kind;
}

describe('a proof is good', () => {
  const cases: Record<string, () => Changes> = {
    'as a client makes it': () => ({}),
    'htu: scheme and host in capitals': () => ({ claims: { htu: 'HTTPS://LOCALHOST:8001/mcp' } }),
    'htu: percent-encoded letter': () => ({ claims: { htu: 'https://localhost:8001/m%63p' } }),
    'htu: dot segments': () => ({ claims: { htu: 'https://localhost:8001/x/../mcp' } }),
    'iat a little ago': () => ({ claims: { iat: world.now - LIFETIME } }),
    'iat a little ahead': () => ({ claims: { iat: world.now + LIFETIME } }),
    'iat with a fraction': () => ({ claims: { iat: world.now + 0.5 } }),
    'a nonce that was not asked for': () => ({ claims: { nonce: 'n' } }),
  };
  for (const [name, changes] of Object.entries(cases)) {
    it(name, async () => assert.equal(await verdict(proof(changes())), 'ok'));
  }

  it('by a key of RSA', async () => {
    const rsa = await DpopClient.create('RS256');
    assert.equal(await verdict(proof({}, rsa), 1, rsa.jkt), 'ok');
  });

  it('of a jti that another client has used', async () => {
    const jti = { claims: { jti: crypto.randomUUID() } };
    assert.equal(await verdict(proof(jti)), 'ok');
    assert.equal(await verdict(proof(jti, thief), 1, thief.jkt), 'ok');
    assert.equal(await verdict(proof(jti)), 'replayed_proof');
  });
});

describe('a proof is refused', () => {
  const cases: Record<string, readonly [reason: string, changes: () => Changes]> = {
    // 2: a well-formed JWT
    'a member twice': [
      'malformed_proof',
      () => ({ claimsText: (json) => json.replace('{', '{"htm":"POST",') }),
    ],
    'a byte order mark': ['malformed_proof', () => ({ claimsText: (json) => `\uFEFF${json}` })],
    'not JSON': ['malformed_proof', () => ({ headerText: () => 'typ=dpop+jwt' })],
    // 3: all required claims
    'no jti': ['no_proof_id', () => ({ claims: { jti: undefined } })],
    'jti empty': ['no_proof_id', () => ({ claims: { jti: '' } })],
    'jti a number': ['no_proof_id', () => ({ claims: { jti: 1 } })],
    'no htm': ['wrong_proof_method', () => ({ claims: { htm: undefined } })],
    'no htu': ['wrong_proof_uri', () => ({ claims: { htu: undefined } })],
    'htu a list': ['wrong_proof_uri', () => ({ claims: { htu: [RESOURCE] } })],
    'no iat': ['proof_not_of_now', () => ({ claims: { iat: undefined } })],
    'iat a string': ['proof_not_of_now', () => ({ claims: { iat: String(world.now) } })],
    'iat 1e400': [
      'proof_not_of_now',
      () => ({ claimsText: (json) => json.replace(/"iat":\d+/, '"iat":1e400') }),
    ],
    'no ath': ['proof_of_another_token', () => ({ claims: { ath: undefined } })],
    // 4: the type
    'type JWT': ['wrong_proof_type', () => ({ header: { typ: 'JWT' } })],
    'type at+jwt': ['wrong_proof_type', () => ({ header: { typ: 'at+jwt' } })],
    'no type': ['wrong_proof_type', () => ({ header: { typ: undefined } })],
    // 5: the algorithm
    'algorithm none': ['proof_algorithm_not_allowed', () => ({ header: { alg: 'none' } })],
    'algorithm HS256': ['proof_algorithm_not_allowed', () => ({ header: { alg: 'HS256' } })],
    'no algorithm': ['proof_algorithm_not_allowed', () => ({ header: { alg: undefined } })],
    'an algorithm of another key type': ['unusable_proof_key', () => ({ header: { alg: 'RS256' } })],
    crit: ['unsupported_proof_crit', () => ({ header: { crit: ['x'], x: 1 } })],
    'b64 false': ['unsupported_proof_crit', () => ({ header: { crit: ['b64'], b64: false } })],
    // 6: the signature
    'signed by another key than it names': ['bad_proof_signature', () => ({ key: thief.key })],
    // 7: no private key
    'a private key in it': [
      'unusable_proof_key',
      () => ({ header: { jwk: client.key.privateKey.export({ format: 'jwk' }) } }),
    ],
    'a symmetric key in it': ['unusable_proof_key', () => ({ header: { jwk: { kty: 'oct', k: 'AAAA' } } })],
    'no key in it': ['unusable_proof_key', () => ({ header: { jwk: undefined } })],
    'the key as text': ['unusable_proof_key', () => ({ header: { jwk: JSON.stringify(client.jwk) } })],
    'a key that may not verify': [
      'unusable_proof_key',
      () => ({ header: { jwk: { ...client.jwk, use: 'enc' } } }),
    ],
    'a key of an unknown type': ['wrong_proof_key', () => ({ header: { jwk: { kty: 'AKP' } } })],
    'a key type that is a member of every object': [
      'wrong_proof_key',
      () => ({ header: { jwk: { kty: 'constructor' } } }),
    ],
    // 8: the method
    'of another method': ['wrong_proof_method', () => ({ claims: { htm: 'GET' } })],
    'of the method in another case': ['wrong_proof_method', () => ({ claims: { htm: 'post' } })],
    // 9: the URI
    'of the loopback address': ['wrong_proof_uri', () => ({ claims: { htu: 'http://127.0.0.1:8000/mcp' } })],
    'of plain http': ['wrong_proof_uri', () => ({ claims: { htu: 'http://localhost:8001/mcp' } })],
    'of another host': ['wrong_proof_uri', () => ({ claims: { htu: 'https://evil.test:8001/mcp' } })],
    'of another port': ['wrong_proof_uri', () => ({ claims: { htu: 'https://localhost/mcp' } })],
    'of another path': ['wrong_proof_uri', () => ({ claims: { htu: `${RESOURCE}/x` } })],
    'of the path with a slash more': ['wrong_proof_uri', () => ({ claims: { htu: `${RESOURCE}/` } })],
    'of the path in another case': [
      'wrong_proof_uri',
      () => ({ claims: { htu: 'https://localhost:8001/MCP' } }),
    ],
    'of an encoded slash': ['wrong_proof_uri', () => ({ claims: { htu: 'https://localhost:8001%2Fmcp' } })],
    'of a URI with a query': ['wrong_proof_uri', () => ({ claims: { htu: `${RESOURCE}?x=1` } })],
    'of a URI with a fragment': ['wrong_proof_uri', () => ({ claims: { htu: `${RESOURCE}#x` } })],
    'of a URI with user info': [
      'wrong_proof_uri',
      () => ({ claims: { htu: 'https://a@localhost:8001/mcp' } }),
    ],
    'of a URI that a browser would repair': [
      'wrong_proof_uri',
      () => ({ claims: { htu: 'https:\\\\localhost:8001\\mcp' } }),
    ],
    'of a URI with a line end in it': [
      'wrong_proof_uri',
      () => ({ claims: { htu: 'https://localhost:8001/m\ncp' } }),
    ],
    'of the origin': ['wrong_proof_uri', () => ({ claims: { htu: 'https://localhost:8001' } })],
    // 11: the time
    'too old': ['proof_not_of_now', () => ({ claims: { iat: world.now - (LIFETIME + 2) } })],
    'from the future': ['proof_not_of_now', () => ({ claims: { iat: world.now + (LIFETIME + 3) } })],
    // 12: this token
    'of another token': ['proof_of_another_token', () => ({ claims: { ath: base64Url(Buffer.alloc(32)) } })],
  };
  for (const [name, [reason, changes]] of Object.entries(cases)) {
    it(name, async () => assert.equal(await verdict(proof(changes())), reason));
  }

  const texts: Record<string, readonly [reason: string, text: () => string | undefined]> = {
    'none at all': ['no_proof', () => undefined],
    empty: ['malformed_proof', () => ''],
    'a word': ['malformed_proof', () => 'x'],
    unsigned: ['malformed_proof', () => 'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6Im5vbmUifQ.e30.'],
    'two in one field': ['malformed_proof', () => `${proof()}, ${proof()}`],
    'of another client, who has the token but not the key': ['wrong_proof_key', () => proof({}, thief)],
    'that shows the right key and is signed by another': [
      'bad_proof_signature',
      () => proof({ header: { jwk: client.jwk } }, thief),
    ],
  };
  for (const [name, [reason, text]] of Object.entries(texts)) {
    it(name, async () => assert.equal(await verdict(text()), reason));
  }

  it('1: two fields, both of them good', async () =>
    assert.equal(await verdict(proof(), 2), 'several_proofs'));

  it('of a weak key of RSA, although the token names it', async () => {
    const weak = await DpopClient.create('RS256', 1024);
    assert.equal(await verdict(proof({}, weak), 1, weak.jkt), 'unusable_proof_key');
  });

  const costly: Readonly<Record<string, { readonly n: Buffer; readonly e: Buffer }>> = {
    'a modulus of 4,104 bits': { n: Buffer.alloc(513, 0xf1), e: Buffer.from([1, 0, 1]) },
    'a modulus of 8,192 bits': { n: Buffer.alloc(1_024, 0xf1), e: Buffer.from([1, 0, 1]) },
    'a modulus of 16,384 bits': { n: Buffer.alloc(2_048, 0xf1), e: Buffer.from([1, 0, 1]) },
    'an exponent of 33 bits': { n: Buffer.alloc(256, 0xf1), e: Buffer.from([1, 0, 0, 0, 1]) },
    'an exponent of 64 bits': { n: Buffer.alloc(512, 0xf1), e: Buffer.alloc(8, 0xf1) },
    'an exponent as long as the modulus': { n: Buffer.alloc(256, 0xf1), e: Buffer.alloc(256, 0x71) },
  };
  for (const [name, { n, e }] of Object.entries(costly)) {
    it(`of a key of RSA with ${name}, although the token names it`, async () => {
      const jwk = { kty: 'RSA', n: n.toString('base64url'), e: e.toString('base64url') };
      const shown = proof({ header: { alg: 'RS256', jwk } });
      assert.equal(await verdict(shown, 1, await calculateJwkThumbprint(jwk)), 'unusable_proof_key');
    });
  }
});
