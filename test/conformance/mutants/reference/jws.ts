// The reference server's reading of a compact JWS (RFC 7515): shape, JSON, signature. Looks at no claim.
import { constants, createHmac, createPublicKey, verify, type KeyObject } from 'node:crypto';
import type { Wrong } from '../mutants.ts';

export type Members = Readonly<Record<string, unknown>>;

export interface Jws {
  readonly header: Members;
  readonly claims: Members;
  readonly input: string;
  readonly signature: Buffer;
}

/** @throws for anything that is not three parts of strict base64url with a JSON object in each of the first two */
export function readJws(token: string, wrong: Wrong): Jws {
  const parts = token.split('.');
  const [header = '', claims = '', signature = ''] = parts;
  if (parts.length !== 3) throw new Error('not three parts');
  if (!wrong('lenient-base64') && (!isBase64Url(header) || !isBase64Url(claims))) throw new Error('alphabet');
  const unsigned = signature === '' && wrong('accepts-none');
  if (!wrong('lenient-base64') && !unsigned && !isBase64Url(signature)) throw new Error('alphabet');
  return {
    header: readObject(header, wrong),
    claims: readObject(claims, wrong),
    input: `${header}.${claims}`,
    signature: Buffer.from(signature, 'base64url'),
  };
}

function isBase64Url(part: string): boolean {
  return /^[\w-]+$/.test(part) && Buffer.from(part, 'base64url').toString('base64url') === part;
}

function readObject(part: string, wrong: Wrong): Members {
  const ignoreBOM = !wrong('tolerates-bom');
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM }).decode(Buffer.from(part, 'base64url'));
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('not an object');
  if (!wrong('last-member-wins') && hasDuplicates(text)) throw new Error('a member twice');
  const own = value as Record<string, unknown>;
  return wrong('merges-prototype') && Object.hasOwn(own, '__proto__')
    ? { ...own, ...(own['__proto__'] as object) }
    : own;
}

/** Counts member names while parsing: the reviver sees each object once, the text shows what it has lost. */
function hasDuplicates(text: string): boolean {
  let members = 0;
  JSON.parse(text, function (this: unknown, key, value: unknown) {
    if (key !== '' && !Array.isArray(this)) members++;
    return value;
  });
  const strings = text.replace(/"(?:[^"\\]|\\.)*"\s*:/g, '\u0000:');
  return (strings.match(/\u0000:/g)?.length ?? 0) > members;
}

export function isSigned({ input, signature }: Jws, alg: string, key: KeyObject): boolean {
  const hash = `sha${alg.slice(2)}`;
  const data = Buffer.from(input);
  if (alg.startsWith('HS'))
    return createHmac(hash, key.export({ type: 'spki', format: 'pem' }))
      .update(data)
      .digest()
      .equals(signature);
  if (alg.startsWith('ES')) return verify(hash, data, { key, dsaEncoding: 'ieee-p1363' }, signature);
  if (alg.startsWith('PS'))
    return verify(hash, data, { key, padding: constants.RSA_PKCS1_PSS_PADDING }, signature);
  return verify(hash, data, key, signature);
}

/** RFC 7518 section 3.1: the kind of key that an algorithm needs. */
export function fits(alg: string, key: KeyObject): boolean {
  if (alg.startsWith('ES')) {
    const curve = key.asymmetricKeyDetails?.namedCurve;
    return curve === { ES256: 'prime256v1', ES384: 'secp384r1', ES512: 'secp521r1' }[alg];
  }
  return key.asymmetricKeyType === 'rsa';
}

export function publicKey(jwk: unknown): KeyObject {
  return createPublicKey({ key: jwk as never, format: 'jwk' });
}
