// Normalizes http(s) URIs for comparison (RFC 3986 section 6.2). Resolves and fetches nothing.

/** The resource identifier is shorter (characters). */
const MAX_LENGTH = 2048;

/** RFC 3986 section 3, less user info, query and fragment. `URL` would drop or repair the rest silently. */
const HTTP_URI =
  /^https?:\/\/[A-Za-z0-9._~:[\]-]+(?:\/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)?$/i;

/**
 * The syntax- and scheme-based normal form (RFC 3986 sections 6.2.2 and 6.2.3): scheme and host in lower case, no
 * default port, no dot segments, `/` for an empty path, percent-encoding only where it is needed and in upper case.
 * `undefined` for other schemes, and for a URI with user info, a query or a fragment.
 */
export function normalHttpUri(uri: string): string | undefined {
  if (uri.length > MAX_LENGTH || !HTTP_URI.test(uri) || !URL.canParse(uri)) return undefined;
  const url = new URL(uri);
  const path = url.pathname.replace(/%[0-9A-Fa-f]{2}/g, (escape) => {
    const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    return /[A-Za-z0-9._~-]/.test(character) ? character : escape.toUpperCase();
  });
  return url.origin + path;
}
