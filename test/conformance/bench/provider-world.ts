// Tokens of providers that are no JWS.
import { createCipheriv, randomBytes } from 'node:crypto';
import { base64Url } from '../../kit/issuer.ts';

/** A JWE in compact form (RFC 7516 section 7.1) that only its issuer can read, as Auth0 sends without an audience. */
export function encryptedTo(issuer: string): string {
  const header = base64Url(JSON.stringify({ alg: 'dir', enc: 'A256GCM', iss: issuer }));
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', randomBytes(32), iv).setAAD(Buffer.from(header));
  const text = Buffer.concat([cipher.update(JSON.stringify({ iss: issuer, sub: 'alice' })), cipher.final()]);
  return [header, '', ...[iv, text, cipher.getAuthTag()].map((part) => base64Url(part))].join('.');
}
