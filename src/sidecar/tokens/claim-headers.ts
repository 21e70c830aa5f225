// Claims of a verified token -> the header lines that carry them to the server.
import type { SidecarConfig } from '../config/config.ts';

/** A value longer than this is left out: a cut identity would be another identity (characters after encoding). */
const MAX_CLAIM_LENGTH = 4096;

/** Header lines that carry claims to the server; claims that are absent or are objects give none. */
export function claimHeaderLines(
  mappings: SidecarConfig['claimToHeaders'],
  claims: Readonly<Record<string, unknown>>,
): string {
  let lines = '';
  for (const { claim, header } of mappings) {
    const value = claimValue(Object.hasOwn(claims, claim) ? claims[claim] : undefined);
    if (value !== undefined && value.length <= MAX_CLAIM_LENGTH) lines += `${header}: ${value}\r\n`;
  }
  return lines;
}

/** Strings, numbers and booleans, or a list of them joined by commas. */
function claimValue(claim: unknown): string | undefined {
  if (typeof claim === 'string') return percentEncode(claim);
  if (typeof claim === 'number' || typeof claim === 'boolean') return String(claim);
  if (!Array.isArray(claim)) return undefined;
  const values = claim.map(claimValue);
  return values.every((value) => value !== undefined)
    ? values.map((value) => value.replaceAll(',', '%2C')).join(',')
    : undefined;
}

/**
 * Everything but visible ASCII, and `%` itself, is percent-encoded as UTF-8: no claim can end the line it stands in.
 */
function percentEncode(text: string): string {
  return text.toWellFormed().replace(/[^\x21-\x24\x26-\x7E]/gu, (char) => encodeURIComponent(char));
}
