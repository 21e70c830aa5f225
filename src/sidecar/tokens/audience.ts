// Whether the `aud` claim of a token names this resource. Exact, but for spellings that are the same URL.
import type { IssuerConfig } from '../config/config.ts';

/**
 * RFC 9068 section 4, RFC 8707 section 2: one value must be an accepted identifier; a prefix of it is another resource.
 * Sole: a token for several services could be replayed by any of them at the others, so it is refused.
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

/** Scheme, host and port of an http(s) URL, and the rest as it is written. No user info. */
const HTTP_URL = /^(https?):\/\/([A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?((?:[/?#].*)?)$/is;
const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: '80', https: '443' };

/**
 * Scheme and host in lower case, no default port, no slash behind an empty path (RFC 3986 section 6.2.3, MCP "Canonical
 * Server URI"); the path is not touched. What is no URL stays as it is.
 */
function canonicalAudience(value: string): string {
  const [, scheme = '', host = '', port, rest = ''] = HTTP_URL.exec(value) ?? [];
  if (host === '') return value;
  const name = scheme.toLowerCase();
  const authority =
    host.toLowerCase() + (port === undefined || port === DEFAULT_PORTS[name] ? '' : `:${port}`);
  return `${name}://${authority}${rest === '/' ? '' : rest}`;
}
