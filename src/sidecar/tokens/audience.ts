// Whether the `aud` claim of a token names this resource: exactly, or as an equivalent URL.
import { canonicalUrl } from '../../protocol/resource-identifier.ts';
import type { IssuerConfig } from '../config/config.ts';

/**
 * RFC 9068 section 4, RFC 8707 section 2: one value must be an accepted identifier; a prefix of it is another resource.
 * Sole: each service that a token is for could replay it at the others, so a token for several is refused.
 */
export function namesAudience(
  aud: unknown,
  { audiences, audiencePolicy }: Pick<IssuerConfig, 'audiences' | 'audiencePolicy'>,
): boolean {
  const values: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (!values.every((value) => typeof value === 'string')) return false;
  if (audiencePolicy === 'Sole' && values.length !== 1) return false;
  return values.some(
    (value) =>
      audiences.includes(value) ||
      audiences.some((name) => canonicalAudience(name) === canonicalAudience(value)),
  );
}

/**
 * The canonical resource identifier that a value spells, and no slash behind an empty path (RFC 3986 section 6.2.3, MCP
 * "Canonical Server URI"). What is no URL stays as it is.
 */
function canonicalAudience(value: string): string {
  const url = canonicalUrl(value);
  return url === undefined ? value : url.origin + (url.rest === '/' ? '' : url.rest);
}
