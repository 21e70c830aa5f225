// Parses a compact JWS strictly, before any cryptography. Does not verify it.
import { parseObject } from './strict-json.ts';

/** Longer tokens are refused without parsing (bytes of the credential). */
export const MAX_TOKEN_LENGTH = 16 * 1024;

/** RFC 7515 section 7.1: three non-empty base64url parts, no padding, no white space. */
const COMPACT_JWS = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/** Whether a token has the form of a signed JWT: then it is validated as one, and never introspected. */
export function isCompactJws(token: string): boolean {
  return COMPACT_JWS.test(token);
}

export interface CompactJws {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

/**
 * Decodes header and claims of a compact JWS.
 * `undefined` for anything that parsers could read differently: wrong number of parts, padding, characters outside
 * base64url, unused bits that are not zero, duplicate members, non-UTF-8 (RFC 7515 sections 2 and 4, RFC 8725 section 3.7).
 */
export function parseCompactJws(token: string): CompactJws | undefined {
  if (token.length > MAX_TOKEN_LENGTH || !COMPACT_JWS.test(token)) return undefined;
  const [headerPart, claimsPart, signaturePart] = token.split('.') as [string, string, string];
  const headerBytes = decodeBase64Url(headerPart);
  const claimsBytes = decodeBase64Url(claimsPart);
  if (!headerBytes || !claimsBytes || !decodeBase64Url(signaturePart)) return undefined;
  const header = parseObject(headerBytes);
  const claims = parseObject(claimsBytes);
  return header && claims ? { header, claims } : undefined;
}

/** Compares with the text encoded again: one with other unused bits in its last character is refused. */
function decodeBase64Url(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url');
  return bytes.toString('base64url') === part ? bytes : undefined;
}
