// Tokens that no library would make: other algorithms, replaced parts, spellings that stand for the same bytes.
import assert from 'node:assert/strict';
import { constants, createHmac, generateKeyPairSync, sign, createHash } from 'node:crypto';
import { base64Url, type SigningKey } from '../../kit/issuer.ts';
import type { Bench } from './bench.ts';

type Members = Readonly<Record<string, unknown>>;

/** Header and claims of T_ok, with changes, as the two parts of a JWS. */
export function parts(bench: Bench, header: Members, claims: Members = {}): [header: string, claims: string] {
  const [, text = ''] = bench.claims(claims).split('.');
  const all = { alg: 'RS256', typ: 'at+jwt', kid: 'k1', ...header };
  return [base64Url(JSON.stringify(all)), text];
}

/** T_ok with another header, signed by any key with the algorithm that the header names. */
export function signedAs(bench: Bench, header: Members & { readonly alg: string }, key: SigningKey): string {
  const input = parts(bench, header).join('.');
  const hash = `sha${header.alg.slice(2)}`;
  const options = header.alg.startsWith('PS')
    ? {
        key: key.privateKey,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: Number(header.alg.slice(2)) / 8,
      }
    : { key: key.privateKey, dsaEncoding: 'ieee-p1363' as const };
  return remember(bench, `${input}.${base64Url(sign(hash, Buffer.from(input), options))}`);
}

/** Says HS256 and takes these bytes for the shared secret (RFC 8725 section 2.1). */
export function hmacSigned(bench: Bench, secret: string | Buffer): string {
  const input = parts(bench, { alg: 'HS256' }).join('.');
  return remember(bench, `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`);
}

/** T_ok with parts replaced after it was signed. */
export function altered(
  bench: Bench,
  change: (header: string, claims: string, signature: string) => readonly string[],
): string {
  const [header = '', claims = '', signature = ''] = bench.token().split('.');
  return remember(bench, change(header, claims, signature).join('.'));
}

/** The same bytes in another spelling: only bits that stand for nothing are set (RFC 4648 section 3.5). */
export function withUnusedBits(part: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const other = part.slice(0, -1) + (alphabet[alphabet.indexOf(part.at(-1) ?? '') + 1] ?? '');
  assert.deepEqual(Buffer.from(other, 'base64url'), Buffer.from(part, 'base64url'), 'no used bit is changed');
  return other;
}

/** A key pair of any kind with the JWK that is published for it: no `alg` and no `use` unless given. */
export function keyPair(
  kid: string,
  type: 'rsa' | 'P-256' | 'P-384',
  jwk: Members = {},
  bits = 2048,
): SigningKey {
  const { privateKey, publicKey } =
    type === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: bits })
      : generateKeyPairSync('ec', { namedCurve: type });
  const alg = type === 'P-384' ? 'ES384' : type === 'rsa' ? 'RS256' : 'ES256';
  return { kid, alg, privateKey, publicKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, ...jwk } };
}

/** A "signature" for an RSA key with the exponent 1, which an attacker can make: the padded hash itself. */
export function signedForExponentOne(bench: Bench, kid: string, modulusBytes: number): string {
  const input = parts(bench, { kid }).join('.');
  const info = Buffer.from('3031300d060960864801650304020105000420', 'hex'); // DigestInfo of SHA-256, RFC 8017 section 9.2
  const digest = Buffer.concat([info, createHash('sha256').update(input).digest()]);
  const padding = Buffer.alloc(modulusBytes - digest.length - 3, 0xff);
  const block = Buffer.concat([Buffer.from([0, 1]), padding, Buffer.from([0]), digest]);
  return remember(bench, `${input}.${base64Url(block)}`);
}

function remember(bench: Bench, token: string): string {
  bench.session.tokens.add(token);
  return token;
}
